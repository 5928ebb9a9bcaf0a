INSERT INTO monitoring.aged_positions (position_id, symbol, exchange, entry_price, target_price, phase, hours_aged, loss_tolerance) VALUES
    ('301', 'BTCUSDT', 'binance', 97000, 97077.6, 'grace', 4, NULL), ('no_number', 'OLD1USDT', 'binance', 2.5, 2.4, 'PROGRESSIVE', 9, 1.5);
INSERT INTO monitoring.aged_monitoring_events (aged_position_id, event_type, market_price, success) VALUES ('301', 'phase_change', 97010, true);
INSERT INTO monitoring.orders_cache (exchange, exchange_order_id, symbol, side, amount, status) VALUES ('binance', 'b-301', 'BTCUSDT', 'buy', 0.004, 'FILLED');
INSERT INTO monitoring.params (exchange_id, max_trades_filter, stop_loss_filter, trailing_activation_filter, trailing_distance_filter) VALUES
    (1, 6, 2.0, 1.0, 0.5), (2, 4, NULL, 1.5, 0.6);
INSERT INTO monitoring.reentry_signals (signal_id, symbol, exchange, side, original_entry_price, status) VALUES (1000001, 'STALE01USDT', 'binance', 'long', 2.5, 'active');
INSERT INTO monitoring.signal_lifecycles (symbol, exchange, signal_id, position_id, trades) VALUES ('BTCUSDT', 'binance', 1200301, 301, '[]');
