-- Another name than the documents expect: only what it points to tells.
ALTER TABLE monitoring.positions ADD CONSTRAINT positions_came_from
    FOREIGN KEY (signal_id) REFERENCES fas.scoring_history (id) ON DELETE SET NULL;
ALTER TABLE monitoring.trades ADD CONSTRAINT trades_signal_id_fkey
    FOREIGN KEY (signal_id) REFERENCES fas.scoring_history (id);
