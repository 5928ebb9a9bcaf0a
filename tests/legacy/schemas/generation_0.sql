-- The bot of October 2025: bigint ids, trades that point to the scoring history, positions without a signal id.
CREATE SCHEMA fas;
CREATE SCHEMA monitoring;
CREATE TABLE public.trading_pairs (id serial PRIMARY KEY, pair_symbol varchar(20) NOT NULL);
CREATE TABLE fas.scoring_history (
    id bigserial PRIMARY KEY, trading_pair_id integer NOT NULL, pair_symbol varchar(20) NOT NULL,
    exchange_id integer NOT NULL, exchange_name varchar(50) NOT NULL, score_week float, score_month float,
    recommended_action varchar(10), patterns_details jsonb, combinations_details jsonb,
    created_at timestamp DEFAULT now(), processed_at timestamp,
    is_active boolean DEFAULT true, is_processed boolean DEFAULT false);
CREATE TABLE monitoring.trades (
    id bigserial PRIMARY KEY, signal_id bigint NOT NULL,
    trading_pair_id integer REFERENCES public.trading_pairs (id),
    symbol varchar(20) NOT NULL, exchange varchar(20) NOT NULL, side varchar(10) NOT NULL,
    quantity numeric(20,8), executed_qty numeric(20,8), price numeric(20,8), status varchar(20) NOT NULL,
    order_id varchar(100), error_message text,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE monitoring.positions (
    id bigserial PRIMARY KEY, trade_id bigint REFERENCES monitoring.trades (id),
    symbol varchar(20) NOT NULL, exchange varchar(20) NOT NULL, side varchar(10) NOT NULL,
    quantity numeric(20,8) NOT NULL, entry_price numeric(20,8) NOT NULL,
    current_price numeric(20,8), pnl numeric(20,8), pnl_percent numeric(10,4),
    has_stop_loss boolean DEFAULT false, stop_loss_price numeric(20,8),
    has_take_profit boolean DEFAULT false, take_profit_price numeric(20,8),
    has_trailing_stop boolean DEFAULT false, trailing_activation numeric(20,8), trailing_callback numeric(10,4),
    status varchar(20) DEFAULT 'OPEN', opened_at timestamptz DEFAULT now(), closed_at timestamptz,
    updated_at timestamptz DEFAULT now(), leverage numeric(10,2) DEFAULT 1.0,
    stop_loss numeric(20,8), take_profit numeric(20,8), pnl_percentage numeric(10,4),
    trailing_activated boolean DEFAULT false, created_at timestamp DEFAULT now(),
    exit_reason varchar(50), unrealized_pnl numeric DEFAULT 0);
CREATE UNIQUE INDEX idx_unique_active_position ON monitoring.positions (symbol, exchange) WHERE status = 'active';
CREATE TABLE monitoring.processed_signals (
    id serial PRIMARY KEY, signal_id varchar(255) NOT NULL UNIQUE, symbol varchar(50),
    action varchar(20) CHECK (action IN ('BUY', 'SELL', 'LONG', 'SHORT', 'CLOSE')),
    score_week numeric(10,2), score_month numeric(10,2), processed_at timestamptz DEFAULT now(),
    result varchar(50), position_id integer, error_message text, created_at timestamptz DEFAULT now());
CREATE TABLE monitoring.protection_events (
    id serial PRIMARY KEY, position_id bigint REFERENCES monitoring.positions (id), symbol varchar(20),
    exchange varchar(20), event_type varchar(50), protection_type varchar(20), price_level numeric(20,8),
    activation_price numeric(20,8), callback_rate numeric(10,4), success boolean, error_message text,
    created_at timestamptz DEFAULT now());
CREATE TABLE monitoring.alert_rules (
    id serial PRIMARY KEY, rule_name varchar(100) UNIQUE, rule_type varchar(50), threshold_value numeric(20,4),
    threshold_time_minutes integer, enabled boolean DEFAULT true, last_triggered timestamptz,
    trigger_count integer DEFAULT 0, metadata jsonb);
CREATE TABLE monitoring.applied_migrations (
    id serial PRIMARY KEY, migration_file varchar(255) UNIQUE, applied_at timestamptz DEFAULT now(),
    checksum varchar(64), status varchar(20));
CREATE TABLE monitoring.daily_stats (
    id serial PRIMARY KEY, date date UNIQUE, total_trades integer DEFAULT 0, successful_trades integer DEFAULT 0,
    failed_trades integer DEFAULT 0, total_volume_usd numeric(20,2) DEFAULT 0, total_pnl_usd numeric(20,2) DEFAULT 0,
    positions_opened integer, positions_closed integer, positions_protected integer, max_drawdown_usd numeric(20,2),
    binance_trades integer, bybit_trades integer, metadata jsonb);
CREATE TABLE monitoring.performance_metrics (
    id serial PRIMARY KEY, metric_date date, metric_hour integer CHECK (metric_hour BETWEEN 0 AND 23),
    exchange varchar(20), signals_received integer, orders_placed integer, orders_filled integer,
    orders_failed integer, avg_execution_time_ms numeric(10,2), realized_pnl numeric(20,8),
    unrealized_pnl numeric(20,8), UNIQUE (metric_date, metric_hour, exchange));
CREATE TABLE monitoring.system_health (
    id serial PRIMARY KEY, service_name varchar(100), status varchar(20), binance_connected boolean,
    bybit_connected boolean, last_signal_processed timestamptz, last_error text, metadata jsonb);

CREATE FUNCTION monitoring.update_daily_stats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO monitoring.daily_stats (date, total_trades) VALUES (NEW.created_at::date, 1)
    ON CONFLICT (date) DO UPDATE SET total_trades = daily_stats.total_trades + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER update_stats_on_trade AFTER INSERT ON monitoring.trades
    FOR EACH ROW EXECUTE FUNCTION monitoring.update_daily_stats();
CREATE FUNCTION monitoring.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER touch_positions BEFORE UPDATE ON monitoring.positions
    FOR EACH ROW EXECUTE FUNCTION monitoring.touch_updated_at();
CREATE TRIGGER touch_trades BEFORE UPDATE ON monitoring.trades
    FOR EACH ROW EXECUTE FUNCTION monitoring.touch_updated_at();
