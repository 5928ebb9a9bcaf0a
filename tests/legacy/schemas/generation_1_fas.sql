CREATE SCHEMA fas;
CREATE TABLE fas.scoring_history (
    id serial PRIMARY KEY, trading_pair_id integer NOT NULL, pair_symbol varchar(20) NOT NULL,
    exchange_id integer NOT NULL, exchange_name varchar(50) NOT NULL, score_week float, score_month float,
    recommended_action varchar(10), patterns_details jsonb, combinations_details jsonb,
    created_at timestamp DEFAULT now(), processed_at timestamp,
    is_active boolean DEFAULT true, is_processed boolean DEFAULT false);
CREATE INDEX idx_scoring_history_processed ON fas.scoring_history (is_processed);
CREATE INDEX idx_scoring_history_created ON fas.scoring_history (created_at);
INSERT INTO fas.scoring_history (id, trading_pair_id, pair_symbol, exchange_id, exchange_name, score_week, recommended_action)
    SELECT signal_id, 1, symbol, 1, exchange, 61.5, 'BUY' FROM (
        SELECT signal_id, symbol, exchange FROM monitoring.positions
        UNION ALL SELECT signal_id, symbol, exchange FROM monitoring.trades) AS ids
    WHERE signal_id IS NOT NULL ON CONFLICT DO NOTHING;
