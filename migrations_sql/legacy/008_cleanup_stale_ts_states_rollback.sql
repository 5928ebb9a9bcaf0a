-- The way back of 008_cleanup_stale_ts_states.sql: the removed trailing states stand again as they were.
-- By hand, after the way back of 009: psql -v ON_ERROR_STOP=1 -f 008_cleanup_stale_ts_states_rollback.sql
--
-- One transaction; where nothing was removed it changes nothing. A state that another one has replaced since, or whose
-- position is gone, stays where it is kept.
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL search_path = pg_catalog, pg_temp;

DO $rollback$
DECLARE
    one name;
    awake name[];
    removed record;
    back bigint := 0;
    kept bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    IF to_regclass('monitoring.trailing_stop_state_stale_backup') IS NULL
       OR to_regclass('monitoring.trailing_stop_state') IS NULL THEN
        RAISE NOTICE 'Nothing to do: no removed trailing states are kept here';
        RETURN;
    END IF;
    IF to_regclass('monitoring.trailing_stop_state_links_undo') IS NOT NULL THEN
        RAISE EXCEPTION 'Nothing was changed: run 009_add_ts_position_fk_rollback.sql first';
    END IF;
    LOCK TABLE monitoring.trailing_stop_state IN ACCESS EXCLUSIVE MODE;

    awake := ARRAY(SELECT tgname FROM pg_trigger WHERE tgrelid = 'monitoring.trailing_stop_state'::regclass
                   AND NOT tgisinternal AND tgenabled = 'O');
    FOREACH one IN ARRAY awake LOOP  -- an old bot's own triggers would write the rows otherwise
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state DISABLE TRIGGER %I', one);
    END LOOP;
    FOR removed IN SELECT ctid, was FROM monitoring.trailing_stop_state_stale_backup ORDER BY removed_at DESC, id LOOP
        INSERT INTO monitoring.trailing_stop_state
            SELECT r.* FROM jsonb_populate_record(NULL::monitoring.trailing_stop_state, removed.was) r
            WHERE removed.was ->> 'position_id' IS NULL
               OR EXISTS (SELECT FROM monitoring.positions p WHERE p.id::text = removed.was ->> 'position_id')
            ON CONFLICT DO NOTHING;
        IF FOUND THEN
            DELETE FROM monitoring.trailing_stop_state_stale_backup WHERE ctid = removed.ctid;
            back := back + 1;
        END IF;
    END LOOP;
    FOREACH one IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state ENABLE TRIGGER %I', one);
    END LOOP;

    SELECT count(*) INTO kept FROM monitoring.trailing_stop_state_stale_backup;
    IF kept = 0 THEN
        DROP TABLE monitoring.trailing_stop_state_stale_backup;
    END IF;
    RAISE NOTICE '% removed trailing states stand again; % cannot and stay in monitoring.trailing_stop_state_stale_backup', back, kept;
    IF back = 0 THEN
        RETURN;
    END IF;
    IF to_regclass('monitoring.risk_events') IS NOT NULL THEN
        INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration_rollback', 'critical',
            jsonb_build_object('migration', '008_cleanup_stale_ts_states', 'date', now(), 'back', back, 'kept', kept));
    END IF;
END $rollback$;
COMMIT;
