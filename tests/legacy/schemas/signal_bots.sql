-- The v2 and v4 signal bots as they left a database, cut down to the columns that say something.
CREATE TABLE public.tickers (id serial PRIMARY KEY, symbol text UNIQUE NOT NULL, precision_price int, precision_qty int,
    min_qty numeric, status text, tradepermission text, created_at timestamp DEFAULT now());
CREATE TABLE public.tickers_bb (id serial PRIMARY KEY, symbol text UNIQUE NOT NULL, precision_price int, precision_qty int,
    min_qty numeric, ticksize numeric, status text, tradepermission text, is_active boolean, activated_at timestamp);

CREATE TABLE public.signals_v2 (id serial PRIMARY KEY, name text, signal_type text, long_phrase text, short_phrase text,
    timeframe text, source text, rule text, description text, enabled boolean DEFAULT true);
CREATE TABLE public.strategies_v2 (id serial PRIMARY KEY, name text, description text, deposit numeric, position_limit numeric,
    max_risk int, leverage numeric, use_stoploss boolean, sl_type text, sl_value numeric, reverse boolean,
    use_all_tickers boolean, timeframe text, allow_open boolean, enabled boolean, archived boolean);
CREATE TABLE public.strategy_signals_v2 (strategy_id int, signal_id int, role text);
CREATE TABLE public.strategy_tickers_v2 (strategy_id int, ticker_id int, enabled boolean);
CREATE TABLE public.strategy_tp_levels_v2 (id serial PRIMARY KEY, strategy_id int, level int, tp_type text, tp_value numeric,
    volume_percent numeric, tp_trigger_type text, trigger_signal_id int);
CREATE TABLE public.strategy_tp_sl_v2 (strategy_id int, tp_level_id int, sl_mode text, sl_value numeric);
CREATE TABLE public.signals_v2_log (id serial PRIMARY KEY, signal_id int, symbol text, direction text, source text,
    message text, raw_message text, bar_time timestamp, sent_at timestamp, received_at timestamp,
    logged_at timestamp DEFAULT now(), status text, uid text UNIQUE);
CREATE TABLE public.signal_log_entries_v2 (id serial PRIMARY KEY, log_id int REFERENCES public.signals_v2_log,
    strategy_id int, status text, position_id int, note text, logged_at timestamp);
CREATE TABLE public.system_logs (id serial PRIMARY KEY, level text, message text, source text, details text,
    action_flag text, created_at timestamp DEFAULT now());

CREATE TABLE public.signals_v4 (id serial PRIMARY KEY, name text, long_phrase text, short_phrase text, timeframe text,
    source text, rule text, description text, enabled boolean, created_at timestamp DEFAULT now());
CREATE TABLE public.strategies_v4 (id serial PRIMARY KEY, name text UNIQUE, human_name text, description text, signal_id int,
    deposit int, position_limit int, leverage int, max_risk int, timeframe text, enabled boolean, reverse boolean,
    sl_protection boolean, archived boolean, use_all_tickers boolean, allow_open boolean, use_stoploss boolean,
    sl_type text, sl_value numeric, market_watcher boolean, deathrow boolean, created_at timestamp DEFAULT now());
CREATE TABLE public.strategy_tickers_v4 (strategy_id int, ticker_id int, enabled boolean, PRIMARY KEY (strategy_id, ticker_id));
CREATE TABLE public.strategy_tp_levels_v4 (id serial PRIMARY KEY, strategy_id int, level int, tp_type text, tp_value numeric,
    volume_percent int, created_at timestamp DEFAULT now());
CREATE TABLE public.strategy_tp_sl_v4 (id serial PRIMARY KEY, strategy_id int, tp_level_id int, sl_mode text, sl_value numeric,
    created_at timestamp DEFAULT now());
CREATE TABLE public.signals_v4_log (id serial PRIMARY KEY, signal_id int, symbol text, direction text, source text,
    message text, raw_message text, bar_time timestamp, sent_at timestamp, received_at timestamp,
    logged_at timestamp DEFAULT now(), status text, uid text UNIQUE NOT NULL);
CREATE TABLE public.signal_log_entries_v4 (id serial PRIMARY KEY, log_uid text, strategy_id int, status text, note text,
    position_uid text, logged_at timestamp);
CREATE TABLE public.system_log_v4 (id serial PRIMARY KEY, "timestamp" timestamp DEFAULT now(), module text, level text,
    message text, details jsonb);
CREATE TABLE public.positions_v4 (id serial, position_uid text PRIMARY KEY, strategy_id int, symbol text, direction text,
    entry_price numeric, quantity numeric, quantity_left numeric, notional_value numeric, status text, planned_risk numeric,
    route text, log_uid text, pnl numeric, exit_price numeric, close_reason text, created_at timestamp, closed_at timestamp);
CREATE TABLE public.position_targets_v4 (id serial PRIMARY KEY, position_uid text, type text, level int, price numeric,
    quantity numeric, hit boolean, hit_at timestamp, canceled boolean);
CREATE TABLE public.positions_log_v4 (id serial PRIMARY KEY, position_uid text, strategy_id int, symbol text, event_type text,
    note text, received_at timestamp, logged_at timestamp, latency_ms int);
CREATE TABLE public.testsignals_v4 (id serial PRIMARY KEY, message text);
