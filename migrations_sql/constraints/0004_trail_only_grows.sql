-- What is written in the trail stays as it is. There is no switch for it: who must empty a table has to disable
-- the trigger by name, and `manage.py verify_trail` says so.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % only grows: % is refused', TG_TABLE_NAME, TG_OP;
END $$;

CREATE TRIGGER trail_stays BEFORE UPDATE OR DELETE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER trail_stays BEFORE UPDATE OR DELETE ON trail_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
