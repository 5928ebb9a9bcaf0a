-- The way back of 003_cleanup_fas_signals.sql: types, keys, views, comments as they were, ids with the values they have.
-- By hand: psql -v ON_ERROR_STOP=1 -f 003_cleanup_fas_signals_rollback.sql
--
-- One transaction; where nothing of 003 is remembered it changes nothing. It refuses, and changes nothing, while positions
-- or trades hold an id that the old type cannot: no whole number, or one that is too large.
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL search_path = pg_catalog, pg_temp;

-- Ids that would not survive the way back.
CREATE FUNCTION pg_temp.lost_ids(tab text, was text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    lost text[];
    condition text := CASE
        WHEN was IN ('smallint', 'integer', 'bigint') THEN format(
            'signal_id !~ ''^(0|-?[1-9][0-9]{0,18})$'' OR abs(CASE WHEN signal_id ~ ''^-?[0-9]{1,19}$'' '
            'THEN signal_id::numeric ELSE 0 END) > %s',
            CASE was WHEN 'smallint' THEN '32767' WHEN 'integer' THEN '2147483647' ELSE '9223372036854775807' END)
        WHEN was = 'missing' THEN format(
            'NOT EXISTS (SELECT FROM monitoring.%I b WHERE b.id = t.id AND b.signal_id = t.signal_id)', tab || '_signal_id_backup')
        ELSE 'false' END;
BEGIN
    EXECUTE format('SELECT array_agg(signal_id ORDER BY id) FROM monitoring.%I t WHERE signal_id IS NOT NULL AND (%s)',
                   tab, condition) INTO lost;
    RETURN coalesce(lost, '{}');
END $$;

DO $rollback$
DECLARE
    one record;
    lost text[];
    refusals text[] := '{}';
    not_restored text[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    IF to_regclass('monitoring.signal_id_cleanup_undo') IS NULL THEN
        RAISE NOTICE 'Nothing to do: nothing of 003_cleanup_fas_signals.sql is remembered here';
        RETURN;
    END IF;
    FOR one IN SELECT relname AS tab FROM pg_class WHERE relnamespace = to_regnamespace('monitoring')
               AND relname IN ('positions', 'trades') AND relkind IN ('r', 'p') ORDER BY relname LOOP
        EXECUTE format('LOCK TABLE monitoring.%I IN ACCESS EXCLUSIVE MODE', one.tab);
    END LOOP;

    FOR one IN SELECT tab, was FROM monitoring.signal_id_cleanup_undo WHERE was IS NOT NULL ORDER BY step LOOP
        lost := pg_temp.lost_ids(one.tab, one.was);
        IF lost <> '{}' THEN
            refusals := refusals || format('monitoring.%s holds %s that %s (%s)', one.tab,
                cardinality(lost) || CASE cardinality(lost) WHEN 1 THEN ' signal id' ELSE ' signal ids' END,
                CASE one.was WHEN 'missing' THEN 'came since' ELSE 'no ' || one.was || ' can hold' END,
                array_to_string(lost[1:3], ', ') || CASE WHEN cardinality(lost) > 3 THEN ', ...' ELSE '' END);
        END IF;
    END LOOP;
    IF refusals <> '{}' THEN
        RAISE EXCEPTION 'Nothing was changed: %', array_to_string(refusals, '; ')
            USING HINT = 'Empty those ids first, or restore the backup made before the migration.';
    END IF;

    FOR one IN SELECT undo FROM monitoring.signal_id_cleanup_undo ORDER BY step DESC LOOP
        BEGIN
            EXECUTE one.undo;
        EXCEPTION  -- what the data of today, or the dropped schema fas, no longer allow
            WHEN not_null_violation OR foreign_key_violation OR undefined_table OR invalid_schema_name THEN
                RAISE WARNING 'Not restored: % (%)', one.undo, SQLERRM;
                not_restored := not_restored || one.undo;
        END;
    END LOOP;
    DROP TABLE monitoring.signal_id_cleanup_undo;

    INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration_rollback', 'critical',
        jsonb_build_object('migration', '003_cleanup_fas_signals', 'date', now(), 'not_restored', to_jsonb(not_restored)));
END $rollback$;

DROP FUNCTION pg_temp.lost_ids;
COMMIT;
