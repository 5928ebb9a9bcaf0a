-- The v3 bot: orders without positions, stops and sold parts by a number of its own.
CREATE TABLE public.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), symbol varchar(20) NOT NULL, side text NOT NULL,
    quantity numeric(20,8) NOT NULL, price numeric(20,8), status text NOT NULL, position_idx int DEFAULT 0,
    reduce_only boolean DEFAULT false, order_type text, time_in_force varchar(10), order_id text, filled_quantity double precision,
    average_price double precision, created_at timestamptz, updated_at timestamptz);
CREATE TABLE public.sltp_orders (id serial PRIMARY KEY, trade_id int NOT NULL, symbol varchar(50), side varchar(10),
    stop_loss_price double precision, take_profit_price double precision, sl_order_id text, tp_order_id text, status text,
    created_at timestamptz, updated_at timestamptz, partial_close_ratio double precision, extra_data jsonb);
CREATE TABLE public.partial_tp_history (id serial PRIMARY KEY, trade_id int, level int, percent numeric(10,2),
    close_ratio numeric(10,4), close_qty numeric(20,8), price numeric(20,8), order_id varchar(255), status varchar(50), error text,
    created_at timestamptz, updated_at timestamptz);
INSERT INTO public.orders (id, symbol, side, quantity, price, status, position_idx, reduce_only, order_type, order_id,
    filled_quantity, average_price, created_at, updated_at) VALUES
    -- a long that was sold in two parts
    ('00000000-0000-0000-0000-000000000001', 'BTCUSDT', 'BUY', 0.1, NULL, 'FILLED', 1, false, 'market', 'x-1', 0.1, 60000,
        '2025-08-01 10:00Z', '2025-08-01 10:00Z'),
    ('00000000-0000-0000-0000-000000000002', 'BTCUSDT', 'SELL', 0.025, 60600, 'FILLED', 1, true, 'limit', 'x-2', 0.025, 60600,
        '2025-08-01 11:00Z', '2025-08-01 11:00Z'),
    ('00000000-0000-0000-0000-000000000003', 'BTCUSDT', 'SELL', 0.075, NULL, 'filled', 1, true, 'stop_loss', 'x-3', 0.075, 60100,
        '2025-08-01 12:00Z', '2025-08-01 12:00Z'),
    -- a short beside it that is still held, one that nobody took, one that sells what was never bought
    ('00000000-0000-0000-0000-000000000004', 'BTCUSDT', 'SELL', 0.1, NULL, 'FILLED', 2, false, 'market', 'x-4', 0.1, 60000,
        '2025-08-01 10:00Z', '2025-08-01 10:00Z'),
    ('00000000-0000-0000-0000-000000000005', 'BTCUSDT', 'SELL', 0.1, 1, 'cancelled', 1, false, 'limit', 'x-5', 0, NULL,
        '2025-08-01 10:00Z', '2025-08-01 10:00Z'),
    ('00000000-0000-0000-0000-000000000006', 'ETHUSDT', 'SELL', 1, NULL, 'FILLED', 1, true, 'market', 'x-6', 1, 2500,
        '2025-08-01 10:00Z', '2025-08-01 10:00Z');
INSERT INTO public.sltp_orders (trade_id, symbol, side, stop_loss_price, take_profit_price, sl_order_id, status, created_at,
    updated_at) VALUES
    (11, 'BTCUSDT', 'Buy', 59000, 63000, 'x-3', 'executed', '2025-08-01 10:00Z', '2025-08-01 12:00Z'),
    (12, 'SOLUSDT', 'Sell', 210, 180, 'y-3', 'cancelled', '2025-08-02 10:00Z', '2025-08-02 12:00Z'),
    (13, 'XRPUSDT', 'Buy', 2, 3, 'z-3', 'active', '2025-08-02 10:00Z', '2025-08-02 12:00Z'),
    (14, 'ADAUSDT', 'Buy', 1, 2, 'z-4', 'executed', '2025-08-02 10:00Z', '2025-08-02 12:00Z');
INSERT INTO public.partial_tp_history (trade_id, level, percent, close_ratio, close_qty, price, order_id, status, error, created_at,
    updated_at) VALUES
    (11, 1, 1, 0.25, 0.025, 60600, 'x-2', 'executed', NULL, '2025-08-01 11:00Z', '2025-08-01 11:00Z'),
    (11, 2, 2, 0.25, 0.025, 61200, 'x-9', 'error', 'below the minimum', '2025-08-01 11:00Z', '2025-08-01 11:00Z'),
    (12, 1, 1, 0.5, 5, 198, 'y-1', 'filled', NULL, '2025-08-02 11:00Z', '2025-08-02 11:00Z'),
    (13, 1, 1, 0.5, 5, 2.5, 'z-1', 'executed', NULL, '2025-08-02 11:00Z', '2025-08-02 11:00Z');
