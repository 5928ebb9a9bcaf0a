-- Who may hold how much is recorded too; without an account it is of all of them.
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON risk_limits
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

SELECT add_to_trail('risk_limits', 'found', to_jsonb(t), to_jsonb(t)) FROM risk_limits t ORDER BY id;
