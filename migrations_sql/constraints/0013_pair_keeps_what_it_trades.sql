-- A trade closes by its pair's contract and accounts: they are those it was opened by.
CREATE FUNCTION keep_traded_pair() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM arbitrage_trades WHERE pair_id = NEW.id) THEN
        RAISE EXCEPTION 'pair % has traded: it keeps its strategy, contract and accounts', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_traded_pair BEFORE UPDATE ON arbitrage_pairs
    FOR EACH ROW WHEN ((OLD.strategy_id, OLD.symbol, OLD.first_account_id, OLD.second_account_id)
        IS DISTINCT FROM (NEW.strategy_id, NEW.symbol, NEW.first_account_id, NEW.second_account_id))
    EXECUTE FUNCTION keep_traded_pair();
