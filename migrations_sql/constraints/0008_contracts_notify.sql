-- Which contracts are listed, and by which other names the owner lets them be called, is kept in memory too.
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON exchanges_instrument
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_tickeralias
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
