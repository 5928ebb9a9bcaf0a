-- Executions may come by the thousand in one statement, when an older bot's are imported: as with signals.
DROP TRIGGER record_trail ON trades;
CREATE TRIGGER record_trail AFTER UPDATE OR DELETE ON trades
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');
CREATE TRIGGER record_trail_of_many AFTER INSERT ON trades
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();
