CREATE VIEW monitoring.v_current_positions AS
    SELECT p.id, p.symbol, p.exchange, p.side, p.quantity, p.entry_price, p.status, t.signal_id
    FROM monitoring.positions p LEFT JOIN monitoring.trades t ON t.id = p.trade_id WHERE p.status = 'OPEN';
CREATE VIEW monitoring.v_recent_signals AS
    SELECT s.id, s.pair_symbol, s.exchange_name, s.score_week, t.id AS trade_id, t.status AS trade_status
    FROM fas.scoring_history s LEFT JOIN monitoring.trades t ON s.id = t.signal_id;
CREATE VIEW monitoring.v_traded_signals AS
    SELECT pair_symbol, count(trade_id) AS trades FROM monitoring.v_recent_signals GROUP BY pair_symbol;
CREATE VIEW monitoring.v_daily_pnl AS
    SELECT closed_at::date AS day, sum(pnl) AS pnl FROM monitoring.positions WHERE status = 'CLOSED' GROUP BY 1;
COMMENT ON VIEW monitoring.v_current_positions IS 'What is open, with its signal';
