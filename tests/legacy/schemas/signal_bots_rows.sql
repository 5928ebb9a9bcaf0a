INSERT INTO public.tickers (symbol, status, tradepermission) VALUES
    ('BTCUSDT', 'enabled', 'enabled'),
    ('DOGEUSDT', 'disabled', 'enabled'),
    ('not a coin', 'enabled', 'enabled');
INSERT INTO public.tickers_bb (symbol, status, tradepermission, is_active) VALUES
    ('BTCUSDT', 'enabled', 'enabled', true),
    ('ETHUSDT', 'enabled', 'disabled', true),
    ('SOLUSDT', 'enabled', 'enabled', false);

-- v2: a strategy that turns round by its own signal, and one without a stop
INSERT INTO public.signals_v2 (name, signal_type, long_phrase, short_phrase, enabled) VALUES
    ('VOLUME', 'action', 'VOLUME BURST LONG', 'VOLUME BURST SHORT', true),
    ('LEAVE', 'exit', 'LEAVE LONG', 'LEAVE SHORT', true),
    ('OLD', 'action', 'OLD LONG', 'OLD SHORT', false);
INSERT INTO public.strategies_v2 (name, deposit, position_limit, max_risk, leverage, use_stoploss, sl_type, sl_value, reverse,
    use_all_tickers, timeframe, allow_open, enabled, archived) VALUES
    ('burst', 1000, 100, 2, 5, true, 'percent', 1, false, true, 'm5', true, true, false),
    ('bare one', 1000, 100, 2, 5, false, NULL, NULL, false, false, 'm5', true, false, true);
INSERT INTO public.strategy_signals_v2 VALUES (1, 1, 'action'), (1, 3, 'action'), (2, 2, 'exit'), (9, 1, 'action');
INSERT INTO public.strategy_tickers_v2 VALUES (2, 1, true), (2, 2, false), (2, 3, true);
INSERT INTO public.strategy_tp_levels_v2 (strategy_id, level, tp_type, tp_value, volume_percent, tp_trigger_type,
    trigger_signal_id) VALUES
    (1, 1, 'percent', 1, 50, 'price', NULL), (1, 2, 'external_signal', NULL, 50, 'signal', 2);
INSERT INTO public.signals_v2_log (signal_id, symbol, direction, source, message, raw_message, bar_time, sent_at, received_at,
    status, uid) VALUES
    (1, 'BTCUSDT', 'long', 'external_signal', 'VOLUME BURST LONG', '{"token": "not-for-eyes-1234567890"}',
        '2025-06-01 12:05', '2025-06-01 12:10', '2025-06-01 12:10:00.412', 'new',
        'VOLUME BURST LONG:BTCUSDT:2025-06-01T12:05:00'),
    (1, 'BTCUSDT', 'long', 'external_signal', 'VOLUME BURST LONG', '{}', NULL, NULL, '2025-06-01 13:10', 'new', 'no bar');
INSERT INTO public.signal_log_entries_v2 (log_id, strategy_id, status, position_id, note, logged_at) VALUES
    (1, 1, 'position_opened', 77, 'opened', '2025-06-01 12:10:01'), (1, 2, 'ignored', NULL, 'off', '2025-06-01 12:10:01');
INSERT INTO public.system_logs (level, message, source, details, created_at) VALUES
    ('INFO', 'opened', 'worker', '{"position_id": 77}', now() - interval '1 hour'),
    ('ERROR', 'long ago', 'worker', NULL, '2020-01-01');

-- v4: levels that each move the stop otherwise
INSERT INTO public.signals_v4 (name, long_phrase, short_phrase, enabled) VALUES
    ('EMA', 'EMA UP M5', 'EMA DOWN M5', true), ('UNUSED', 'NOBODY LONG', 'NOBODY SHORT', true);
INSERT INTO public.strategies_v4 (name, human_name, signal_id, deposit, position_limit, leverage, max_risk, timeframe, enabled,
    reverse, sl_protection, archived, use_all_tickers, allow_open, use_stoploss, sl_type, sl_value, market_watcher) VALUES
    ('strategy_100_long', 'A ladder', 1, 10000, 200, 5, 2, 'm5', true, false, true, false, false, true, true, 'percent', 2, true),
    ('burst', 'The name is taken', 1, 1000, 100, 3, 2, 'm5', false, true, true, false, true, true, true, 'percent', 1.5, false),
    (NULL, 'no name', 1, 1000, 100, 3, 2, 'm5', false, true, true, false, true, true, true, 'percent', 1.5, false);
INSERT INTO public.strategy_tickers_v4 VALUES (1, 1, true);
INSERT INTO public.strategy_tp_levels_v4 (strategy_id, level, tp_type, tp_value, volume_percent) VALUES
    (1, 1, 'percent', 1, 40), (1, 2, 'percent', 2, 30), (1, 3, 'percent', 4, 20),
    (2, 1, 'percent', 1, 50), (2, 2, 'signal', NULL, 50), (3, 1, 'percent', 1, 100);
INSERT INTO public.strategy_tp_sl_v4 (strategy_id, tp_level_id, sl_mode, sl_value) VALUES
    (1, 1, 'percent', 0.5), (1, 2, 'entry', NULL), (2, 4, 'moon', NULL), (3, 6, 'none', NULL);
INSERT INTO public.signals_v4_log (signal_id, symbol, direction, source, message, raw_message, bar_time, sent_at, received_at,
    status, uid) VALUES
    (1, 'BTCUSDT', 'long', 'generator', 'EMA UP M5', '{}', '2025-10-01 10:00', '2025-10-01 10:05', '2025-10-01 10:05', 'dispatched',
        '5d1a4f0e-0001'),
    -- the same signal: its name was a new random number each time
    (1, 'BTCUSDT', 'long', 'generator', 'EMA UP M5', '{}', '2025-10-01 10:00', '2025-10-01 10:05', '2025-10-01 10:06', 'dispatched',
        '5d1a4f0e-0002'),
    (1, 'BTCUSDT', 'short', 'generator', 'EMA DOWN M5', '{}', '2025-10-01 11:00', '2025-10-01 11:05', '2025-10-01 11:05', 'ignored',
        '5d1a4f0e-0003'),
    (1, 'BTCUSDT', 'short', 'generator', 'EMA DOWN M5', '{}', '2025-10-01 12:00', '2025-10-01 12:05', '2025-10-01 12:05',
        'dispatched', '5d1a4f0e-0004');
INSERT INTO public.signal_log_entries_v4 (log_uid, strategy_id, status, note, position_uid, logged_at) VALUES
    ('5d1a4f0e-0001', 1, 'dispatched', NULL, NULL, '2025-10-01 10:05'),
    ('5d1a4f0e-0001', 1, 'opened', 'opened', 'p-1', '2025-10-01 10:05:02'),
    ('5d1a4f0e-0001', 1, 'closed', 'tp-full-hit', 'p-1', '2025-10-01 15:00'),
    ('5d1a4f0e-0002', 2, 'skip', 'available risk exhausted', NULL, '2025-10-01 10:06'),
    ('5d1a4f0e-0001', 3, 'ignore', 'of a strategy that is not imported', NULL, '2025-10-01 10:06'),
    ('5d1a4f0e-9999', 1, 'opened', 'of a signal that is lost', NULL, '2025-10-01 10:06');
INSERT INTO public.system_log_v4 (module, level, message, details) VALUES ('CORE_IO', 'WARN', 'slow', '{"seconds": 3}');
INSERT INTO public.positions_v4 (position_uid, strategy_id, symbol, direction, entry_price, quantity, quantity_left,
    notional_value, status, planned_risk, route, log_uid, pnl, exit_price, close_reason, created_at, closed_at) VALUES
    ('p-1', 1, 'BTCUSDT', 'long', 64000, 0.015, 0, 960, 'closed', 0, 'new_entry', '5d1a4f0e-0001', 21.5, 66000, 'tp-full-hit',
        '2025-10-01 10:05:02', '2025-10-01 15:00'),
    ('p-2', 1, 'BTCUSDT', 'short', 64000, 0.015, 0.015, 960, 'open', 19.2, 'new_entry', '5d1a4f0e-0004', -1.9, NULL, NULL,
        '2025-10-01 12:05:02', NULL),
    ('p-3', 1, 'ETHUSDT', 'sideways', 2500, 0.4, 0, 1000, 'closed', 0, 'new_entry', NULL, 0, 2500, 'full-sl-hit',
        '2025-10-01 12:05:02', '2025-10-01 13:00');
INSERT INTO public.position_targets_v4 (position_uid, type, level, price, quantity, hit, hit_at, canceled) VALUES
    ('p-1', 'tp', 1, 64640, 0.006, true, '2025-10-01 12:00', false), ('p-1', 'tp', 2, 65280, 0.009, false, NULL, true),
    ('p-1', 'sl', 1, 62720, 0.015, false, NULL, true), ('p-2', 'tp', 1, 63360, 0.006, false, NULL, false),
    ('p-3', 'tp', 1, 2475, 0.2, false, NULL, true);
INSERT INTO public.positions_log_v4 (position_uid, strategy_id, symbol, event_type, note, received_at, logged_at, latency_ms) VALUES
    ('p-1', 1, 'BTCUSDT', 'opened', 'opened', '2025-10-01 10:05', '2025-10-01 10:05:02', 2000),
    ('p-2', 1, 'BTCUSDT', 'opened', 'opened', '2025-10-01 12:05', '2025-10-01 12:05:02', 2000);
INSERT INTO public.testsignals_v4 (message) VALUES ('a try');
