-- 286 positions with a signal id and 14 without; 13 of all are live.
INSERT INTO monitoring.positions (id, signal_id, symbol, exchange, side, quantity, entry_price, current_price, pnl, realized_pnl, status, exit_reason, opened_at, closed_at, created_at, updated_at)
    SELECT i, CASE WHEN i > 275 THEN NULL WHEN i = 275 THEN 2147483647 WHEN i = 274 THEN 1000273 ELSE 1000000 + i END,
           CASE WHEN i <= 24 THEN 'STALE' || lpad(i::text, 2, '0') || 'USDT'
                WHEN i <= 32 THEN (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT', 'XRPUSDT', 'ADAUSDT', 'DOGEUSDT', 'LINKUSDT'])[i - 24]
                ELSE 'OLD' || i % 40 || 'USDT' END,
           CASE WHEN i IN (31, 32) OR i % 7 = 0 THEN 'bybit' ELSE 'binance' END,
           (ARRAY['long', 'short', 'buy', 'sell', 'LONG', 'BUY'])[i % 6 + 1], 10 + i, 2.5, 2.6,
           CASE WHEN i % 5 > 0 THEN i - 150 END, CASE WHEN i % 5 > 0 THEN i - 150 END,
           (ARRAY['closed', 'closed', 'CLOSED', 'canceled', 'failed', 'rolled_back', 'expired', 'phantom', 'LIQUIDATED'])[i % 9 + 1],
           (ARRAY['stop_loss', 'trailing_stop', 'PHANTOM_AGED', 'rollback: stop was refused, closed by market', NULL])[i % 5 + 1],
           timestamp '2025-10-20 00:00:00' + i * interval '20 minutes',
           CASE WHEN i % 11 > 0 THEN timestamp '2025-10-20 00:10:00' + i * interval '20 minutes' END,
           timestamp '2025-10-20 00:00:00' + i * interval '20 minutes', timestamp '2025-10-25 12:00:00'
    FROM generate_series(1, 287) AS i;
INSERT INTO monitoring.positions (id, signal_id, symbol, exchange, side, quantity, entry_price, status, stop_loss_price, has_stop_loss, has_trailing_stop, opened_at, created_at, updated_at) VALUES
    (301, 1200301, 'BTCUSDT', 'binance', 'long', 0.004, 97000, 'active', 95060, true, true, '2025-10-28 10:00', '2025-10-28 10:00', '2025-10-28 11:00'),
    (302, 1200302, 'ETHUSDT', 'binance', 'SELL', 0.1, 3550, 'active', 3621, true, true, '2025-10-28 10:05', '2025-10-28 10:05', '2025-10-28 11:00'),
    (303, 1200303, 'SOLUSDT', 'binance', 'BUY', 2, 187, 'ACTIVE', 183.26, true, true, '2025-10-28 10:10', '2025-10-28 10:10', '2025-10-28 11:00'),
    (304, 1200304, 'BNBUSDT', 'binance', 'long', 0.5, 650, 'pending_sl', NULL, false, true, '2025-10-28 10:15', '2025-10-28 10:15', '2025-10-28 11:00'),
    (305, 1200305, 'XRPUSDT', 'binance', 'long', 100, 2.2, 'entry_placed', NULL, false, true, '2025-10-28 10:20', '2025-10-28 10:20', '2025-10-28 11:00'),
    (306, 1200306, 'ADAUSDT', 'binance', 'long', 300, 0.72, 'pending_entry', NULL, false, true, '2025-10-28 10:25', '2025-10-28 10:25', '2025-10-28 11:00'),
    (307, 1200307, 'DOGEUSDT', 'bybit', 'long', 1000, 0.2, 'OPEN', 0.196, true, true, '2025-10-28 10:30', '2025-10-28 10:30', '2025-10-28 11:00'),
    -- two legs of one contract; upper case is how the second one got past the unique index
    (308, 1200308, 'LINKUSDT', 'bybit', 'long', 5, 18.2, 'active', 17.84, true, true, '2025-10-28 10:35', '2025-10-28 10:35', '2025-10-28 11:00'),
    (309, 1200309, 'LINKUSDT', 'bybit', 'short', 5, 18.6, 'ACTIVE', 18.97, true, true, '2025-10-28 10:40', '2025-10-28 10:40', '2025-10-28 11:00'),
    (310, NULL, 'SOL/USDT:USDT', 'bybit', 'long', 2, 187.5, 'active', 183.75, true, true, '2025-10-28 10:45', '2025-10-28 10:45', '2025-10-28 11:00'),
    (311, 1200311, 'DOGEUSDT', 'binance', 'short', 1000, 0.2, 'active', 0.204, true, true, '2025-10-28 10:50', '2025-10-28 10:50', '2025-10-28 11:00'),
    (312, 1200312, 'XRPUSDT', 'bybit', 'sell', 100, 2.25, 'active', 2.295, true, true, '2025-10-28 10:55', '2025-10-28 10:55', '2025-10-28 11:00'),
    (313, NULL, 'ADAUSDT', 'bybit', 'long', 300, 0.71, 'active', 0.6958, true, true, '2025-10-28 11:00', '2025-10-28 11:00', '2025-10-28 11:00');
INSERT INTO monitoring.trades (id, signal_id, symbol, exchange, side, order_type, quantity, price, executed_qty, average_price, order_id, client_order_id, status, fee, fee_currency, executed_at)
    SELECT i, CASE WHEN i % 4 > 0 THEN 1000000 + i END, 'STALE' || lpad(i::text, 2, '0') || 'USDT', 'binance',
           (ARRAY['buy', 'SELL'])[i % 2 + 1], 'MARKET', 10, 2.5, 10, 2.5, 'order-' || i, 'client-' || i,
           (ARRAY['FILLED', 'filled', 'FAILED'])[i % 3 + 1], 0.01, 'USDT', timestamp '2025-10-20 00:00:00' + i * interval '20 minutes'
    FROM generate_series(1, 12) AS i;
INSERT INTO monitoring.orders (id, position_id, exchange, symbol, order_id, client_order_id, type, side, size, price, status, filled, remaining, fee, fee_currency) VALUES
    (1, '301', 'binance', 'BTCUSDT', 'b-301', 'c-301', 'MARKET', 'BUY', 0.004, 97000, 'FILLED', 0.004, 0, 0.16, 'USDT'),
    (2, '301', 'binance', 'BTCUSDT', 'b-301-stop', NULL, 'STOP_MARKET', 'sell', 0.004, 95060, 'open', 0, 0.004, NULL, NULL),
    (3, '1', 'binance', 'STALE01USDT', 'b-1', NULL, 'market', 'buy', 11, 2.5, 'closed', 11, 0, 0.01, 'BNB'),
    (4, NULL, 'bybit', 'LINKUSDT', NULL, NULL, 'limit', 'buy', 5, 18.2, 'canceled', 0, 5, NULL, NULL),
    (5, 'pos_not_a_number', 'bybit', 'LINKUSDT', 'y-5', NULL, 'limit', 'buy', 5, 18.2, 'rejected', 0, 5, NULL, NULL);
INSERT INTO monitoring.risk_events (event_type, risk_level, position_id, details) VALUES
    ('position_limit', 'high', NULL, '{"open": 5}'), ('unprotected', 'CRITICAL', '304', NULL), ('drawdown', 'medium', 'abc', '[]');
INSERT INTO monitoring.risk_violations (violation_type, risk_level, message) VALUES ('max_exposure', 'high', 'over 10000');
INSERT INTO monitoring.events (event_type, event_data, position_id, symbol, exchange, severity, error_message) VALUES
    ('position_created', '{"price": 97000}', 301, 'BTCUSDT', 'binance', 'INFO', NULL),
    ('stop_loss_error', NULL, 9999, 'GHOSTUSDT', 'binance', 'error', 'no such position'), ('bot_started', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO monitoring.transaction_log (transaction_id, operation, status) VALUES ('tx-1', 'open_position', 'committed');

-- 29 stale states: of symbols that are over, of the other leg, of another exchange, of no position at all ...
INSERT INTO monitoring.trailing_stop_state (id, symbol, exchange, position_id, state, is_activated, highest_price, lowest_price, entry_price, side, quantity)
    SELECT i, 'STALE' || lpad(i::text, 2, '0') || 'USDT', CASE WHEN i % 7 = 0 THEN 'bybit' ELSE 'binance' END,
           CASE WHEN i % 3 > 0 THEN i END, CASE WHEN i % 2 = 0 THEN 'ACTIVE' ELSE 'inactive' END, i % 2 = 0, 2.6, 999999, 2.5,
           (ARRAY['long', 'short', 'buy', 'sell', 'LONG', 'BUY'])[i % 6 + 1], 10 + i
    FROM generate_series(1, 24) AS i;
INSERT INTO monitoring.trailing_stop_state (id, symbol, exchange, position_id, state, is_activated, highest_price, lowest_price, entry_price, side, quantity) VALUES
    (25, 'DOGEUSDT', 'binance', NULL, 'active', true, 0.21, 999999, 0.19, 'long', 900),
    (26, 'XRPUSDT', 'bybit', NULL, 'inactive', false, 2.3, 999999, 2.21, 'BUY', 90),
    (27, 'ADAUSDT', 'bybit', NULL, 'waiting', false, 999999, 0.7, 0.73, 'SHORT', 290),
    (28, 'BTCUSDT', 'bybit', NULL, 'active', true, 99000, 999999, 97000, 'long', 0.004),
    (29, 'GHOSTUSDT', 'binance', NULL, 'inactive', false, NULL, NULL, 1, 'long', 1);
-- ... and nine live ones, most of them of re-opened symbols
INSERT INTO monitoring.trailing_stop_state (id, symbol, exchange, position_id, state, is_activated, highest_price, lowest_price, current_stop_price, stop_order_id, activation_price, activation_percent, callback_percent, entry_price, side, quantity, update_count, highest_profit_percent, activated_at, metadata) VALUES
    (101, 'BTCUSDT', 'binance', NULL, 'active', true, 98100, 999999, 97609.5, 'b-301-stop', 97970, 1, 0.5, 97000, 'long', 0.004, 7, 1.134, '2025-10-28 10:20', '{"from": "test"}'),
    (102, 'ETHUSDT', 'binance', 302, 'active', true, 999999, 3490, 3507.45, NULL, 3514.5, 1, 0.5, 3550, 'SELL', 0.1, 3, 1.69, '2025-10-28 10:25', NULL),
    (103, 'SOLUSDT', 'binance', 27, 'ACTIVE', true, 190, 999999, 189.05, NULL, 188.87, 1, 0.5, 187, 'BUY', 2, 2, 1.6, '2025-10-28 10:30', NULL),
    (104, 'BNBUSDT', 'binance', NULL, 'inactive', false, 650, 999999, NULL, NULL, 656.5, 1, 0.5, 650, 'long', 0.5, 0, 0, NULL, NULL),
    (105, 'XRPUSDT', 'binance', 305, 'inactive', false, 999999, 999999, NULL, NULL, 2.222, 1, 0.5, 2.2, 'long', 100, 0, 0, NULL, NULL),
    (106, 'ADAUSDT', 'binance', NULL, 'inactive', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.72, 'long', 300, 0, 0, NULL, NULL),
    (107, 'DOGEUSDT', 'bybit', 31, 'waiting', false, 0.201, 999999, NULL, NULL, 0.202, 1, 0.5, 0.2, 'long', 1000, 0, 0.5, NULL, NULL),
    (108, 'LINKUSDT', 'bybit', NULL, 'active', true, 18.5, 999999, 18.41, NULL, 18.38, 1, 0.5, 18.2, 'long', 5, 4, 1.65, '2025-10-28 11:00', NULL),
    (109, 'SOLUSDT', 'bybit', NULL, 'active', true, 190.5, 999999, 189.55, NULL, 189.38, 1, 0.5, 187.5, 'Long', 2, 1, 1.6, '2025-10-28 11:00', NULL);
SELECT setval('monitoring.positions_id_seq', 400), setval('monitoring.trades_id_seq', 400), setval('monitoring.orders_id_seq', 400), setval('monitoring.trailing_stop_state_id_seq', 400);
