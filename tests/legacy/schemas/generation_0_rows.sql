-- 227 filled trades with ids from 12024414 to 12147322 and 59 failed ones; 210 closed and 22 live positions without an id.
INSERT INTO fas.scoring_history (id, trading_pair_id, pair_symbol, exchange_id, exchange_name, score_week, recommended_action)
    SELECT CASE WHEN i = 227 THEN 12147322 ELSE 12024414 + (i - 1) * 500 END, i, 'OLD' || i % 40 || 'USDT', 1, 'binance', 61.5, 'SELL'
    FROM generate_series(1, 227) AS i;
INSERT INTO fas.scoring_history (id, trading_pair_id, pair_symbol, exchange_id, exchange_name)
    SELECT 12200000 + i, i, 'OLD' || i % 40 || 'USDT', 1, 'binance' FROM generate_series(228, 286) AS i;
INSERT INTO monitoring.trades (id, signal_id, symbol, exchange, side, quantity, executed_qty, price, status, order_id, error_message, created_at)
    SELECT i, CASE WHEN i > 227 THEN 12200000 + i WHEN i = 227 THEN 12147322 ELSE 12024414 + (i - 1) * 500 END,
           CASE WHEN i IN (226, 227) THEN 'TWICEUSDT' WHEN i <= 8 THEN (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT', 'XRPUSDT', 'ADAUSDT', 'DOGEUSDT', 'LINKUSDT'])[i] ELSE 'OLD' || i || 'USDT' END,
           'binance', CASE WHEN i % 50 = 0 THEN 'BUY' ELSE 'SELL' END, 10, CASE WHEN i <= 227 THEN 10 ELSE 0 END, 2.5,
           CASE WHEN i <= 227 THEN 'FILLED' ELSE 'FAILED' END, 'order-' || i,
           CASE WHEN i > 227 THEN 'Margin is insufficient' END,
           timestamptz '2025-10-01 00:00:00+00' + CASE WHEN i = 227 THEN 226 ELSE i END * interval '10 minutes'
    FROM generate_series(1, 286) AS i;
INSERT INTO monitoring.positions (id, symbol, exchange, side, quantity, entry_price, current_price, pnl, status, opened_at, closed_at, updated_at, created_at, exit_reason, stop_loss_price, has_stop_loss)
    SELECT i, CASE WHEN i IN (226, 227) THEN 'TWICEUSDT' WHEN i <= 8 THEN (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT', 'XRPUSDT', 'ADAUSDT', 'DOGEUSDT', 'LINKUSDT'])[i] ELSE 'OLD' || i || 'USDT' END,
           CASE WHEN i <= 227 THEN 'binance' ELSE 'bybit' END,
           CASE WHEN i % 50 = 0 THEN 'buy' WHEN i % 45 = 0 THEN 'short' ELSE 'sell' END, 10, 2.5, 2.4,
           CASE WHEN i > 22 AND i <= 215 THEN 0 END, CASE WHEN i <= 22 THEN 'active' ELSE 'closed' END,
           timestamptz '2025-10-01 00:00:02+00' + i * interval '10 minutes',
           CASE WHEN i > 22 THEN timestamptz '2025-10-08 00:00:00+00' + i * interval '1 minute' END,
           timestamptz '2025-10-08 12:00:00+00', timestamp '2025-10-01 00:00:02' + i * interval '10 minutes',
           CASE WHEN i BETWEEN 23 AND 165 THEN 'PHANTOM_CLEANUP' WHEN i BETWEEN 166 AND 215 THEN 'PHANTOM_AGED' END,
           2.55, i <= 22
    FROM generate_series(1, 232) AS i;
UPDATE monitoring.positions SET opened_at = timestamptz '2025-10-01 00:00:02+00' + interval '2260 minutes' WHERE id = 227;
INSERT INTO monitoring.processed_signals (signal_id, symbol, action, score_week, score_month, result, position_id) VALUES
    ('12024414', 'BTCUSDT', 'SELL', 61.5, 58.2, 'executed', 1), ('12024914', 'ETHUSDT', 'SHORT', 70, 60, 'executed', 2),
    ('wave_2025-10-01', NULL, NULL, NULL, NULL, 'skipped', NULL);
INSERT INTO monitoring.protection_events (position_id, symbol, exchange, event_type, protection_type, price_level, success)
    VALUES (1, 'BTCUSDT', 'binance', 'sl_placed', 'stop_loss', 2.55, true);
INSERT INTO monitoring.applied_migrations (migration_file, checksum, status) VALUES ('003_cleanup_fas_signals.sql', repeat('0', 64), 'applied');
SELECT setval('monitoring.trades_id_seq', 286), setval('monitoring.positions_id_seq', 232), setval('fas.scoring_history_id_seq', 12300000);
