-- What a person asked for on a page, and what became of it.
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON person_acts
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

SELECT add_to_trail('person_acts', 'found', to_jsonb(t), to_jsonb(t)) FROM person_acts t ORDER BY at;
