-- One refusal more of a minute that has its row already is counted in it, and is no news.
DROP TRIGGER record_trail ON signals_v2_log;
CREATE TRIGGER record_trail AFTER UPDATE OR DELETE ON signals_v2_log
    FOR EACH ROW EXECUTE FUNCTION record_trail('{received_count}', '{}');
