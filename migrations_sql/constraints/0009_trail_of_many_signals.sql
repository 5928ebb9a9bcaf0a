-- Signals come by the hundred in one statement: their entries are written by one statement too, not by one for each row.
CREATE FUNCTION record_trail_of_many() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET timezone = 'UTC' AS $$
BEGIN
    WITH told AS (
        INSERT INTO trail (account_id, subject_table, subject_key, change, content, written_at, written_by)
        SELECT trail_account(TG_TABLE_NAME, row.content), TG_TABLE_NAME, row.id::text, 'insert', row.content,
               clock_timestamp(), left(trim(session_user || ' ' || current_setting('application_name')), 200)
        FROM (SELECT fresh.id, to_jsonb(fresh) AS content FROM fresh) row ORDER BY row.id
        RETURNING id
    )
    INSERT INTO trail_unsealed SELECT id FROM told;
    RETURN NULL;
END $$;

DROP TRIGGER record_trail ON signals_v2_log;
CREATE TRIGGER record_trail AFTER UPDATE OR DELETE ON signals_v2_log
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail_of_many AFTER INSERT ON signals_v2_log
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();

DROP TRIGGER record_trail ON signal_log_entries_v2;
CREATE TRIGGER record_trail AFTER UPDATE OR DELETE ON signal_log_entries_v2
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail_of_many AFTER INSERT ON signal_log_entries_v2
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();
