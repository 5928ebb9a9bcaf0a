-- What people are told of is written down in the transaction in which it happens. Ids become visible in the order of
-- commits, so a sweep that looked for "newer than the last one" would miss some.
-- What was old already when it was written (an older bot's record that is moved in) is history and no news.
CREATE FUNCTION tell_of_many() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at)
    SELECT TG_ARGV[0], one.id::text, clock_timestamp() FROM fresh one
    WHERE one.created_at > clock_timestamp() - interval '1 hour';
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_errors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at)
    SELECT TG_ARGV[0], one.id::text, clock_timestamp() FROM fresh one
    WHERE one.level = 'ERROR' AND one.created_at > clock_timestamp() - interval '1 hour';
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at) VALUES (TG_ARGV[0], NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER tell_of_many AFTER INSERT ON risk_events
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_of_many('risk_event');
CREATE TRIGGER tell_of_errors AFTER INSERT ON system_logs
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_of_errors('system_error');
CREATE TRIGGER tell_of_switch AFTER INSERT ON state_changes
    FOR EACH ROW WHEN (NEW.from_state <> NEW.to_state) EXECUTE FUNCTION tell_of_row('switched');
CREATE TRIGGER tell_of_opening AFTER UPDATE OF status ON positions
    FOR EACH ROW WHEN (OLD.status = 'opening' AND NEW.status = 'open')
    EXECUTE FUNCTION tell_of_row('position_opened');
-- an entry that was never filled opened nothing and closes nothing
CREATE TRIGGER tell_of_closing AFTER UPDATE OF status ON positions
    FOR EACH ROW WHEN (OLD.status <> 'closed' AND NEW.status = 'closed' AND NEW.opened_at IS NOT NULL)
    EXECUTE FUNCTION tell_of_row('position_closed');
