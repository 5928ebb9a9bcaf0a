-- Signal ids become text: signal_id of monitoring.positions and monitoring.trades is varchar(100), may be empty,
-- and points nowhere any more. By hand: psql -v ON_ERROR_STOP=1 -f 003_cleanup_fas_signals.sql
--
-- One transaction; a second run changes nothing. Works with or without the schema fas, and does nothing where no old bot
-- was. Stop the old bot first. What is changed is remembered, statement by statement, in
-- monitoring.signal_id_cleanup_undo for the way back; the ids as they were stay in monitoring.*_signal_id_backup.
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL search_path = pg_catalog, pg_temp;  -- definitions that are read and kept then name every schema

-- The column as it is now: type, "not null", default; no row where it is missing.
CREATE FUNCTION pg_temp.signal_id_of(tab regclass) RETURNS TABLE (kind text, required boolean, preset text)
LANGUAGE sql AS $$
    SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = tab AND a.attname = 'signal_id' AND NOT a.attisdropped
$$;

-- was: for a change of the column, its type before, or 'missing'.
CREATE FUNCTION pg_temp.change(statement text, undo text, tab text DEFAULT NULL, was text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('monitoring.signal_id_cleanup_undo') IS NULL THEN
        CREATE TABLE monitoring.signal_id_cleanup_undo (
            step bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, undo text NOT NULL, tab text, was text);
        COMMENT ON TABLE monitoring.signal_id_cleanup_undo IS
            'How 003_cleanup_fas_signals_rollback.sql goes back: these statements, the last one first';
    END IF;
    EXECUTE statement;
    INSERT INTO monitoring.signal_id_cleanup_undo (undo, tab, was) VALUES (undo, tab, was);
END $$;

-- Views that read signal_id, and the views over those: nobody may alter the column under them.
CREATE FUNCTION pg_temp.views_over(tabs regclass[]) RETURNS TABLE (view oid, depth integer) LANGUAGE sql AS $$
    WITH RECURSIVE found (view, depth) AS (
        SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
        LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = ANY (tabs) AND r.ev_class <> d.refobjid
          AND (d.refobjsubid = 0 OR a.attname = 'signal_id')
        UNION
        SELECT r.ev_class, f.depth + 1 FROM found f
        JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = f.view
        JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> f.view)
    SELECT f.view, max(f.depth) FROM found f GROUP BY f.view
$$;

CREATE FUNCTION pg_temp.kind_of(view oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END FROM pg_class WHERE oid = view
$$;

CREATE FUNCTION pg_temp.definition_of(view oid) RETURNS text LANGUAGE sql AS $$
    SELECT format('CREATE %s %s%s AS %s', pg_temp.kind_of(view), view::regclass,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')', rtrim(pg_get_viewdef(view), '; '))
    FROM pg_class WHERE oid = view
$$;

-- What stands beside its definition: owner, rights, comments, triggers, indexes.
CREATE FUNCTION pg_temp.belongings_of(view oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(statement, '; '), '') FROM (
        SELECT format('ALTER %s %s OWNER TO %I', pg_temp.kind_of(view), view::regclass, pg_get_userbyid(relowner)) AS statement
        FROM pg_class WHERE oid = view AND pg_get_userbyid(relowner) <> current_user
        UNION ALL
        SELECT format('GRANT %s ON %s TO %s%s', g.privilege_type, view::regclass,
                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = view AND g.grantee <> c.relowner
        UNION ALL
        SELECT CASE objsubid WHEN 0 THEN format('COMMENT ON %s %s IS %L', pg_temp.kind_of(view), view::regclass, description)
               ELSE format('COMMENT ON COLUMN %s.%I IS %L', view::regclass,
                           (SELECT attname FROM pg_attribute WHERE attrelid = view AND attnum = objsubid), description) END
        FROM pg_description WHERE objoid = view AND classoid = 'pg_class'::regclass
        UNION ALL
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = view AND NOT tgisinternal
        UNION ALL
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = view) AS statements
$$;

-- Where a view compares a signal id with a number, the number is compared as text.
CREATE FUNCTION pg_temp.compared_as_text(definition text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(regexp_replace(definition,
        '((?:\w+\.)?\msignal_id\M) (=|<>) (\w+\.\w+)', '\1 \2 \3::text', 'g'),
        '(\w+\.\w+) (=|<>) ((?:\w+\.)?\msignal_id\M)(?!::)', '\1::text \2 \3', 'g'),
        '((?:\w+\.)?\msignal_id\M) (=|<>) (-?\d+)\M', '\1 \2 ''\3''', 'g')
$$;

CREATE FUNCTION pg_temp.view_again(definition text, belongings text, name text, kind text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE undo text := format('DROP %s IF EXISTS %s', kind, name);
BEGIN
    BEGIN
        PERFORM pg_temp.change(definition, undo);
    EXCEPTION WHEN undefined_function THEN
        PERFORM pg_temp.change(pg_temp.compared_as_text(definition), undo);
    END;
    IF belongings <> '' THEN EXECUTE belongings; END IF;
EXCEPTION WHEN undefined_function OR datatype_mismatch THEN
    RAISE EXCEPTION 'Nothing was changed: the view % uses signal ids as numbers (%). Change or drop it, then run this again.',
        name, SQLERRM;
END $$;

-- A position's signal is that of its trade; else of the one filled trade of its leg within five minutes, where that
-- trade has no other position to belong to. Where this leaves a doubt, the id stays empty.
CREATE FUNCTION pg_temp.fill_from_trades() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    filled bigint;
    one name;
    awake name[] := ARRAY(SELECT tgname FROM pg_trigger WHERE tgrelid = 'monitoring.positions'::regclass
                          AND NOT tgisinternal AND tgenabled = 'O');
BEGIN
    IF to_regclass('monitoring.trades') IS NULL OR NOT EXISTS (SELECT FROM pg_temp.signal_id_of('monitoring.trades')) THEN
        RETURN 0;
    END IF;
    -- an old bot's own triggers would note this as an update of the position
    FOREACH one IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE monitoring.positions DISABLE TRIGGER %I', one);
    END LOOP;
    EXECUTE $fill$
        WITH trade AS (  -- as jsonb: any column but the id may be missing
            SELECT id, signal_id::text AS signal_id, lower(r ->> 'exchange') AS exchange, upper(r ->> 'symbol') AS symbol,
                   lower(r ->> 'side') IN ('buy', 'long') AS is_long,
                   coalesce(r ->> 'created_at', r ->> 'executed_at')::timestamptz AS at
            FROM monitoring.trades t, to_jsonb(t) r WHERE signal_id IS NOT NULL AND upper(r ->> 'status') = 'FILLED'
        ), position AS (
            SELECT id, (r ->> 'trade_id')::bigint AS trade_id, lower(r ->> 'exchange') AS exchange,
                   upper(r ->> 'symbol') AS symbol, lower(r ->> 'side') IN ('buy', 'long') AS is_long,
                   (r ->> 'opened_at')::timestamptz AS at
            FROM monitoring.positions p, to_jsonb(p) r
        ), near AS (
            SELECT p.id, t.signal_id, count(*) OVER (PARTITION BY p.id) AS trades, count(*) OVER (PARTITION BY t.id) AS positions
            FROM position p JOIN trade t USING (exchange, symbol, is_long)
            WHERE p.trade_id IS NULL AND t.at BETWEEN p.at - interval '5 minutes' AND p.at + interval '5 minutes'
        ), known AS (
            SELECT p.id, t.signal_id::text AS signal_id FROM position p JOIN monitoring.trades t ON t.id = p.trade_id
            UNION ALL SELECT id, signal_id FROM near WHERE trades = 1 AND positions = 1
        )
        UPDATE monitoring.positions p SET signal_id = known.signal_id FROM known WHERE known.id = p.id
    $fill$;
    GET DIAGNOSTICS filled = ROW_COUNT;
    FOREACH one IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE monitoring.positions ENABLE TRIGGER %I', one);
    END LOOP;
    RETURN filled;
END $$;

CREATE FUNCTION pg_temp.back_up(tab text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE backup text := tab || '_signal_id_backup';
BEGIN
    IF to_regclass('monitoring.' || backup) IS NOT NULL THEN  -- of an earlier time: other values, so it is kept as well
        EXECUTE format('ALTER TABLE monitoring.%I RENAME TO %I', backup, backup || to_char(clock_timestamp(), '_YYYYMMDDHH24MISSUS'));
    END IF;
    EXECUTE format('CREATE TABLE monitoring.%I AS SELECT id, signal_id FROM monitoring.%I', backup, tab);
    EXECUTE format('COMMENT ON TABLE monitoring.%I IS %L', backup,
                   'signal_id before 003_cleanup_fas_signals.sql; dropped only by: manage.py legacy drop-backups');
END $$;

-- Every id is the same text as before, none more and none less, or nothing happened.
CREATE FUNCTION pg_temp.proven_same(tab text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    different bigint;
    counts record;
BEGIN
    EXECUTE format($check$
        SELECT count(*) FROM monitoring.%I now FULL JOIN monitoring.%I before USING (id)
        WHERE now.ctid IS NULL OR before.ctid IS NULL OR now.signal_id IS DISTINCT FROM before.signal_id::text
    $check$, tab, tab || '_signal_id_backup') INTO different;
    IF different > 0 THEN
        RAISE EXCEPTION 'Nothing was changed: % signal ids of monitoring.% would differ', different, tab;
    END IF;
    EXECUTE format('SELECT count(*) AS rows, count(signal_id) AS with_signal_id, '
                   'count(DISTINCT signal_id COLLATE "C") AS distinct_ids FROM monitoring.%I', tab) INTO counts;
    RAISE NOTICE 'monitoring.%: % rows, % signal ids, % of them different; all as before', tab, counts.rows,
        counts.with_signal_id, counts.distinct_ids;
    RETURN to_jsonb(counts);
END $$;

DO $cleanup$
DECLARE
    comment_on_signal_id CONSTANT text := 'Signal id as its sender gave it (text; numbers of older signals as text). '
        'May be empty; points to no table.';
    comment_on_history CONSTANT text := 'Legacy: signals of an earlier design. Not used by the bot; kept for other readers.';
    tab text;
    one record;
    counted jsonb := '{}';
    changes text[] := '{}';
    tabs text[] := ARRAY(SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('monitoring')
                         AND relname IN ('positions', 'trades') AND relkind IN ('r', 'p') ORDER BY relname);
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    FOREACH tab IN ARRAY tabs LOOP
        EXECUTE format('LOCK TABLE monitoring.%I IN ACCESS EXCLUSIVE MODE', tab);
    END LOOP;

    -- keys, by what they point to and from: their names say nothing
    FOR one IN SELECT conrelid::regclass AS tab, conname, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
               JOIN pg_class r ON r.oid = k.confrelid
               WHERE k.contype = 'f' AND k.conrelid = ANY (SELECT ('monitoring.' || t)::regclass FROM unnest(tabs) t)
                 AND (r.relnamespace = to_regnamespace('fas') OR EXISTS (
                      SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'signal_id'))
               ORDER BY 1, 2 LOOP
        PERFORM pg_temp.change(format('ALTER TABLE %s DROP CONSTRAINT %I', one.tab, one.conname),
                               format('ALTER TABLE %s ADD CONSTRAINT %I %s', one.tab, one.conname, one.definition));
        changes := changes || format('%s: foreign key %s dropped', one.tab, one.conname);
    END LOOP;

    CREATE TEMP TABLE views_to_make_again ON COMMIT DROP AS
        SELECT v.view::regclass::text AS name, v.depth, pg_temp.kind_of(v.view) AS kind,
               pg_temp.definition_of(v.view) AS definition, pg_temp.belongings_of(v.view) AS belongings
        FROM pg_temp.views_over(ARRAY(
            SELECT ('monitoring.' || t)::regclass FROM unnest(tabs) t, pg_temp.signal_id_of(('monitoring.' || t)::regclass)
            WHERE kind <> 'character varying(100)')) v;
    FOR one IN SELECT * FROM pg_temp.views_to_make_again ORDER BY depth DESC, name LOOP
        PERFORM pg_temp.change(format('DROP %s %s', one.kind, one.name),
                               one.definition || CASE WHEN one.belongings = '' THEN '' ELSE '; ' || one.belongings END);
    END LOOP;

    FOREACH tab IN ARRAY tabs LOOP
        SELECT * INTO one FROM pg_temp.signal_id_of(('monitoring.' || tab)::regclass);
        IF NOT FOUND THEN
            PERFORM pg_temp.change(format('ALTER TABLE monitoring.%I ADD COLUMN signal_id varchar(100)', tab),
                                   format('ALTER TABLE monitoring.%I DROP COLUMN signal_id', tab), tab, 'missing');
            IF tab = 'positions' THEN
                RAISE NOTICE '% positions got the signal id of their trade', pg_temp.fill_from_trades();
            END IF;
            PERFORM pg_temp.back_up(tab);
            counted := counted || jsonb_build_object(tab, pg_temp.proven_same(tab));
            changes := changes || format('monitoring.%s: signal_id added', tab);
            CONTINUE;
        END IF;
        IF one.preset IS NOT NULL THEN
            PERFORM pg_temp.change(format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id DROP DEFAULT', tab),
                                   format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id SET DEFAULT %s', tab, one.preset));
            changes := changes || format('monitoring.%s: default dropped', tab);
        END IF;
        IF one.required THEN
            PERFORM pg_temp.change(format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id DROP NOT NULL', tab),
                                   format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id SET NOT NULL', tab));
            changes := changes || format('monitoring.%s: may be empty', tab);
        END IF;
        IF one.kind <> 'character varying(100)' THEN
            PERFORM pg_temp.back_up(tab);
            -- the cast at the end is an assignment's: what is too long is refused, never cut
            PERFORM pg_temp.change(
                format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id TYPE varchar(100) USING signal_id::text', tab),
                format('ALTER TABLE monitoring.%I ALTER COLUMN signal_id TYPE %s USING signal_id::%s', tab, one.kind,
                       CASE WHEN one.kind LIKE 'character%' OR one.kind = 'text' THEN 'text' ELSE one.kind END),
                tab, one.kind);
            counted := counted || jsonb_build_object(tab, pg_temp.proven_same(tab));
            changes := changes || format('monitoring.%s: %s to varchar(100)', tab, one.kind);
        END IF;
    END LOOP;

    FOR one IN SELECT * FROM pg_temp.views_to_make_again ORDER BY depth, name LOOP
        PERFORM pg_temp.view_again(one.definition, one.belongings, one.name, one.kind);
        changes := changes || format('%s: made again', one.name);
    END LOOP;

    FOREACH tab IN ARRAY tabs LOOP
        SELECT col_description(attrelid, attnum) AS text INTO one FROM pg_attribute
        WHERE attrelid = ('monitoring.' || tab)::regclass AND attname = 'signal_id';
        IF one.text IS DISTINCT FROM comment_on_signal_id THEN
            PERFORM pg_temp.change(format('COMMENT ON COLUMN monitoring.%I.signal_id IS %L', tab, comment_on_signal_id),
                                   format('COMMENT ON COLUMN monitoring.%I.signal_id IS %L', tab, one.text));
            changes := changes || format('monitoring.%s: commented', tab);
        END IF;
    END LOOP;

    IF obj_description(to_regclass('fas.scoring_history'), 'pg_class') IS DISTINCT FROM comment_on_history
       AND to_regclass('fas.scoring_history') IS NOT NULL THEN
        BEGIN
            EXECUTE format('COMMENT ON TABLE fas.scoring_history IS %L', comment_on_history);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'fas.scoring_history belongs to somebody else and got no comment';
        END;
    END IF;

    IF changes = '{}' THEN
        RAISE NOTICE 'Nothing to do: signal ids are text already, or no old bot was here';
        RETURN;
    END IF;
    IF to_regclass('monitoring.risk_events') IS NULL THEN  -- the first bot had none
        CREATE TABLE monitoring.risk_events (
            id serial PRIMARY KEY, event_type varchar(50) NOT NULL, risk_level varchar(20) NOT NULL,
            position_id varchar(100), details jsonb, created_at timestamp DEFAULT now());
    END IF;
    INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration', 'info',
        jsonb_build_object('migration', '003_cleanup_fas_signals', 'date', now(), 'changes', to_jsonb(changes), 'counts', counted));
END $cleanup$;

DROP FUNCTION pg_temp.signal_id_of, pg_temp.change, pg_temp.views_over, pg_temp.kind_of, pg_temp.definition_of,
    pg_temp.belongings_of, pg_temp.compared_as_text, pg_temp.view_again, pg_temp.fill_from_trades, pg_temp.back_up, pg_temp.proven_same;
COMMIT;
