-- Whoever changes a routing table, by whatever way, the processes that keep them in memory hear of it.
CREATE FUNCTION tell_registry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tradingbot_registry', '');
    RETURN NULL;
END $$;

CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_ticker
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_strategy
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_strategy_tickers
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_strategysignal
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
CREATE TRIGGER tell_registry AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signals_app_signalsender
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
