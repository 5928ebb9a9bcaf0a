-- On which accounts a strategy trades is kept in memory too.
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_strategyaccount
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
