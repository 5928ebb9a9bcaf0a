-- Who is signed in stands beside the role and the program. What owners set up is recorded as trades are.
CREATE OR REPLACE FUNCTION add_to_trail(subject_table text, change text, subject jsonb, content jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    entry_id bigint;
    person text := coalesce(current_setting('tradingbot.person', true), '');
BEGIN
    INSERT INTO trail (account_id, subject_table, subject_key, change, content, written_at, written_by)
    VALUES (trail_account(subject_table, subject), subject_table,
            coalesce(subject ->> 'id', subject ->> 'position_id'), change, content, clock_timestamp(),
            left(trim(session_user || ' ' || current_setting('application_name'))
                 || CASE person WHEN '' THEN '' ELSE ' by ' || person END, 200))
    RETURNING id INTO entry_id;
    INSERT INTO trail_unsealed VALUES (entry_id);
END $$;

CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_app_strategy
    FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_app_strategyaccount
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_app_strategysignal
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_app_ticker
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON signals_app_signalsender
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{token_hash,signing_key}');

SELECT add_to_trail('signals_app_strategy', 'found', to_jsonb(t), to_jsonb(t)) FROM signals_app_strategy t ORDER BY id;
SELECT add_to_trail('signals_app_strategyaccount', 'found', to_jsonb(t), to_jsonb(t))
    FROM signals_app_strategyaccount t ORDER BY id;
SELECT add_to_trail('signals_app_strategysignal', 'found', to_jsonb(t), to_jsonb(t))
    FROM signals_app_strategysignal t ORDER BY id;
SELECT add_to_trail('signals_app_ticker', 'found', to_jsonb(t), to_jsonb(t)) FROM signals_app_ticker t ORDER BY id;
SELECT add_to_trail('signals_app_signalsender', 'found', one, one)
    FROM (SELECT to_jsonb(t) - '{token_hash,signing_key}'::text[] AS one FROM signals_app_signalsender t ORDER BY id) rows;
