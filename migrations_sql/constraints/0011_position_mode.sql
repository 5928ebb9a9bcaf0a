-- What is held and what works at the exchange was asked for in the account's position mode.
CREATE FUNCTION keep_position_mode() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM positions WHERE account_id = NEW.id AND is_live)
        OR EXISTS (SELECT FROM orders WHERE account_id = NEW.id
                   AND status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'denied')) THEN
        RAISE EXCEPTION 'account % keeps its position mode while it holds positions or has working orders', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_position_mode BEFORE UPDATE ON exchanges_exchangeaccount
    FOR EACH ROW WHEN (OLD.position_mode IS DISTINCT FROM NEW.position_mode)
    EXECUTE FUNCTION keep_position_mode();

-- Index 0 is the one position of a contract in one-way mode; 1 and 2 are the legs of hedge mode.
CREATE FUNCTION check_position_idx() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.position_idx = 0) <> (SELECT position_mode = 'one_way' FROM exchanges_exchangeaccount
                                  WHERE id = NEW.account_id) THEN
        RAISE EXCEPTION 'index % is not one of the position mode of account %', NEW.position_idx, NEW.account_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER check_position_idx BEFORE INSERT OR UPDATE OF position_idx ON positions
    FOR EACH ROW WHEN (NEW.status <> 'closed') EXECUTE FUNCTION check_position_idx();
