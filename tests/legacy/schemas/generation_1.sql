-- The bot as the requirement documents know it: integer ids, naive times.
CREATE SCHEMA monitoring;
CREATE TABLE monitoring.positions (
    id serial PRIMARY KEY, signal_id integer, symbol varchar(20) NOT NULL, exchange varchar(50) NOT NULL,
    side varchar(10) NOT NULL, quantity numeric(20,8) NOT NULL, entry_price numeric(20,8) NOT NULL,
    current_price numeric(20,8), stop_loss_price numeric(20,8), take_profit_price numeric(20,8),
    unrealized_pnl numeric(20,8), realized_pnl numeric(20,8), fees numeric(20,8) DEFAULT 0,
    status varchar(20) NOT NULL DEFAULT 'active', exit_reason text, opened_at timestamp DEFAULT now(),
    closed_at timestamp, updated_at timestamp DEFAULT now(), leverage numeric(10,2) DEFAULT 1.0,
    stop_loss numeric(20,8), take_profit numeric(20,8), pnl numeric(20,8), pnl_percentage numeric(10,4),
    trailing_activated boolean DEFAULT false, created_at timestamp DEFAULT now(), error_details jsonb,
    retry_count integer DEFAULT 0, last_error_at timestamp, has_trailing_stop boolean DEFAULT false,
    has_stop_loss boolean DEFAULT false, exchange_order_id varchar(100));
CREATE UNIQUE INDEX idx_unique_active_position ON monitoring.positions (symbol, exchange)
    WHERE status IN ('active', 'entry_placed', 'pending_sl', 'pending_entry');
CREATE INDEX idx_positions_exchange_order_id ON monitoring.positions (exchange_order_id);
CREATE TABLE monitoring.orders (
    id serial PRIMARY KEY, position_id varchar(100), exchange varchar(50) NOT NULL, symbol varchar(20) NOT NULL,
    order_id varchar(100), client_order_id varchar(100), type varchar(20) NOT NULL, side varchar(10) NOT NULL,
    size numeric(20,8), price numeric(20,8), status varchar(20) NOT NULL, filled numeric(20,8) DEFAULT 0,
    remaining numeric(20,8), fee numeric(20,8), fee_currency varchar(10),
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());
CREATE TABLE monitoring.trades (
    id serial PRIMARY KEY, signal_id integer, symbol varchar(20) NOT NULL, exchange varchar(50) NOT NULL,
    side varchar(10) NOT NULL, order_type varchar(20), quantity numeric(20,8), price numeric(20,8),
    executed_qty numeric(20,8), average_price numeric(20,8), order_id varchar(100), client_order_id varchar(100),
    status varchar(20), fee numeric(20,8), fee_currency varchar(10), executed_at timestamp DEFAULT now());
CREATE TABLE monitoring.risk_events (
    id serial PRIMARY KEY, event_type varchar(50) NOT NULL, risk_level varchar(20) NOT NULL,
    position_id varchar(100), details jsonb, created_at timestamp DEFAULT now());
CREATE TABLE monitoring.risk_violations (
    id serial PRIMARY KEY, violation_type varchar(50) NOT NULL, risk_level varchar(20) NOT NULL, message text,
    "timestamp" timestamp DEFAULT now());
CREATE TABLE monitoring.performance_metrics (
    id serial PRIMARY KEY, period varchar(20) NOT NULL, total_trades integer, winning_trades integer,
    losing_trades integer, total_pnl numeric(20,8), win_rate numeric(5,2), profit_factor numeric(10,2),
    sharpe_ratio numeric(10,2), max_drawdown numeric(20,8), avg_win numeric(20,8), avg_loss numeric(20,8),
    created_at timestamp DEFAULT now());
CREATE TABLE monitoring.events (
    id serial PRIMARY KEY, event_type varchar(50) NOT NULL, event_data jsonb, correlation_id varchar(100),
    position_id integer, order_id varchar(100), symbol varchar(50), exchange varchar(50),
    severity varchar(20) DEFAULT 'INFO', error_message text, stack_trace text, created_at timestamptz DEFAULT now());
CREATE TABLE monitoring.transaction_log (
    id serial PRIMARY KEY, transaction_id varchar(100) UNIQUE, operation varchar(100), status varchar(20),
    started_at timestamptz, completed_at timestamptz, duration_ms integer, affected_rows integer,
    error_message text);
CREATE TABLE monitoring.schema_migrations (
    id serial PRIMARY KEY, migration_name varchar(255) UNIQUE, applied_at timestamp DEFAULT now());
CREATE TABLE monitoring.trailing_stop_state (
    id bigserial PRIMARY KEY, symbol varchar(50) NOT NULL, exchange varchar(50) NOT NULL,
    position_id bigint REFERENCES monitoring.positions (id) ON DELETE CASCADE,
    state varchar(20) NOT NULL DEFAULT 'inactive', is_activated boolean NOT NULL DEFAULT false,
    highest_price numeric(20,8), lowest_price numeric(20,8), current_stop_price numeric(20,8),
    stop_order_id varchar(100), activation_price numeric(20,8), activation_percent numeric(10,4),
    callback_percent numeric(10,4), entry_price numeric(20,8) NOT NULL, side varchar(10) NOT NULL,
    quantity numeric(20,8) NOT NULL, update_count integer DEFAULT 0, highest_profit_percent numeric(10,4) DEFAULT 0,
    created_at timestamp NOT NULL DEFAULT now(), activated_at timestamp, last_update_time timestamp,
    last_sl_update_time timestamp, last_updated_sl_price numeric(20,8), last_peak_save_time timestamp,
    last_saved_peak_price numeric(20,8), metadata jsonb,
    CONSTRAINT trailing_stop_state_symbol_exchange_key UNIQUE (symbol, exchange));
