-- Whoever changes a row that matters, by service, admin or psql, leaves an entry in the same transaction.
CREATE FUNCTION trail_account(subject_table text, content jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF subject_table = 'trailing_stop_state' THEN
        RETURN coalesce((SELECT account_id FROM positions WHERE id = (content ->> 'position_id')::bigint), 0);
    ELSIF subject_table = 'signal_log_entries_v2' THEN
        RETURN coalesce((SELECT account_id FROM signals_app_strategy WHERE id = (content ->> 'strategy_id')::bigint), 0);
    ELSIF subject_table = 'exchanges_exchangeaccount' THEN
        RETURN content ->> 'id';
    END IF;
    RETURN coalesce((content ->> 'account_id')::bigint, 0);
END $$;

CREATE FUNCTION add_to_trail(subject_table text, change text, subject jsonb, content jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    entry_id bigint;
BEGIN
    INSERT INTO trail (account_id, subject_table, subject_key, change, content, written_at, written_by)
    VALUES (trail_account(subject_table, subject), subject_table,
            coalesce(subject ->> 'id', subject ->> 'position_id'), change, content, clock_timestamp(),
            left(trim(session_user || ' ' || current_setting('application_name')), 200))
    RETURNING id INTO entry_id;
    INSERT INTO trail_unsealed VALUES (entry_id);
END $$;

-- Arguments: quiet columns, which alone are no news, and hidden columns, which are never copied.
-- It runs as its owner and in its own schema and time zone, so that any session that may change a row can do so.
CREATE FUNCTION record_trail() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET timezone = 'UTC' AS $$
DECLARE
    quiet text[] := TG_ARGV[0];
    hidden text[] := TG_ARGV[1];
    subject jsonb;
    before jsonb;
    content jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        subject := to_jsonb(OLD) - hidden;
    ELSE
        subject := to_jsonb(NEW) - hidden;
    END IF;
    content := subject;
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) - hidden;
        IF subject - quiet = before - quiet THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_object_agg(one.key, one.value) INTO content
        FROM jsonb_each(subject) one WHERE one.value IS DISTINCT FROM before -> one.key;
    END IF;
    PERFORM add_to_trail(TG_TABLE_NAME, lower(TG_OP), subject, content);
    RETURN NULL;
END $$;

CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_v2_log
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signal_log_entries_v2
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON positions
    FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON trades
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON funding_payments
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON risk_events
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON exchanges_exchangeaccount
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{api_key,api_secret}');

-- The hot row: a tick that does not move the stop costs this comparison and no more.
CREATE FUNCTION trailing_is_news(before trailing_stop_state, after trailing_stop_state) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    before.high_water_mark := after.high_water_mark;
    before.last_mark_price := after.last_mark_price;
    before.last_advanced_at := after.last_advanced_at;
    before.update_count := after.update_count;
    RETURN before IS DISTINCT FROM after;
END $$;

CREATE TRIGGER record_trail AFTER INSERT OR DELETE ON trailing_stop_state
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail_of_moves AFTER UPDATE ON trailing_stop_state
    FOR EACH ROW WHEN (trailing_is_news(OLD, NEW))
    EXECUTE FUNCTION record_trail('{high_water_mark,last_mark_price,last_advanced_at,update_count}', '{}');

-- What is there already starts its story here.
SELECT add_to_trail('exchanges_exchangeaccount', 'found', one, one)
    FROM (SELECT to_jsonb(t) - '{api_key,api_secret}'::text[] AS one FROM exchanges_exchangeaccount t ORDER BY id) rows;
SELECT add_to_trail('signals_v2_log', 'found', to_jsonb(t), to_jsonb(t)) FROM signals_v2_log t ORDER BY id;
SELECT add_to_trail('positions', 'found', to_jsonb(t), to_jsonb(t)) FROM positions t ORDER BY id;
SELECT add_to_trail('signal_log_entries_v2', 'found', to_jsonb(t), to_jsonb(t)) FROM signal_log_entries_v2 t ORDER BY id;
SELECT add_to_trail('trailing_stop_state', 'found', to_jsonb(t), to_jsonb(t)) FROM trailing_stop_state t;
SELECT add_to_trail('orders', 'found', to_jsonb(t), to_jsonb(t)) FROM orders t ORDER BY created_at;
SELECT add_to_trail('trades', 'found', to_jsonb(t), to_jsonb(t)) FROM trades t ORDER BY id;
SELECT add_to_trail('funding_payments', 'found', to_jsonb(t), to_jsonb(t)) FROM funding_payments t ORDER BY id;
SELECT add_to_trail('risk_events', 'found', to_jsonb(t), to_jsonb(t)) FROM risk_events t ORDER BY id;
