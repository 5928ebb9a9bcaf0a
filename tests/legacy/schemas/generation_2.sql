-- The bot's last schema: on top of generation 1, all times with a zone, signal ids integers again.
DO $$
DECLARE naive record;
BEGIN
    FOR naive IN SELECT table_name, column_name FROM information_schema.columns
                 WHERE table_schema = 'monitoring' AND data_type = 'timestamp without time zone' LOOP
        EXECUTE format('ALTER TABLE monitoring.%I ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE ''UTC''',
                       naive.table_name, naive.column_name, naive.column_name);
    END LOOP;
END $$;
ALTER TABLE monitoring.positions
    ADD COLUMN trailing_activation_percent numeric(10,4), ADD COLUMN trailing_callback_percent numeric(10,4),
    ADD COLUMN signal_stop_loss_percent numeric(10,4), ADD COLUMN spread_at_entry numeric(10,4),
    ALTER COLUMN has_trailing_stop SET DEFAULT true, ALTER COLUMN has_trailing_stop SET NOT NULL;
ALTER TABLE monitoring.trades ADD COLUMN created_at timestamptz DEFAULT now(), ADD COLUMN updated_at timestamptz DEFAULT now();
CREATE TABLE monitoring.aged_positions (
    id serial PRIMARY KEY, position_id varchar(255) NOT NULL UNIQUE, symbol varchar(50), exchange varchar(50),
    entry_price numeric(20,8) NOT NULL, target_price numeric(20,8) NOT NULL, phase varchar(50) NOT NULL,
    hours_aged integer NOT NULL, loss_tolerance numeric(10,4), created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now());
CREATE TABLE monitoring.aged_monitoring_events (
    id serial PRIMARY KEY, aged_position_id varchar(255) NOT NULL, event_type varchar(50) NOT NULL,
    market_price numeric(20,8), target_price numeric(20,8), price_distance_percent numeric(10,4),
    action_taken varchar(100), success boolean, error_message text, event_metadata jsonb,
    created_at timestamptz DEFAULT now());
CREATE TABLE monitoring.orders_cache (
    id serial PRIMARY KEY, exchange varchar(50), exchange_order_id varchar(100), symbol varchar(50),
    order_type varchar(20), side varchar(10), price numeric(20,8), amount numeric(20,8) NOT NULL,
    filled numeric(20,8), status varchar(20), created_at timestamptz, cached_at timestamptz DEFAULT now(),
    order_data jsonb, UNIQUE (exchange, exchange_order_id));
CREATE TABLE monitoring.params (
    exchange_id integer PRIMARY KEY CHECK (exchange_id IN (1, 2)), max_trades_filter integer CHECK (max_trades_filter > 0),
    stop_loss_filter numeric(10,4) CHECK (stop_loss_filter > 0),
    trailing_activation_filter numeric(10,4) CHECK (trailing_activation_filter > 0),
    trailing_distance_filter numeric(10,4) CHECK (trailing_distance_filter > 0),
    updated_at timestamptz DEFAULT now(), created_at timestamptz DEFAULT now());
CREATE TABLE monitoring.reentry_signals (
    id serial PRIMARY KEY, signal_id integer, symbol varchar(50), exchange varchar(50), side varchar(10),
    original_entry_price numeric(20,8), original_entry_time timestamptz, last_exit_price numeric(20,8),
    last_exit_time timestamptz, last_exit_reason text, reentry_count integer DEFAULT 0, max_reentries integer DEFAULT 5,
    max_price_after_exit numeric(20,8), min_price_after_exit numeric(20,8), cooldown_sec integer DEFAULT 300,
    drop_percent numeric(10,4) DEFAULT 5.0, expires_at timestamptz, status varchar(20), updated_at timestamptz);
CREATE TABLE monitoring.signal_lifecycles (
    id serial PRIMARY KEY, symbol varchar(50), exchange varchar(50), signal_id integer,
    state varchar(30) DEFAULT 'in_position', strategy_params jsonb, signal_start_ts bigint,
    entry_price numeric(20,8), max_price numeric(20,8), trade_count integer, total_score numeric(10,2),
    last_exit_price numeric(20,8), last_exit_time timestamptz, last_exit_reason text, ts_activated boolean,
    cumulative_pnl numeric(20,8), trades jsonb, position_id integer, UNIQUE (symbol, exchange));
CREATE FUNCTION monitoring.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER touch_positions BEFORE UPDATE ON monitoring.positions
    FOR EACH ROW EXECUTE FUNCTION monitoring.touch_updated_at();
CREATE TRIGGER touch_trades BEFORE UPDATE ON monitoring.trades
    FOR EACH ROW EXECUTE FUNCTION monitoring.touch_updated_at();
CREATE FUNCTION monitoring.lower_side() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.side = lower(NEW.side); RETURN NEW; END $$;
CREATE TRIGGER lower_side BEFORE INSERT OR UPDATE ON monitoring.trailing_stop_state
    FOR EACH ROW EXECUTE FUNCTION monitoring.lower_side();
