-- A position names the plan it was opened with: what it says must not change afterwards.
CREATE TRIGGER plan_stays BEFORE UPDATE OR DELETE ON protection_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
