-- Pointing to the scoring history.
ALTER TABLE monitoring.trades ADD CONSTRAINT trades_signal_id_fkey
    FOREIGN KEY (signal_id) REFERENCES fas.scoring_history (id);
