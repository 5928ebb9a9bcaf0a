-- Take-profit levels are recorded too. Their position names the account.
CREATE OR REPLACE FUNCTION trail_account(subject_table text, content jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF subject_table = 'trailing_stop_state' THEN
        RETURN coalesce((SELECT account_id FROM positions WHERE id = (content ->> 'position_id')::bigint), 0);
    ELSIF subject_table = 'partial_tp_history' THEN
        RETURN coalesce((SELECT account_id FROM positions WHERE id = (content ->> 'trade_id')::bigint), 0);
    ELSIF subject_table = 'signal_log_entries_v2' THEN
        RETURN coalesce((SELECT account_id FROM signals_app_strategy WHERE id = (content ->> 'strategy_id')::bigint), 0);
    ELSIF subject_table = 'exchanges_exchangeaccount' THEN
        RETURN content ->> 'id';
    END IF;
    RETURN coalesce((content ->> 'account_id')::bigint, 0);
END $$;

CREATE TRIGGER record_trail AFTER INSERT OR UPDATE OR DELETE ON partial_tp_history
    FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

SELECT add_to_trail('partial_tp_history', 'found', to_jsonb(t), to_jsonb(t)) FROM partial_tp_history t ORDER BY id;
