-- A trailing row may exist only while its position is live: closing a position without
-- removing the row, or arming a closed position, is refused by the database itself.
ALTER TABLE trailing_stop_state
    ADD CONSTRAINT trailing_only_on_live_position
    FOREIGN KEY (position_id, position_is_live) REFERENCES positions (id, is_live)
    ON DELETE CASCADE;
