-- A strategy's rule names the venue of its account.
CREATE TRIGGER tell_registry AFTER UPDATE OF venue ON exchanges_exchangeaccount
    FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();
