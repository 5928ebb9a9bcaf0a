-- Each trailing state belongs to one position, and goes when that row goes: monitoring.trailing_stop_state.position_id
-- is filled, required, unique, and a foreign key with ON DELETE CASCADE. Run 008 first.
-- By hand: psql -v ON_ERROR_STOP=1 -f 009_add_ts_position_fk.sql
--
-- One transaction; a second run changes nothing. What an earlier migration left (a column, a key of another kind, ids of
-- positions that are closed or gone) is repaired. One state per symbol and exchange stays a rule, as the old bot's writing
-- needs it, unless a contract has two live legs. How to go back is remembered in monitoring.trailing_stop_state_links_undo.
BEGIN;
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL timezone = 'UTC';
SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION pg_temp.contract(symbol text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(split_part(upper(symbol), ':', 1), '/', '')  -- BTC/USDT:USDT and btcusdt are one
$$;

CREATE FUNCTION pg_temp.is_long(side text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN lower(side) IN ('long', 'buy') THEN true WHEN lower(side) IN ('short', 'sell') THEN false END
$$;

-- Within 0.1 %; 0 and 999999 were written where a price was not known.
CREATE FUNCTION pg_temp.same_entry(state numeric, place numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(abs(nullif(nullif(state, 0), 999999) - nullif(nullif(place, 0), 999999)) <= place * 0.001, true)
$$;

-- Of its leg, by what the rows themselves say: symbol, exchange and side, and entered at its price. A state with the price
-- of an earlier position of that leg would bring that one's best price and stop.
CREATE FUNCTION pg_temp.is_of(state jsonb, place jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(place ->> 'exchange') = lower(state ->> 'exchange')
       AND pg_temp.contract(place ->> 'symbol') = pg_temp.contract(state ->> 'symbol')
       AND coalesce(pg_temp.is_long(place ->> 'side') = pg_temp.is_long(state ->> 'side'), true)
       AND pg_temp.same_entry((state ->> 'entry_price')::numeric, (place ->> 'entry_price')::numeric)
$$;

CREATE FUNCTION pg_temp.change(statement text, undo text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('monitoring.trailing_stop_state_links_undo') IS NULL THEN
        CREATE TABLE monitoring.trailing_stop_state_links_undo (
            step bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, undo text NOT NULL);
        COMMENT ON TABLE monitoring.trailing_stop_state_links_undo IS
            'How 009_add_ts_position_fk_rollback.sql goes back: these statements, the last one first';
    END IF;
    EXECUTE statement;
    INSERT INTO monitoring.trailing_stop_state_links_undo (undo) VALUES (undo);
END $$;

-- The live position each state belongs to: the one it names, else the one of its leg that was entered at its price.
-- A state of no live position keeps the one it names: 008 is who removes it.
CREATE FUNCTION pg_temp.links() RETURNS TABLE (state bigint, names text, belongs_to bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.id::bigint, named.id, coalesce(live.id, p.id)::bigint
    FROM monitoring.trailing_stop_state s
    CROSS JOIN LATERAL (SELECT to_jsonb(s) ->> 'position_id') AS named (id)
    LEFT JOIN monitoring.positions p ON p.id::text = named.id
    LEFT JOIN LATERAL (
        SELECT l.id FROM monitoring.positions l
        WHERE lower(trim(l.status)) IN ('active', 'open', 'pending_entry', 'entry_placed', 'pending_sl')
          AND (l.id::text = named.id OR pg_temp.is_of(to_jsonb(s), to_jsonb(l)))
        ORDER BY coalesce(l.id::text = named.id, false) DESC, abs(l.entry_price - s.entry_price), l.id DESC LIMIT 1
    ) AS live ON true;
END $$;

-- Contracts of which both legs are live.
CREATE FUNCTION pg_temp.contracts_with_two_legs() RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT pg_temp.contract(symbol) || ' on ' || lower(exchange) FROM monitoring.positions
        WHERE lower(trim(status)) IN ('active', 'open', 'pending_entry', 'entry_placed', 'pending_sl')
        GROUP BY pg_temp.contract(symbol), lower(exchange) HAVING count(DISTINCT pg_temp.is_long(side)) > 1 ORDER BY 1);
END $$;

-- Of two states of one position the one that was written last is true; the others are kept beside those of 008.
CREATE FUNCTION pg_temp.keep_one_each() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE removed bigint;
BEGIN
    CREATE TEMP TABLE doubled ON COMMIT DROP AS
        SELECT state FROM (
            SELECT l.state, row_number() OVER (PARTITION BY l.belongs_to ORDER BY
                       coalesce(to_jsonb(s) ->> 'last_update_time', to_jsonb(s) ->> 'created_at')::timestamptz DESC NULLS LAST,
                       l.state DESC) AS place
            FROM pg_temp.links l JOIN monitoring.trailing_stop_state s ON s.id = l.state) AS ranked
        WHERE place > 1;
    SELECT count(*) INTO removed FROM pg_temp.doubled;
    IF removed > 0 THEN
        IF to_regclass('monitoring.trailing_stop_state_stale_backup') IS NULL THEN
            CREATE TABLE monitoring.trailing_stop_state_stale_backup (
                id bigint, was jsonb NOT NULL, removed_at timestamptz NOT NULL DEFAULT now());
        END IF;
        WITH removed AS (
            DELETE FROM monitoring.trailing_stop_state s WHERE id IN (SELECT state FROM pg_temp.doubled) RETURNING s.id, to_jsonb(s) AS was)
        INSERT INTO monitoring.trailing_stop_state_stale_backup (id, was) SELECT id, was FROM removed;
        DELETE FROM pg_temp.links WHERE state IN (SELECT state FROM pg_temp.doubled);
    END IF;
    RETURN removed;
END $$;

CREATE FUNCTION pg_temp.relink() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    moved bigint;
    one name;
    awake name[] := ARRAY(SELECT tgname FROM pg_trigger WHERE tgrelid = 'monitoring.trailing_stop_state'::regclass
                          AND NOT tgisinternal AND tgenabled = 'O');
BEGIN
    FOREACH one IN ARRAY awake LOOP  -- an old bot's own triggers would rewrite the row
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state DISABLE TRIGGER %I', one);
    END LOOP;
    UPDATE monitoring.trailing_stop_state s SET position_id = l.belongs_to
    FROM pg_temp.links l WHERE l.state = s.id AND l.names IS DISTINCT FROM l.belongs_to::text;
    GET DIAGNOSTICS moved = ROW_COUNT;
    FOREACH one IN ARRAY awake LOOP
        EXECUTE format('ALTER TABLE monitoring.trailing_stop_state ENABLE TRIGGER %I', one);
    END LOOP;
    RETURN moved;
END $$;

DO $link$
DECLARE
    state CONSTANT text := 'monitoring.trailing_stop_state';
    position_id smallint;
    was text;
    id_type text;
    one record;
    counted bigint;
    former jsonb;
    two_legs text[];
    changes text[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    IF to_regclass(state) IS NULL OR to_regclass('monitoring.positions') IS NULL THEN
        RAISE NOTICE 'Nothing to do: no trailing states of an old bot here';
        RETURN;
    END IF;
    LOCK TABLE monitoring.positions IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE monitoring.trailing_stop_state IN ACCESS EXCLUSIVE MODE;
    SET CONSTRAINTS ALL IMMEDIATE;

    CREATE TEMP TABLE links ON COMMIT DROP AS SELECT * FROM pg_temp.links();
    SELECT count(*) INTO counted FROM pg_temp.links WHERE belongs_to IS NULL;
    IF counted > 0 THEN
        RAISE EXCEPTION 'Nothing was changed: % trailing states have no position; run 008_cleanup_stale_ts_states.sql first', counted;
    END IF;
    counted := pg_temp.keep_one_each();
    IF counted > 0 THEN
        changes := changes || format('%s older states of one position removed', counted);
    END IF;

    SELECT format_type(atttypid, atttypmod) INTO id_type FROM pg_attribute
    WHERE attrelid = to_regclass('monitoring.positions') AND attname = 'id';
    SELECT format_type(atttypid, atttypmod) INTO was FROM pg_attribute
    WHERE attrelid = to_regclass(state) AND attname = 'position_id' AND NOT attisdropped;
    IF was IS NULL THEN
        PERFORM pg_temp.change(format('ALTER TABLE %s ADD COLUMN position_id %s', state, id_type),
                               format('ALTER TABLE %s DROP COLUMN position_id', state));
        changes := changes || 'position_id added'::text;
    END IF;
    SELECT attnum INTO position_id FROM pg_attribute WHERE attrelid = to_regclass(state) AND attname = 'position_id';

    -- keys that do not cascade, or lead elsewhere: what an earlier migration left
    FOR one IN SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
               WHERE contype = 'f' AND conrelid = to_regclass(state) AND conkey = ARRAY[position_id]
                 AND NOT (confrelid = to_regclass('monitoring.positions') AND confdeltype = 'c' AND convalidated) LOOP
        PERFORM pg_temp.change(format('ALTER TABLE %s DROP CONSTRAINT %I', state, one.conname),
                               format('ALTER TABLE %s ADD CONSTRAINT %I %s', state, one.conname, one.definition));
        changes := changes || format('%s dropped: %s', one.conname, one.definition);
    END LOOP;

    SELECT jsonb_object_agg(l.state, l.names) INTO former FROM pg_temp.links l
    WHERE was IS NOT NULL AND l.names IS DISTINCT FROM l.belongs_to::text;
    IF former IS NOT NULL THEN
        PERFORM pg_temp.change('SELECT 1', format(
            'UPDATE %s s SET position_id = f.value::%s FROM jsonb_each_text(%L) f WHERE f.key = s.id::text', state, was, former));
    END IF;
    IF was IS NOT NULL AND was NOT IN ('integer', 'bigint') THEN
        PERFORM pg_temp.change(
            format('ALTER TABLE %s ALTER COLUMN position_id TYPE %s USING CASE WHEN position_id::text ~ ''^[0-9]{1,9}$'' '
                   'THEN position_id::text::%s END', state, id_type, id_type),
            format('ALTER TABLE %s ALTER COLUMN position_id TYPE %s USING position_id::text', state, was));
        changes := changes || format('position_id: %s to %s', was, id_type);
    END IF;
    counted := pg_temp.relink();
    IF counted > 0 THEN
        changes := changes || format('%s states lead to their live position', counted);
    END IF;

    IF NOT (SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass(state) AND attnum = position_id) THEN
        PERFORM pg_temp.change(format('ALTER TABLE %s ALTER COLUMN position_id SET NOT NULL', state),
                               format('ALTER TABLE %s ALTER COLUMN position_id DROP NOT NULL', state));
        changes := changes || 'position_id required'::text;
    END IF;
    two_legs := pg_temp.contracts_with_two_legs();
    FOR one IN SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint k
               WHERE two_legs <> '{}' AND contype = 'u' AND conrelid = to_regclass(state)
                 AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute a
                      WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) = ARRAY['exchange', 'symbol'] LOOP
        PERFORM pg_temp.change(format('ALTER TABLE %s DROP CONSTRAINT %I', state, one.conname),
                               format('ALTER TABLE %s ADD CONSTRAINT %I %s', state, one.conname, one.definition));
        changes := changes || format('%s dropped: two legs of %s', one.conname, array_to_string(two_legs, ', '));
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE contype IN ('u', 'p') AND conrelid = to_regclass(state) AND conkey = ARRAY[position_id]) THEN
        PERFORM pg_temp.change(format('ALTER TABLE %s ADD CONSTRAINT trailing_stop_state_one_per_position UNIQUE (position_id)', state),
                               format('ALTER TABLE %s DROP CONSTRAINT trailing_stop_state_one_per_position', state));
        changes := changes || 'one state per position'::text;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass(state) AND conkey = ARRAY[position_id]) THEN
        PERFORM pg_temp.change(format('ALTER TABLE %s ADD CONSTRAINT trailing_stop_state_of_position FOREIGN KEY (position_id) '
                                      'REFERENCES monitoring.positions (id) ON DELETE CASCADE', state),
                               format('ALTER TABLE %s DROP CONSTRAINT trailing_stop_state_of_position', state));
        changes := changes || 'foreign key to positions, on delete cascade'::text;
    END IF;

    IF changes = '{}' THEN
        RAISE NOTICE 'Nothing to do: each trailing state belongs to its position already';
        RETURN;
    END IF;
    RAISE NOTICE 'monitoring.trailing_stop_state: %', array_to_string(changes, '; ');
    IF to_regclass('monitoring.risk_events') IS NOT NULL THEN
        INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration', 'info',
            jsonb_build_object('migration', '009_add_ts_position_fk', 'date', now(), 'changes', to_jsonb(changes)));
    END IF;
END $link$;

DROP FUNCTION pg_temp.contract, pg_temp.is_long, pg_temp.same_entry, pg_temp.is_of, pg_temp.change, pg_temp.links,
    pg_temp.contracts_with_two_legs, pg_temp.keep_one_each, pg_temp.relink;
COMMIT;
