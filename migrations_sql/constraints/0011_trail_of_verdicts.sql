-- A verdict names its account itself.
CREATE OR REPLACE FUNCTION trail_account(subject_table text, content jsonb) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF subject_table = 'trailing_stop_state' THEN
        RETURN coalesce((SELECT account_id FROM positions WHERE id = (content ->> 'position_id')::bigint), 0);
    ELSIF subject_table = 'partial_tp_history' THEN
        RETURN coalesce((SELECT account_id FROM positions WHERE id = (content ->> 'trade_id')::bigint), 0);
    ELSIF subject_table = 'exchanges_exchangeaccount' THEN
        RETURN content ->> 'id';
    END IF;
    RETURN coalesce((content ->> 'account_id')::bigint, 0);
END $$;
