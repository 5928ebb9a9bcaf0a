-- Trailing states of positions that are over are removed from monitoring.trailing_stop_state.
-- By hand: psql -v ON_ERROR_STOP=1 -f 008_cleanup_stale_ts_states.sql
--
-- One transaction; a second run changes nothing. A state stays while the position it names is live, or one of its symbol,
-- exchange and side that was entered at its price (also one still opening, in whatever case its status is written), however
-- many older ones of that symbol are closed.
-- Removed rows are kept in monitoring.trailing_stop_state_stale_backup for the way back.
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

CREATE FUNCTION pg_temp.stale_ids() RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT s.id::bigint FROM monitoring.trailing_stop_state s WHERE NOT EXISTS (
        SELECT FROM monitoring.positions p
        WHERE lower(trim(p.status)) IN ('active', 'open', 'pending_entry', 'entry_placed', 'pending_sl')
          AND (p.id::text = to_jsonb(s) ->> 'position_id' OR pg_temp.is_of(to_jsonb(s), to_jsonb(p))));
END $$;

DO $cleanup$
DECLARE
    before bigint;
    stale bigint;
    after bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7474003);
    IF to_regclass('monitoring.trailing_stop_state') IS NULL OR to_regclass('monitoring.positions') IS NULL THEN
        RAISE NOTICE 'Nothing to do: no trailing states of an old bot here';
        RETURN;
    END IF;
    LOCK TABLE monitoring.positions, monitoring.trailing_stop_state IN SHARE ROW EXCLUSIVE MODE;

    SELECT count(*), (SELECT count(*) FROM pg_temp.stale_ids()) INTO before, stale FROM monitoring.trailing_stop_state;
    IF stale = 0 THEN
        RAISE NOTICE 'Nothing to do: % trailing states, none of them stale', before;
        RETURN;
    END IF;
    CREATE TABLE IF NOT EXISTS monitoring.trailing_stop_state_stale_backup (
        id bigint, was jsonb NOT NULL, removed_at timestamptz NOT NULL DEFAULT now());
    COMMENT ON TABLE monitoring.trailing_stop_state_stale_backup IS
        'Trailing states that 008 and 009 removed; dropped only by: manage.py legacy drop-backups';
    WITH removed AS (
        DELETE FROM monitoring.trailing_stop_state s WHERE id IN (SELECT pg_temp.stale_ids()) RETURNING s.id, to_jsonb(s) AS was)
    INSERT INTO monitoring.trailing_stop_state_stale_backup (id, was) SELECT id, was FROM removed;

    SELECT count(*) INTO after FROM monitoring.trailing_stop_state;
    IF after <> before - stale OR EXISTS (SELECT pg_temp.stale_ids()) THEN
        RAISE EXCEPTION 'Nothing was changed: of % trailing states % were stale, and % would be left', before, stale, after;
    END IF;
    RAISE NOTICE 'Trailing states: % before, % of them stale; % after, none of them stale', before, stale, after;
    IF to_regclass('monitoring.risk_events') IS NOT NULL THEN
        INSERT INTO monitoring.risk_events (event_type, risk_level, details) VALUES ('database_migration', 'info',
            jsonb_build_object('migration', '008_cleanup_stale_ts_states', 'date', now(), 'before', before, 'stale', stale, 'after', after));
    END IF;
END $cleanup$;

DROP FUNCTION pg_temp.contract, pg_temp.is_long, pg_temp.same_entry, pg_temp.is_of, pg_temp.stale_ids;
COMMIT;
