CREATE VIEW monitoring.v_positions_of_signals AS
    SELECT p.id, p.symbol, p.signal_id, p.status FROM monitoring.positions p WHERE p.signal_id IS NOT NULL;
CREATE VIEW monitoring.v_signals_of_both AS
    SELECT p.id AS position_id, t.id AS trade_id, p.signal_id FROM monitoring.positions p
    JOIN monitoring.trades t ON t.signal_id = p.signal_id;
