-- What an owner says of forecasts, and which model was asked since when; its bytes stay where they are, their hash is told.
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON forecast_feeds
    FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');
CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON forecast_models
    FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{content,reference}');

SELECT add_to_trail('forecast_feeds', 'found', to_jsonb(t), to_jsonb(t)) FROM forecast_feeds t ORDER BY id;
SELECT add_to_trail('forecast_models', 'found', one, one)
    FROM (SELECT to_jsonb(t) - '{content,reference}'::text[] AS one FROM forecast_models t ORDER BY id) rows;
