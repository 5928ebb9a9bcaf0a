-- Which strategies a sender may speak to is kept in memory too.
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_signalsender_strategies
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
