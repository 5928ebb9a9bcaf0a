-- The way back of 009_add_ts_position_fk.sql: column, keys and position ids of the trailing states as they were.
-- By hand: psql -v ON_ERROR_STOP=1 -f 009_add_ts_position_fk_rollback.sql
--
-- One transaction; where nothing of 009 is remembered it changes nothing.
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL search_path = pg_catalog, pg_temp;

DO $rollback$
DECLARE
    one record;
    awake name[];
    trigger_name name;
    not_restored text[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    IF to_regclass('monitoring.trailing_stop_state_links_undo') IS NULL THEN
        RAISE NOTICE 'Nothing to do: nothing of 009_add_ts_position_fk.sql is remembered here';
        RETURN;
    END IF;
    LOCK TABLE monitoring.trailing_stop_state IN ACCESS EXCLUSIVE MODE;
    SET CONSTRAINTS ALL IMMEDIATE;
    awake := ARRAY(SELECT tgname FROM pg_trigger WHERE tgrelid = 'monitoring.trailing_stop_state'::regclass
                   AND NOT tgisinternal AND tgenabled = 'O');
    FOREACH trigger_name IN ARRAY awake LOOP  -- an old bot's own triggers would rewrite the rows
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state DISABLE TRIGGER %I', trigger_name);
    END LOOP;
    FOR one IN SELECT undo FROM monitoring.trailing_stop_state_links_undo ORDER BY step DESC LOOP
        BEGIN
            EXECUTE one.undo;
        EXCEPTION WHEN unique_violation OR foreign_key_violation THEN  -- what the rows of today no longer allow
            RAISE WARNING 'Not restored: % (%)', one.undo, SQLERRM;
            not_restored := not_restored || one.undo;
        END;
    END LOOP;
    FOREACH trigger_name IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state ENABLE TRIGGER %I', trigger_name);
    END LOOP;
    DROP TABLE monitoring.trailing_stop_state_links_undo;

    IF to_regclass('monitoring.risk_events') IS NOT NULL THEN
        INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration_rollback', 'critical',
            jsonb_build_object('migration', '009_add_ts_position_fk', 'date', now(), 'not_restored', to_jsonb(not_restored)));
    END IF;
END $rollback$;
COMMIT;
