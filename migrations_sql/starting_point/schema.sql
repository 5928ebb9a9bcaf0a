CREATE TYPE order_side_enum AS ENUM (
    'buy',
    'sell'
);

CREATE TYPE order_status_enum AS ENUM (
    'initialized',
    'submitted',
    'accepted',
    'triggered',
    'partially_filled',
    'filled',
    'pending_cancel',
    'canceled',
    'expired',
    'rejected',
    'denied'
);

CREATE FUNCTION add_to_trail(subject_table text, change text, subject jsonb, content jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    entry_id bigint;
    person text := coalesce(current_setting('tradingbot.person', true), '');
BEGIN
    INSERT INTO trail (account_id, subject_table, subject_key, change, content, written_at, written_by)
    VALUES (trail_account(subject_table, subject), subject_table,
            coalesce(subject ->> 'id', subject ->> 'position_id'), change, content, clock_timestamp(),
            left(trim(session_user || ' ' || current_setting('application_name'))
                 || CASE person WHEN '' THEN '' ELSE ' by ' || person END, 200))
    RETURNING id INTO entry_id;
    INSERT INTO trail_unsealed VALUES (entry_id);
END $$;

CREATE FUNCTION check_position_idx() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path FROM CURRENT
    AS $$
BEGIN
    IF (NEW.position_idx = 0) <> (SELECT position_mode = 'one_way' FROM exchanges_exchangeaccount
                                  WHERE id = NEW.account_id) THEN
        RAISE EXCEPTION 'index % is not one of the position mode of account %', NEW.position_idx, NEW.account_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION keep_position_mode() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path FROM CURRENT
    AS $$
BEGIN
    IF EXISTS (SELECT FROM positions WHERE account_id = NEW.id AND is_live)
        OR EXISTS (SELECT FROM orders WHERE account_id = NEW.id
                   AND status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'denied')) THEN
        RAISE EXCEPTION 'account % keeps its position mode while it holds positions or has working orders', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION keep_traded_pair() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path FROM CURRENT
    AS $$
BEGIN
    IF EXISTS (SELECT FROM arbitrage_trades WHERE pair_id = NEW.id) THEN
        RAISE EXCEPTION 'pair % has traded: it keeps its strategy, contract and accounts', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION record_trail() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    quiet text[] := TG_ARGV[0];
    hidden text[] := TG_ARGV[1];
    subject jsonb;
    before jsonb;
    content jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        subject := to_jsonb(OLD) - hidden;
    ELSE
        subject := to_jsonb(NEW) - hidden;
    END IF;
    content := subject;
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) - hidden;
        IF subject - quiet = before - quiet THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_object_agg(one.key, one.value) INTO content
        FROM jsonb_each(subject) one WHERE one.value IS DISTINCT FROM before -> one.key;
    END IF;
    PERFORM add_to_trail(TG_TABLE_NAME, lower(TG_OP), subject, content);
    RETURN NULL;
END $$;

CREATE FUNCTION record_trail_of_many() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    WITH told AS (
        INSERT INTO trail (account_id, subject_table, subject_key, change, content, written_at, written_by)
        SELECT trail_account(TG_TABLE_NAME, row.content), TG_TABLE_NAME, row.id::text, 'insert', row.content,
               clock_timestamp(), left(trim(session_user || ' ' || current_setting('application_name')), 200)
        FROM (SELECT fresh.id, to_jsonb(fresh) AS content FROM fresh) row ORDER BY row.id
        RETURNING id
    )
    INSERT INTO trail_unsealed SELECT id FROM told;
    RETURN NULL;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'table % only grows: % is refused', TG_TABLE_NAME, TG_OP;
END $$;

CREATE FUNCTION tell_of_errors() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT
    AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at)
    SELECT TG_ARGV[0], one.id::text, clock_timestamp() FROM fresh one
    WHERE one.level = 'ERROR' AND one.created_at > clock_timestamp() - interval '1 hour';
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_many() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT
    AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at)
    SELECT TG_ARGV[0], one.id::text, clock_timestamp() FROM fresh one
    WHERE one.created_at > clock_timestamp() - interval '1 hour';
    RETURN NULL;
END $$;

CREATE FUNCTION tell_of_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT
    AS $$
BEGIN
    INSERT INTO notify_events (kind, subject_key, happened_at) VALUES (TG_ARGV[0], NEW.id::text, clock_timestamp());
    RETURN NULL;
END $$;

CREATE FUNCTION tell_registry() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('tradingbot_registry', '');
    RETURN NULL;
END $$;

CREATE FUNCTION trail_account(subject_table text, content jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE TABLE trailing_stop_state (
    position_id bigint NOT NULL,
    position_is_live boolean DEFAULT true NOT NULL,
    state character varying(10) NOT NULL,
    entry_price numeric(20,8),
    activation_price numeric(20,8),
    high_water_mark numeric(20,8),
    stop_price numeric(20,8),
    crossed_at timestamp with time zone,
    update_count integer NOT NULL,
    activated_at timestamp with time zone,
    last_mark_price numeric(20,8),
    last_advanced_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    entry_atr numeric(28,16),
    levels_taken smallint DEFAULT 0 NOT NULL,
    stop_reason character varying(12) DEFAULT 'stop_loss'::character varying NOT NULL,
    atr numeric(28,16),
    atr_at timestamp with time zone,
    known_until timestamp with time zone,
    loosened_from numeric(20,8),
    CONSTRAINT trailing_claims_a_live_position CHECK (position_is_live),
    CONSTRAINT trailing_reason_known CHECK (((stop_reason)::text = ANY ((ARRAY['stop_loss'::character varying, 'breakeven'::character varying, 'profit_lock'::character varying, 'after_level'::character varying, 'trailing'::character varying, 'by_hand'::character varying, 'opposite'::character varying])::text[]))),
    CONSTRAINT trailing_state_known CHECK (((state)::text = ANY ((ARRAY['inactive'::character varying, 'waiting'::character varying, 'active'::character varying, 'triggered'::character varying])::text[]))),
    CONSTRAINT trailing_stop_state_levels_taken_check CHECK ((levels_taken >= 0)),
    CONSTRAINT trailing_stop_state_update_count_check CHECK ((update_count >= 0)),
    CONSTRAINT trailing_true_range_now_positive CHECK (((atr IS NULL) OR (atr > (0)::numeric))),
    CONSTRAINT trailing_true_range_positive CHECK (((entry_atr IS NULL) OR (entry_atr > (0)::numeric)))
);

CREATE FUNCTION trailing_is_news(before trailing_stop_state, after trailing_stop_state) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
BEGIN
    before.high_water_mark := after.high_water_mark;
    before.last_mark_price := after.last_mark_price;
    before.last_advanced_at := after.last_advanced_at;
    before.update_count := after.update_count;
    RETURN before IS DISTINCT FROM after;
END $$;

CREATE TABLE account_emailaddress (
    id integer NOT NULL,
    email character varying(254) NOT NULL,
    verified boolean NOT NULL,
    "primary" boolean NOT NULL,
    user_id integer NOT NULL
);

ALTER TABLE account_emailaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME account_emailaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE account_emailconfirmation (
    id integer NOT NULL,
    created timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    key character varying(64) NOT NULL,
    email_address_id integer NOT NULL
);

ALTER TABLE account_emailconfirmation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME account_emailconfirmation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE account_equity (
    id bigint NOT NULL,
    day date NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    equity numeric(24,8) NOT NULL,
    earned numeric(24,8) NOT NULL,
    share numeric(38,18) NOT NULL,
    share_before numeric(38,18) NOT NULL,
    share_at_start numeric(38,18) NOT NULL,
    share_at_peak numeric(38,18) NOT NULL,
    booked_from timestamp with time zone NOT NULL,
    booked_at_start numeric(24,8) NOT NULL,
    unrealized_at_start numeric(24,8) NOT NULL,
    account_id bigint NOT NULL
);

ALTER TABLE account_equity ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME account_equity_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE api_tokens (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    scope character varying(5) NOT NULL,
    begins_with character varying(10) NOT NULL,
    token_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    user_id integer NOT NULL,
    CONSTRAINT api_token_is_kept_as_hash CHECK (((token_hash)::text ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT api_token_scope_known CHECK (((scope)::text = ANY ((ARRAY['read'::character varying, 'trade'::character varying, 'admin'::character varying, 'panic'::character varying])::text[])))
);

ALTER TABLE api_tokens ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME api_tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE arbitrage_pairs (
    id bigint NOT NULL,
    symbol character varying(60) NOT NULL,
    first_fee_percent numeric(7,4) NOT NULL,
    second_fee_percent numeric(7,4) NOT NULL,
    enabled boolean NOT NULL,
    entry_percent numeric(7,4) NOT NULL,
    exit_percent numeric(7,4) NOT NULL,
    stop_loss_percent numeric(7,4) NOT NULL,
    expected_holding_minutes integer NOT NULL,
    max_holding_minutes integer NOT NULL,
    max_quote_age_ms integer NOT NULL,
    rest_seconds integer NOT NULL,
    judged_at timestamp with time zone,
    judgement text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    first_account_id bigint NOT NULL,
    second_account_id bigint NOT NULL,
    strategy_id bigint NOT NULL,
    CONSTRAINT arbitrage_pairs_expected_holding_minutes_check CHECK ((expected_holding_minutes >= 0)),
    CONSTRAINT arbitrage_pairs_max_holding_minutes_check CHECK ((max_holding_minutes >= 0)),
    CONSTRAINT arbitrage_pairs_max_quote_age_ms_check CHECK ((max_quote_age_ms >= 0)),
    CONSTRAINT arbitrage_pairs_rest_seconds_check CHECK ((rest_seconds >= 0)),
    CONSTRAINT pair_exit_below_entry CHECK ((exit_percent < entry_percent)),
    CONSTRAINT pair_fees_sane CHECK (((first_fee_percent >= (0)::numeric) AND (second_fee_percent >= (0)::numeric))),
    CONSTRAINT pair_has_two_accounts CHECK ((NOT (first_account_id = second_account_id))),
    CONSTRAINT pair_holding_times_sane CHECK (((expected_holding_minutes >= 1) AND (max_holding_minutes >= expected_holding_minutes))),
    CONSTRAINT pair_numbers_sane CHECK (((entry_percent > (0)::numeric) AND (max_quote_age_ms >= 100) AND (stop_loss_percent > (0)::numeric)))
);

ALTER TABLE arbitrage_pairs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME arbitrage_pairs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE arbitrage_trades (
    id bigint NOT NULL,
    status character varying(10) NOT NULL,
    short_is_first boolean NOT NULL,
    quantity numeric(20,8) NOT NULL,
    buy_at numeric(20,8) NOT NULL,
    sell_at numeric(20,8) NOT NULL,
    net_percent numeric(7,4) NOT NULL,
    opened_because text NOT NULL,
    cause character varying(20) NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone,
    ended_at timestamp with time zone,
    long_position_id bigint,
    pair_id bigint NOT NULL,
    short_position_id bigint,
    CONSTRAINT trade_end_has_a_time CHECK ((((ended_at IS NOT NULL) AND ((status)::text = ANY ((ARRAY['closed'::character varying, 'failed'::character varying])::text[]))) OR ((NOT ((status)::text = ANY ((ARRAY['closed'::character varying, 'failed'::character varying])::text[]))) AND (ended_at IS NULL)))),
    CONSTRAINT trade_has_two_legs CHECK ((((status)::text = 'failed'::text) OR ((long_position_id IS NOT NULL) AND (quantity > (0)::numeric) AND (short_position_id IS NOT NULL)))),
    CONSTRAINT trade_says_why_it_ended CHECK ((((status)::text = ANY ((ARRAY['opening'::character varying, 'open'::character varying])::text[])) OR ((NOT ((cause)::text = ''::text)) AND (NOT (reason = ''::text))))),
    CONSTRAINT trade_status_known CHECK (((status)::text = ANY ((ARRAY['opening'::character varying, 'open'::character varying, 'closing'::character varying, 'unwinding'::character varying, 'closed'::character varying, 'failed'::character varying])::text[])))
);

ALTER TABLE arbitrage_trades ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME arbitrage_trades_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);

ALTER TABLE auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);

ALTER TABLE auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);

ALTER TABLE auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);

CREATE TABLE auth_user_groups (
    id bigint NOT NULL,
    user_id integer NOT NULL,
    group_id integer NOT NULL
);

ALTER TABLE auth_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE auth_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE auth_user_user_permissions (
    id bigint NOT NULL,
    user_id integer NOT NULL,
    permission_id integer NOT NULL
);

ALTER TABLE auth_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME auth_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE canary_orders (
    id uuid NOT NULL,
    name character varying(32) NOT NULL,
    order_type character varying(20) NOT NULL,
    book character varying(5) NOT NULL,
    quantity numeric(20,8) NOT NULL,
    price numeric(20,8),
    trigger_price numeric(20,8),
    activation_price numeric(20,8),
    callback_rate numeric(4,1),
    state character varying(10) NOT NULL,
    kind_refused boolean NOT NULL,
    reason text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    run_id bigint NOT NULL,
    position_id bigint,
    CONSTRAINT canary_quantity_positive CHECK ((quantity > (0)::numeric)),
    CONSTRAINT canary_state_known CHECK (((state)::text = ANY ((ARRAY['asked'::character varying, 'standing'::character varying, 'worked'::character varying, 'refused'::character varying, 'not_sent'::character varying, 'filled'::character varying, 'closed'::character varying])::text[])))
);

CREATE TABLE canary_runs (
    id bigint NOT NULL,
    mark_price numeric(20,8) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    verdict character varying(10) NOT NULL,
    account_id bigint NOT NULL,
    instrument_id bigint NOT NULL,
    CONSTRAINT canary_verdict_known CHECK (((verdict)::text = ANY ((ARRAY['running'::character varying, 'passed'::character varying, 'refused'::character varying, 'unclear'::character varying, 'filled'::character varying])::text[])))
);

ALTER TABLE canary_runs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME canary_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id integer NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);

ALTER TABLE django_admin_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_admin_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_celery_beat_clockedschedule (
    id integer NOT NULL,
    clocked_time timestamp with time zone NOT NULL
);

ALTER TABLE django_celery_beat_clockedschedule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_celery_beat_clockedschedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_celery_beat_crontabschedule (
    id integer NOT NULL,
    minute character varying(240) NOT NULL,
    hour character varying(96) NOT NULL,
    day_of_week character varying(64) NOT NULL,
    day_of_month character varying(124) NOT NULL,
    month_of_year character varying(64) NOT NULL,
    timezone character varying(63) NOT NULL
);

ALTER TABLE django_celery_beat_crontabschedule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_celery_beat_crontabschedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_celery_beat_intervalschedule (
    id integer NOT NULL,
    every integer NOT NULL,
    period character varying(24) NOT NULL
);

ALTER TABLE django_celery_beat_intervalschedule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_celery_beat_intervalschedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_celery_beat_periodictask (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    task character varying(200) NOT NULL,
    args text NOT NULL,
    kwargs text NOT NULL,
    queue character varying(200),
    exchange character varying(200),
    routing_key character varying(200),
    expires timestamp with time zone,
    enabled boolean NOT NULL,
    last_run_at timestamp with time zone,
    total_run_count integer NOT NULL,
    date_changed timestamp with time zone NOT NULL,
    description text NOT NULL,
    crontab_id integer,
    interval_id integer,
    solar_id integer,
    one_off boolean NOT NULL,
    start_time timestamp with time zone,
    priority integer,
    headers text NOT NULL,
    clocked_id integer,
    expire_seconds integer,
    CONSTRAINT django_celery_beat_periodictask_expire_seconds_check CHECK ((expire_seconds >= 0)),
    CONSTRAINT django_celery_beat_periodictask_priority_check CHECK ((priority >= 0)),
    CONSTRAINT django_celery_beat_periodictask_total_run_count_check CHECK ((total_run_count >= 0))
);

ALTER TABLE django_celery_beat_periodictask ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_celery_beat_periodictask_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_celery_beat_periodictasks (
    ident smallint NOT NULL,
    last_update timestamp with time zone NOT NULL
);

CREATE TABLE django_celery_beat_solarschedule (
    id integer NOT NULL,
    event character varying(24) NOT NULL,
    latitude numeric(9,6) NOT NULL,
    longitude numeric(9,6) NOT NULL
);

ALTER TABLE django_celery_beat_solarschedule ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_celery_beat_solarschedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);

ALTER TABLE django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);

ALTER TABLE django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);

CREATE TABLE exchanges_accountbalance (
    id bigint NOT NULL,
    wallet_balance numeric(24,8) NOT NULL,
    equity numeric(24,8) NOT NULL,
    available_balance numeric(24,8) NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL
);

ALTER TABLE exchanges_accountbalance ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME exchanges_accountbalance_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE exchanges_accountwatch (
    id bigint NOT NULL,
    stream_connected_at timestamp with time zone,
    stream_last_event_at timestamp with time zone,
    stream_broke_at timestamp with time zone,
    stream_failures integer NOT NULL,
    stream_error text NOT NULL,
    event_delay_ms integer,
    reconciled_at timestamp with time zone,
    reconcile_failed_at timestamp with time zone,
    reconcile_error text NOT NULL,
    differences_open integer NOT NULL,
    positions_live integer NOT NULL,
    positions_proven_protected integer NOT NULL,
    clock_offset_ms integer,
    clock_measured_at timestamp with time zone,
    account_id bigint NOT NULL,
    stream_missed_at timestamp with time zone,
    unknown_legs jsonb NOT NULL,
    baseline_at timestamp with time zone,
    baseline_wallet numeric(24,8) NOT NULL,
    unasked_orders jsonb NOT NULL,
    wallet_differs_since timestamp with time zone,
    wallet_asked_at timestamp with time zone,
    wallet_differing numeric(24,8) NOT NULL,
    wallet_seen numeric(24,8) NOT NULL,
    wallet_seen_at timestamp with time zone,
    trades_known_until timestamp with time zone,
    breaker character varying(10) DEFAULT 'closed'::character varying NOT NULL,
    recovering_since timestamp with time zone,
    recovery_compared_at timestamp with time zone,
    recovery_comparisons smallint DEFAULT 0 NOT NULL,
    unreachable_error text DEFAULT ''::text NOT NULL,
    unreachable_failures integer DEFAULT 0 NOT NULL,
    unreachable_since timestamp with time zone,
    stops_refused_reason text DEFAULT ''::text NOT NULL,
    stops_refused_since timestamp with time zone,
    stops_taken smallint DEFAULT 0 NOT NULL,
    stops_taken_at timestamp with time zone,
    stops_work_since timestamp with time zone,
    lost_orders jsonb NOT NULL,
    stream_breaks integer DEFAULT 0 NOT NULL,
    reconnect_asked_at timestamp with time zone,
    CONSTRAINT breaker_state_known CHECK (((breaker)::text = ANY ((ARRAY['closed'::character varying, 'open'::character varying, 'recovering'::character varying])::text[]))),
    CONSTRAINT exchanges_accountwatch_differences_open_check CHECK ((differences_open >= 0)),
    CONSTRAINT exchanges_accountwatch_event_delay_ms_check CHECK ((event_delay_ms >= 0)),
    CONSTRAINT exchanges_accountwatch_positions_live_check CHECK ((positions_live >= 0)),
    CONSTRAINT exchanges_accountwatch_positions_proven_protected_check CHECK ((positions_proven_protected >= 0)),
    CONSTRAINT exchanges_accountwatch_recovery_comparisons_check CHECK ((recovery_comparisons >= 0)),
    CONSTRAINT exchanges_accountwatch_stops_taken_check CHECK ((stops_taken >= 0)),
    CONSTRAINT exchanges_accountwatch_stream_breaks_check CHECK ((stream_breaks >= 0)),
    CONSTRAINT exchanges_accountwatch_stream_failures_check CHECK ((stream_failures >= 0)),
    CONSTRAINT exchanges_accountwatch_unreachable_failures_check CHECK ((unreachable_failures >= 0)),
    CONSTRAINT open_breaker_says_since_when CHECK ((((breaker)::text = 'closed'::text) OR (unreachable_since IS NOT NULL)))
);

ALTER TABLE exchanges_accountwatch ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME exchanges_accountwatch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE exchanges_exchangeaccount (
    id bigint NOT NULL,
    name character varying(40) NOT NULL,
    venue character varying(20) NOT NULL,
    api_key text NOT NULL,
    api_secret text NOT NULL,
    is_live_confirmed boolean NOT NULL,
    trading_state character varying(20) NOT NULL,
    state_reason text NOT NULL,
    max_open_positions integer NOT NULL,
    max_exposure numeric(20,2) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    adopted_stop_percent numeric(6,3) NOT NULL,
    entries_paused_reason text NOT NULL,
    entries_paused_until timestamp with time zone,
    unknown_positions character varying(10) NOT NULL,
    position_mode character varying(7) NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    state_by character varying(100) NOT NULL,
    state_cause character varying(10) NOT NULL,
    state_since timestamp with time zone,
    margin_mode character varying(8) NOT NULL,
    told_mode_symbol character varying(60) NOT NULL,
    told_position_mode character varying(7) NOT NULL,
    canary_allowed boolean NOT NULL,
    permissions_acknowledged_at timestamp with time zone,
    permissions_acknowledged_by character varying(150) NOT NULL,
    permissions_seen jsonb NOT NULL,
    permissions_seen_at timestamp with time zone,
    exchange_user character varying(40) NOT NULL,
    CONSTRAINT account_adopted_stop_sane CHECK (((adopted_stop_percent > (0)::numeric) AND (adopted_stop_percent < (100)::numeric))),
    CONSTRAINT account_exposure_not_below_zero CHECK ((max_exposure >= (0)::numeric)),
    CONSTRAINT account_margin_mode_known CHECK (((margin_mode)::text = ANY ((ARRAY['cross'::character varying, 'isolated'::character varying])::text[]))),
    CONSTRAINT account_position_mode_known CHECK (((position_mode)::text = ANY ((ARRAY['one_way'::character varying, 'hedge'::character varying])::text[]))),
    CONSTRAINT account_state_known CHECK (((trading_state)::text = ANY ((ARRAY['active'::character varying, 'reducing'::character varying, 'halted'::character varying])::text[]))),
    CONSTRAINT account_unknown_positions_known CHECK (((unknown_positions)::text = ANY ((ARRAY['alarm'::character varying, 'adopt'::character varying])::text[]))),
    CONSTRAINT account_venue_known CHECK (((venue)::text = ANY ((ARRAY['binance'::character varying, 'bybit'::character varying])::text[]))),
    CONSTRAINT account_warnings_acknowledged CHECK (((NOT is_live_confirmed) OR (permissions_seen = '[]'::jsonb) OR (permissions_acknowledged_at IS NOT NULL))),
    CONSTRAINT exchanges_exchangeaccount_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT exchanges_exchangeaccount_max_open_positions_check CHECK ((max_open_positions >= 0))
);

ALTER TABLE exchanges_exchangeaccount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME exchanges_exchangeaccount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE exchanges_instrument (
    id bigint NOT NULL,
    venue character varying(20) NOT NULL,
    symbol character varying(60) NOT NULL,
    exchange_symbol character varying(20) NOT NULL,
    price_increment numeric(20,10) NOT NULL,
    size_increment numeric(20,10) NOT NULL,
    min_quantity numeric(20,8) NOT NULL,
    max_quantity numeric(20,8),
    min_notional numeric(20,8) NOT NULL,
    contract_size numeric(20,8) NOT NULL,
    active boolean NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    CONSTRAINT instrument_steps_positive CHECK (((contract_size > (0)::numeric) AND (price_increment > (0)::numeric) AND (size_increment > (0)::numeric)))
);

ALTER TABLE exchanges_instrument ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME exchanges_instrument_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE flat_reports (
    id bigint NOT NULL,
    outcome character varying(12) NOT NULL,
    "left" jsonb NOT NULL,
    tried_at timestamp with time zone,
    asked_at timestamp with time zone,
    error text NOT NULL,
    foreign_since timestamp with time zone,
    ended_at timestamp with time zone,
    account_id bigint NOT NULL,
    run_id bigint NOT NULL,
    CONSTRAINT flat_is_proven CHECK (((NOT ((outcome)::text = 'flat'::text)) OR ((asked_at IS NOT NULL) AND (error = ''::text) AND ("left" = '[]'::jsonb)))),
    CONSTRAINT flat_outcome_known CHECK (((outcome)::text = ANY ((ARRAY['closing'::character varying, 'flat'::character varying, 'foreign_left'::character varying, 'not_asked'::character varying, 'given_up'::character varying])::text[]))),
    CONSTRAINT flat_report_ends_with_its_outcome CHECK ((((ended_at IS NULL) AND ((outcome)::text = 'closing'::text)) OR ((NOT ((outcome)::text = 'closing'::text)) AND (ended_at IS NOT NULL))))
);

ALTER TABLE flat_reports ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME flat_reports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE flat_runs (
    id bigint NOT NULL,
    reason text NOT NULL,
    by character varying(100) NOT NULL,
    include_foreign boolean NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    account_id bigint
);

ALTER TABLE flat_runs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME flat_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE forecast_feeds (
    id bigint NOT NULL,
    enabled boolean NOT NULL,
    timeframe character varying(3) NOT NULL,
    days_kept integer NOT NULL,
    profile character varying(12) NOT NULL,
    sends_signals boolean NOT NULL,
    sends_fallback boolean NOT NULL,
    long_phrase character varying(200) NOT NULL,
    short_phrase character varying(200) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    CONSTRAINT feed_keeps_enough_candles CHECK ((days_kept >= 3)),
    CONSTRAINT feed_phrases_differ CHECK (((NOT ((long_phrase)::text = ''::text)) AND (NOT ((short_phrase)::text = ''::text)) AND (NOT ((long_phrase)::text = (short_phrase)::text)))),
    CONSTRAINT forecast_feeds_days_kept_check CHECK ((days_kept >= 0))
);

ALTER TABLE forecast_feeds ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME forecast_feeds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE forecast_models (
    id bigint NOT NULL,
    timeframe character varying(3) NOT NULL,
    of_paper boolean NOT NULL,
    state character varying(8) NOT NULL,
    features_version character varying(64) NOT NULL,
    content bytea NOT NULL,
    sha256 character varying(64) NOT NULL,
    reference bytea NOT NULL,
    card jsonb NOT NULL,
    is_worth_using boolean NOT NULL,
    verdict text NOT NULL,
    trained_until timestamp with time zone NOT NULL,
    trained_at timestamp with time zone NOT NULL,
    put_in_use_at timestamp with time zone,
    retired_at timestamp with time zone,
    CONSTRAINT model_has_its_hash CHECK (((sha256)::text ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT model_in_use_since CHECK (((NOT ((state)::text = 'in use'::text)) OR (put_in_use_at IS NOT NULL))),
    CONSTRAINT model_state_known CHECK (((state)::text = ANY ((ARRAY['kept'::character varying, 'in use'::character varying, 'retired'::character varying])::text[])))
);

ALTER TABLE forecast_models ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME forecast_models_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE forecast_runs (
    id bigint NOT NULL,
    timeframe character varying(3) NOT NULL,
    of_paper boolean NOT NULL,
    candle_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    source character varying(8) NOT NULL,
    fallback_reason text NOT NULL,
    contracts integer NOT NULL,
    milliseconds integer,
    identical jsonb NOT NULL,
    drift jsonb NOT NULL,
    account_id bigint NOT NULL,
    model_id bigint,
    left_out jsonb NOT NULL,
    measured jsonb NOT NULL,
    CONSTRAINT forecast_runs_contracts_check CHECK ((contracts >= 0)),
    CONSTRAINT forecast_runs_milliseconds_check CHECK ((milliseconds >= 0))
);

ALTER TABLE forecast_runs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME forecast_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE forecasts (
    id bigint NOT NULL,
    source character varying(8) NOT NULL,
    price numeric(30,12) NOT NULL,
    direction character varying(7) NOT NULL,
    confidence numeric(9,8) NOT NULL,
    quality numeric(9,8) NOT NULL,
    strength numeric(9,8) NOT NULL,
    agreement smallint NOT NULL,
    risk character varying(6) NOT NULL,
    stop_percent numeric(6,2) NOT NULL,
    target_percent numeric(6,2) NOT NULL,
    horizons jsonb NOT NULL,
    reason text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    outcomes jsonb NOT NULL,
    judged_at timestamp with time zone,
    instrument_id bigint NOT NULL,
    signal_id bigint,
    run_id bigint NOT NULL,
    send_until timestamp with time zone,
    CONSTRAINT confidence_is_never_certainty CHECK (((confidence > (0)::numeric) AND (confidence < (1)::numeric))),
    CONSTRAINT forecast_words_known CHECK ((((direction)::text = ANY ((ARRAY['long'::character varying, 'short'::character varying, 'neutral'::character varying])::text[])) AND ((source)::text = ANY ((ARRAY['model'::character varying, 'fallback'::character varying])::text[])))),
    CONSTRAINT forecasts_agreement_check CHECK ((agreement >= 0))
);

ALTER TABLE forecasts ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME forecasts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE funding_payments (
    id bigint NOT NULL,
    symbol character varying(20) NOT NULL,
    payment_id character varying(64) NOT NULL,
    amount numeric(20,8) NOT NULL,
    currency character varying(10) NOT NULL,
    paid_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    position_id bigint
);

ALTER TABLE funding_payments ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME funding_payments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE global_state (
    id bigint NOT NULL,
    trading_state character varying(20) NOT NULL,
    state_reason text NOT NULL,
    state_since timestamp with time zone,
    state_by character varying(100) NOT NULL,
    state_cause character varying(10) NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    CONSTRAINT global_state_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT global_state_is_one_row CHECK ((id = 1)),
    CONSTRAINT global_state_known CHECK (((trading_state)::text = ANY ((ARRAY['active'::character varying, 'reducing'::character varying, 'halted'::character varying])::text[])))
);

ALTER TABLE global_state ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME global_state_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE heartbeat (
    id bigint NOT NULL,
    tried_at timestamp with time zone,
    sent_at timestamp with time zone,
    silent_since timestamp with time zone,
    reason text NOT NULL,
    CONSTRAINT heartbeat_is_one_row CHECK ((id = 1))
);

ALTER TABLE heartbeat ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME heartbeat_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE invariant_checks (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    is_true boolean,
    checked_at timestamp with time zone,
    broken_since timestamp with time zone,
    findings jsonb NOT NULL
);

ALTER TABLE invariant_checks ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME invariant_checks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE legacy_rows (
    id bigint NOT NULL,
    source character varying(20) NOT NULL,
    "table" character varying(130) NOT NULL,
    legacy_id character varying(255) NOT NULL,
    outcome character varying(8) NOT NULL,
    reason text NOT NULL,
    our_table character varying(63) NOT NULL,
    our_id character varying(64) NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT legacy_outcome_known CHECK (((outcome)::text = ANY ((ARRAY['imported'::character varying, 'rejected'::character varying, 'skipped'::character varying, 'waiting'::character varying])::text[]))),
    CONSTRAINT legacy_row_is_explained CHECK (((((outcome)::text = 'imported'::text) AND (NOT ((our_table)::text = ''::text)) AND (NOT ((our_id)::text = ''::text))) OR ((NOT ((outcome)::text = 'imported'::text)) AND (NOT (reason = ''::text)))))
);

ALTER TABLE legacy_rows ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME legacy_rows_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE login_links (
    id bigint NOT NULL,
    token_hash character varying(64) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    user_id integer NOT NULL,
    CONSTRAINT login_link_is_kept_as_hash CHECK (((token_hash)::text ~ '^[0-9a-f]{64}$'::text))
);

ALTER TABLE login_links ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME login_links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE market_candle_spans (
    id bigint NOT NULL,
    timeframe character varying(3) NOT NULL,
    of_paper boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    instrument_id bigint NOT NULL,
    CONSTRAINT candle_span_has_length CHECK ((since < until))
);

ALTER TABLE market_candle_spans ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME market_candle_spans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE market_candles (
    id bigint NOT NULL,
    timeframe character varying(3) NOT NULL,
    of_paper boolean NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    open numeric(30,12) NOT NULL,
    high numeric(30,12) NOT NULL,
    low numeric(30,12) NOT NULL,
    close numeric(30,12) NOT NULL,
    volume numeric(30,12) NOT NULL,
    account_id bigint NOT NULL,
    instrument_id bigint NOT NULL,
    CONSTRAINT candle_is_possible CHECK (((high >= open) AND (low > (0)::numeric) AND (low <= open) AND (volume >= (0)::numeric) AND (high >= close) AND (low <= close)))
);

ALTER TABLE market_candles ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME market_candles_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE mfa_authenticator (
    id bigint NOT NULL,
    type character varying(20) NOT NULL,
    data jsonb NOT NULL,
    user_id integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone
);

ALTER TABLE mfa_authenticator ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME mfa_authenticator_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE moving_in_record (
    preflight_at timestamp with time zone,
    backup_verified_at timestamp with time zone,
    id smallint DEFAULT 1 NOT NULL,
    preflight jsonb DEFAULT '{}'::jsonb NOT NULL,
    backup_folder text DEFAULT ''::text NOT NULL,
    rehearsed_at timestamp with time zone,
    rehearsal jsonb DEFAULT '{}'::jsonb NOT NULL,
    migrated_at timestamp with time zone,
    verified_at timestamp with time zone,
    moved_tables jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT moving_in_record_is_one_row CHECK ((id = 1))
);

CREATE TABLE notify_events (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    subject_key character varying(64) NOT NULL,
    happened_at timestamp with time zone NOT NULL
);

ALTER TABLE notify_events ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME notify_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE notify_messages (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    severity character varying(8) NOT NULL,
    same_as character varying(64) NOT NULL,
    title character varying(200) NOT NULL,
    body text NOT NULL,
    delivery character varying(8) NOT NULL,
    count integer NOT NULL,
    told_count integer NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    error character varying(200) NOT NULL,
    target_id bigint NOT NULL,
    CONSTRAINT notify_delivery_known CHECK (((delivery)::text = ANY ((ARRAY['waiting'::character varying, 'sent'::character varying, 'given_up'::character varying])::text[]))),
    CONSTRAINT notify_messages_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT notify_messages_count_check CHECK ((count >= 0)),
    CONSTRAINT notify_messages_told_count_check CHECK ((told_count >= 0)),
    CONSTRAINT notify_told_no_more_than_happened CHECK ((told_count <= count))
);

ALTER TABLE notify_messages ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME notify_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE notify_targets (
    id bigint NOT NULL,
    name character varying(40) NOT NULL,
    address text NOT NULL,
    kinds jsonb NOT NULL,
    least_severity character varying(8) NOT NULL,
    quiet_from time without time zone,
    quiet_until time without time zone,
    time_zone character varying(64) NOT NULL,
    enabled boolean NOT NULL,
    failures integer NOT NULL,
    paused_until timestamp with time zone,
    dead_since timestamp with time zone,
    last_sent_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT notify_quiet_hours_have_both_ends CHECK ((((quiet_from IS NULL) AND (quiet_until IS NULL)) OR ((quiet_from IS NOT NULL) AND (quiet_until IS NOT NULL)))),
    CONSTRAINT notify_severity_known CHECK (((least_severity)::text = ANY ((ARRAY['low'::character varying, 'medium'::character varying, 'high'::character varying, 'critical'::character varying])::text[]))),
    CONSTRAINT notify_targets_failures_check CHECK ((failures >= 0))
);

ALTER TABLE notify_targets ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME notify_targets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE older_orders (
    id bigint NOT NULL,
    exchange_order_id character varying(64) NOT NULL,
    client_order_id character varying(64) NOT NULL,
    stop_price numeric(20,8),
    found_at timestamp with time zone NOT NULL,
    taken_back_at timestamp with time zone,
    missing_since timestamp with time zone,
    ended_at timestamp with time zone,
    account_id bigint NOT NULL,
    position_id bigint NOT NULL
);

ALTER TABLE older_orders ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME older_orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE orders (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    symbol character varying(20) NOT NULL,
    side order_side_enum NOT NULL,
    quantity numeric(20,8) NOT NULL,
    price numeric(20,8),
    status order_status_enum NOT NULL,
    position_idx integer DEFAULT 0 NOT NULL,
    reduce_only boolean DEFAULT false NOT NULL,
    time_in_force character varying(10),
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    purpose character varying(12) NOT NULL,
    generation integer NOT NULL,
    order_type character varying(20) NOT NULL,
    trigger_price numeric(20,8),
    client_order_id character varying(32) NOT NULL,
    book character varying(5) NOT NULL,
    exchange_order_id character varying(64) NOT NULL,
    child_order_id character varying(64) NOT NULL,
    filled_quantity numeric(20,8) NOT NULL,
    average_price numeric(20,8),
    reason text NOT NULL,
    attempts smallint NOT NULL,
    next_attempt_at timestamp with time zone,
    submitted_at timestamp with time zone,
    answered_at timestamp with time zone,
    cancel_sent_at timestamp with time zone,
    account_id bigint NOT NULL,
    position_id bigint NOT NULL,
    amend_sent_at timestamp with time zone,
    expires_at timestamp with time zone,
    wanted_price numeric(20,8),
    level smallint,
    activation_price numeric(20,8),
    callback_rate numeric(4,1),
    trigger_by character varying(4) DEFAULT 'mark'::character varying NOT NULL,
    part smallint DEFAULT 1 NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    stood_at timestamp with time zone,
    CONSTRAINT exits_only_reduce CHECK ((((purpose)::text = 'entry'::text) OR reduce_only)),
    CONSTRAINT order_not_overfilled CHECK (((filled_quantity >= (0)::numeric) AND (filled_quantity <= quantity))),
    CONSTRAINT order_purpose_known CHECK (((purpose)::text = ANY ((ARRAY['entry'::character varying, 'close'::character varying, 'protect'::character varying, 'backstop'::character varying, 'reduce'::character varying, 'take_profit'::character varying])::text[]))),
    CONSTRAINT order_quantity_positive CHECK ((quantity > (0)::numeric)),
    CONSTRAINT order_trigger_known CHECK (((trigger_by)::text = ANY ((ARRAY['mark'::character varying, 'last'::character varying])::text[]))),
    CONSTRAINT order_type_known CHECK (((order_type)::text = ANY ((ARRAY['market'::character varying, 'limit'::character varying, 'stop_market'::character varying, 'take_profit_market'::character varying, 'trailing_stop_market'::character varying])::text[]))),
    CONSTRAINT orders_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT orders_epoch_check CHECK ((epoch >= 0)),
    CONSTRAINT orders_generation_check CHECK ((generation >= 0)),
    CONSTRAINT orders_level_check CHECK ((level >= 0)),
    CONSTRAINT orders_part_check CHECK ((part >= 0))
);

CREATE TABLE partial_tp_history (
    id bigint NOT NULL,
    level smallint NOT NULL,
    percent numeric(10,2),
    close_ratio numeric(10,4) NOT NULL,
    close_qty numeric(20,8) NOT NULL,
    price numeric(20,8),
    order_id character varying(255) NOT NULL,
    status character varying(50) NOT NULL,
    error text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    trade_id bigint NOT NULL,
    waits_for numeric(20,8),
    CONSTRAINT level_status_known CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'executed'::character varying, 'error'::character varying, 'canceled'::character varying, 'merged'::character varying])::text[]))),
    CONSTRAINT partial_tp_history_level_check CHECK ((level >= 0))
);

ALTER TABLE partial_tp_history ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME partial_tp_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE person_acts (
    id uuid NOT NULL,
    act character varying(12) NOT NULL,
    by character varying(100) NOT NULL,
    given jsonb NOT NULL,
    order_id uuid,
    outcome text NOT NULL,
    is_refused boolean DEFAULT false NOT NULL,
    at timestamp with time zone NOT NULL,
    account_id bigint,
    flat_run_id bigint,
    position_id bigint,
    CONSTRAINT person_act_is_named CHECK ((((act)::text = ANY ((ARRAY['close'::character varying, 'close_part'::character varying, 'close_all'::character varying, 'close_again'::character varying, 'move_stop'::character varying, 'cancel_order'::character varying, 'hand_over'::character varying, 'take_back'::character varying, 'pause'::character varying, 'resume'::character varying, 'note'::character varying])::text[])) AND (NOT ((by)::text = ''::text))))
);

CREATE TABLE positions (
    id bigint NOT NULL,
    signal_id character varying(100),
    token character varying(16) NOT NULL,
    position_side character varying(5) NOT NULL,
    position_idx smallint NOT NULL,
    status character varying(10) NOT NULL,
    is_live boolean GENERATED ALWAYS AS ((NOT ((status)::text = 'closed'::text))) STORED,
    planned_quantity numeric(20,8) NOT NULL,
    planned_notional numeric(20,8) NOT NULL,
    reference_price numeric(20,8) NOT NULL,
    leverage smallint NOT NULL,
    quantity numeric(20,8) NOT NULL,
    average_entry_price numeric(20,8),
    average_exit_price numeric(20,8),
    realized_pnl numeric(20,8) NOT NULL,
    fees numeric(20,8) NOT NULL,
    close_reason character varying(20) NOT NULL,
    close_requested_by character varying(100) NOT NULL,
    absent_since timestamp with time zone,
    unprotected_since timestamp with time zone,
    unprotected_seconds numeric(12,3) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone,
    closed_at timestamp with time zone,
    updated_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    instrument_id bigint NOT NULL,
    strategy_id bigint,
    differs_since timestamp with time zone,
    funding numeric(20,8) NOT NULL,
    unexplained_price numeric(20,8),
    unexplained_quantity numeric(20,8) NOT NULL,
    unexplained_at timestamp with time zone,
    plan_id character varying(64) NOT NULL,
    close_again_at timestamp with time zone,
    close_refusals integer DEFAULT 0 NOT NULL,
    software_stop_since timestamp with time zone,
    planned_risk numeric(20,8) NOT NULL,
    stands_in_for_id bigint,
    handed_over_at timestamp with time zone,
    handed_over_to character varying(100) NOT NULL,
    CONSTRAINT closed_position_is_explained CHECK (((NOT ((status)::text = 'closed'::text)) OR ((closed_at IS NOT NULL) AND (NOT ((close_reason)::text = ''::text)) AND (quantity = (0)::numeric)))),
    CONSTRAINT position_idx_follows_side CHECK ((((position_idx = ANY (ARRAY[0, 1])) AND ((position_side)::text = 'long'::text)) OR ((position_idx = ANY (ARRAY[0, 2])) AND ((position_side)::text = 'short'::text)))),
    CONSTRAINT position_numbers_sane CHECK (((leverage >= 1) AND (planned_quantity > (0)::numeric) AND (quantity >= (0)::numeric))),
    CONSTRAINT position_status_known CHECK (((status)::text = ANY ((ARRAY['opening'::character varying, 'open'::character varying, 'closing'::character varying, 'closed'::character varying])::text[]))),
    CONSTRAINT positions_close_refusals_check CHECK ((close_refusals >= 0)),
    CONSTRAINT positions_leverage_check CHECK ((leverage >= 0))
);

COMMENT ON COLUMN positions.signal_id IS 'Id the sender gave the signal: text of any shape, NULL when it gave none; refers to nothing.';

CREATE TABLE positions_fillcursor (
    id bigint NOT NULL,
    symbol character varying(20) NOT NULL,
    trade_id character varying(64) NOT NULL,
    read_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL
);

ALTER TABLE positions_fillcursor ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME positions_fillcursor_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE positions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME positions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE price_watches (
    instrument_id bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    reference character varying(4) DEFAULT 'mark'::character varying NOT NULL,
    id bigint NOT NULL,
    CONSTRAINT price_watch_reference_known CHECK (((reference)::text = ANY ((ARRAY['mark'::character varying, 'last'::character varying, 'book'::character varying])::text[])))
);

ALTER TABLE price_watches ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME price_watches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE protection_plans (
    digest character varying(64) NOT NULL,
    body jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE risk_events (
    id bigint NOT NULL,
    event_type character varying(50) NOT NULL,
    risk_level character varying(20) NOT NULL,
    position_id character varying(100),
    details jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    account_id bigint
);

ALTER TABLE risk_events ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME risk_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE risk_limit_levels (
    id bigint NOT NULL,
    rule character varying(40) NOT NULL,
    level smallint NOT NULL,
    since timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    CONSTRAINT risk_limit_levels_level_check CHECK ((level >= 0))
);

ALTER TABLE risk_limit_levels ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME risk_limit_levels_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE risk_limits (
    id bigint NOT NULL,
    max_positions integer NOT NULL,
    max_exposure numeric(20,2) NOT NULL,
    max_positions_per_symbol integer NOT NULL,
    max_positions_per_direction integer NOT NULL,
    max_leverage integer NOT NULL,
    notional_tiers jsonb NOT NULL,
    max_utilisation numeric(8,3) NOT NULL,
    max_concentration numeric(8,3) NOT NULL,
    max_total_risk numeric(8,3) NOT NULL,
    max_daily_loss numeric(8,3) NOT NULL,
    max_drawdown numeric(8,3) NOT NULL,
    warn_at smallint NOT NULL,
    reduce_at smallint NOT NULL,
    halt_at smallint NOT NULL,
    account_id bigint,
    strategy_id bigint,
    CONSTRAINT risk_limits_exposure_said_once CHECK (((account_id IS NULL) OR (max_exposure = (0)::numeric))),
    CONSTRAINT risk_limits_halt_at_check CHECK ((halt_at >= 0)),
    CONSTRAINT risk_limits_max_leverage_check CHECK ((max_leverage >= 0)),
    CONSTRAINT risk_limits_max_positions_check CHECK ((max_positions >= 0)),
    CONSTRAINT risk_limits_max_positions_per_direction_check CHECK ((max_positions_per_direction >= 0)),
    CONSTRAINT risk_limits_max_positions_per_symbol_check CHECK ((max_positions_per_symbol >= 0)),
    CONSTRAINT risk_limits_not_below_zero CHECK (((max_concentration >= (0)::numeric) AND (max_daily_loss >= (0)::numeric) AND (max_drawdown >= (0)::numeric) AND (max_exposure >= (0)::numeric) AND (max_total_risk >= (0)::numeric) AND (max_utilisation >= (0)::numeric))),
    CONSTRAINT risk_limits_of_equity_are_an_accounts CHECK (((strategy_id IS NULL) OR ((max_concentration = (0)::numeric) AND (max_daily_loss = (0)::numeric) AND (max_drawdown = (0)::numeric) AND (max_total_risk = (0)::numeric) AND (max_utilisation = (0)::numeric)))),
    CONSTRAINT risk_limits_of_one_thing CHECK (((account_id IS NULL) OR (strategy_id IS NULL))),
    CONSTRAINT risk_limits_positions_said_once CHECK ((((account_id IS NULL) AND (strategy_id IS NULL)) OR (max_positions = 0))),
    CONSTRAINT risk_limits_reduce_at_check CHECK ((reduce_at >= 0)),
    CONSTRAINT risk_limits_warn_at_check CHECK ((warn_at >= 0))
);

ALTER TABLE risk_limits ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME risk_limits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signal_arrivals (
    id bigint NOT NULL,
    source character varying(60) NOT NULL,
    hour timestamp with time zone NOT NULL,
    process character varying(80) NOT NULL,
    count integer NOT NULL,
    CONSTRAINT signal_arrivals_count_check CHECK ((count >= 0))
);

ALTER TABLE signal_arrivals ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signal_arrivals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signal_attempts (
    id bigint NOT NULL,
    uid character varying(64) NOT NULL,
    source character varying(60) NOT NULL,
    received_at timestamp with time zone NOT NULL,
    delivery character varying(50) DEFAULT ''::character varying NOT NULL
);

ALTER TABLE signal_attempts ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signal_attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signal_log_entries_v2 (
    id bigint NOT NULL,
    status character varying(10) NOT NULL,
    note text NOT NULL,
    logged_at timestamp with time zone NOT NULL,
    log_id bigint NOT NULL,
    position_id bigint,
    strategy_id bigint NOT NULL,
    reason_code character varying(30) DEFAULT ''::character varying NOT NULL,
    account_id bigint,
    CONSTRAINT skipped_entry_says_why CHECK (((NOT ((status)::text = ANY ((ARRAY['skipped'::character varying, 'failed'::character varying])::text[]))) OR (NOT ((reason_code)::text = ''::text))))
);

ALTER TABLE signal_log_entries_v2 ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signal_log_entries_v2_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signal_server_links (
    id bigint NOT NULL,
    server character varying(120) NOT NULL,
    state character varying(14) NOT NULL,
    failures integer NOT NULL,
    error text NOT NULL,
    refused_at timestamp with time zone,
    next_try_at timestamp with time zone,
    signed_in_at timestamp with time zone,
    heard_at timestamp with time zone,
    query_interval double precision,
    signal_window double precision,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT link_state_known CHECK (((state)::text = ANY ((ARRAY['disconnected'::character varying, 'connecting'::character varying, 'connected'::character varying, 'authenticated'::character varying, 'reconnecting'::character varying])::text[]))),
    CONSTRAINT signal_server_links_failures_check CHECK ((failures >= 0))
);

ALTER TABLE signal_server_links ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signal_server_links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_signalsender (
    id bigint NOT NULL,
    name character varying(40) NOT NULL,
    token_hash character varying(64) NOT NULL,
    enabled boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    allowed_networks text NOT NULL,
    burst integer NOT NULL,
    max_age_seconds integer,
    rate_per_minute integer NOT NULL,
    replay_window_seconds integer NOT NULL,
    requires_signature boolean NOT NULL,
    signing_key text NOT NULL,
    CONSTRAINT required_signature_has_a_key CHECK (((NOT requires_signature) OR (NOT (signing_key = ''::text)))),
    CONSTRAINT sender_limits_positive CHECK (((burst >= 1) AND (replay_window_seconds >= 1) AND ((max_age_seconds IS NULL) OR (max_age_seconds >= 1)))),
    CONSTRAINT signals_app_signalsender_burst_check CHECK ((burst >= 0)),
    CONSTRAINT signals_app_signalsender_max_age_seconds_check CHECK ((max_age_seconds >= 0)),
    CONSTRAINT signals_app_signalsender_rate_per_minute_check CHECK ((rate_per_minute >= 0)),
    CONSTRAINT signals_app_signalsender_replay_window_seconds_check CHECK ((replay_window_seconds >= 0))
);

ALTER TABLE signals_app_signalsender ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_signalsender_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_signalsender_strategies (
    id bigint NOT NULL,
    signalsender_id bigint NOT NULL,
    strategy_id bigint NOT NULL
);

ALTER TABLE signals_app_signalsender_strategies ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_signalsender_strategies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_strategy (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    enabled boolean NOT NULL,
    archived boolean NOT NULL,
    allow_open boolean NOT NULL,
    use_all_tickers boolean NOT NULL,
    sizing_mode character varying(20) NOT NULL,
    notional numeric(20,2) NOT NULL,
    risk_percent numeric(7,4) NOT NULL,
    leverage smallint NOT NULL,
    max_open_positions integer NOT NULL,
    opposite_signal character varying(16) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    protection jsonb NOT NULL,
    cooldown_after_close integer NOT NULL,
    cooldown_after_loss integer NOT NULL,
    cooldown_between_entries integer NOT NULL,
    hour_volume_unknown character varying(6) NOT NULL,
    max_move_percent numeric(7,4),
    max_spread_percent numeric(7,4),
    min_hour_volume numeric(20,2),
    min_open_interest numeric(20,2),
    move_unknown character varying(6) NOT NULL,
    open_interest_unknown character varying(6) NOT NULL,
    spread_unknown character varying(6) NOT NULL,
    equity_percent numeric(7,4) NOT NULL,
    risk_balance numeric(20,2) NOT NULL,
    risk_profile character varying(20) NOT NULL,
    confidence_unknown character varying(6) NOT NULL,
    max_signal_age integer NOT NULL,
    max_slippage_percent numeric(7,4),
    min_confidence numeric(5,2) NOT NULL,
    slippage_unknown character varying(6) NOT NULL,
    kind character varying(10) DEFAULT 'signal'::character varying NOT NULL,
    CONSTRAINT signals_app_strategy_cooldown_after_close_check CHECK ((cooldown_after_close >= 0)),
    CONSTRAINT signals_app_strategy_cooldown_after_loss_check CHECK ((cooldown_after_loss >= 0)),
    CONSTRAINT signals_app_strategy_cooldown_between_entries_check CHECK ((cooldown_between_entries >= 0)),
    CONSTRAINT signals_app_strategy_leverage_check CHECK ((leverage >= 0)),
    CONSTRAINT signals_app_strategy_max_open_positions_check CHECK ((max_open_positions >= 0)),
    CONSTRAINT signals_app_strategy_max_signal_age_check CHECK ((max_signal_age >= 0)),
    CONSTRAINT strategy_has_a_stop_loss CHECK ((protection ? 'stop_loss'::text)),
    CONSTRAINT strategy_kind_known CHECK (((kind)::text = ANY ((ARRAY['signal'::character varying, 'arbitrage'::character varying])::text[]))),
    CONSTRAINT strategy_leverage_sane CHECK (((leverage >= 1) AND (leverage <= 125))),
    CONSTRAINT strategy_notional_positive CHECK ((notional > (0)::numeric)),
    CONSTRAINT strategy_risk_percent CHECK (((risk_percent > (0)::numeric) AND (risk_percent <= (100)::numeric))),
    CONSTRAINT strategy_sizes_positive CHECK (((equity_percent > (0)::numeric) AND (risk_balance > (0)::numeric)))
);

ALTER TABLE signals_app_strategy ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_strategy_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_strategy_tickers (
    id bigint NOT NULL,
    strategy_id bigint NOT NULL,
    ticker_id bigint NOT NULL
);

ALTER TABLE signals_app_strategy_tickers ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_strategy_tickers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_strategyaccount (
    id bigint NOT NULL,
    enabled boolean NOT NULL,
    size_percent numeric(7,4) NOT NULL,
    leverage smallint,
    max_open_positions integer,
    account_id bigint NOT NULL,
    failover_account_id bigint,
    strategy_id bigint NOT NULL,
    CONSTRAINT account_leverage_sane CHECK (((leverage IS NULL) OR ((leverage >= 1) AND (leverage <= 125)))),
    CONSTRAINT failover_is_another_account CHECK (((failover_account_id IS NULL) OR (NOT ((failover_account_id = account_id) AND (failover_account_id IS NOT NULL))))),
    CONSTRAINT signals_app_strategyaccount_leverage_check CHECK ((leverage >= 0)),
    CONSTRAINT signals_app_strategyaccount_max_open_positions_check CHECK ((max_open_positions >= 0)),
    CONSTRAINT size_percent_sane CHECK (((size_percent > (0)::numeric) AND (size_percent <= (1000)::numeric)))
);

ALTER TABLE signals_app_strategyaccount ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_strategyaccount_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_strategysignal (
    id bigint NOT NULL,
    phrase character varying(200) NOT NULL,
    direction character varying(12) NOT NULL,
    strategy_id bigint NOT NULL
);

ALTER TABLE signals_app_strategysignal ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_strategysignal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_ticker (
    id bigint NOT NULL,
    symbol character varying(20) NOT NULL,
    enabled boolean NOT NULL,
    trade_permission boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ticker_symbol_plain CHECK (((symbol)::text ~ '^[A-Z0-9]{2,20}$'::text))
);

ALTER TABLE signals_app_ticker ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_ticker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_app_tickeralias (
    id bigint NOT NULL,
    alias character varying(20) NOT NULL,
    ticker_id bigint NOT NULL,
    CONSTRAINT alias_plain CHECK (((alias)::text ~ '^[A-Z0-9]{2,20}$'::text))
);

ALTER TABLE signals_app_tickeralias ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_app_tickeralias_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE signals_v2_log (
    id bigint NOT NULL,
    uid character varying(64),
    signal_id character varying(100),
    symbol character varying(60) NOT NULL,
    direction character varying(12) NOT NULL,
    source character varying(60) NOT NULL,
    message character varying(500) NOT NULL,
    raw_message text NOT NULL,
    bar_time timestamp with time zone,
    sent_at timestamp with time zone,
    received_at timestamp with time zone NOT NULL,
    logged_at timestamp with time zone NOT NULL,
    status character varying(10) NOT NULL,
    reason text NOT NULL,
    dispatched_at timestamp with time zone,
    reason_code character varying(30) DEFAULT ''::character varying NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    delivery character varying(50) DEFAULT ''::character varying NOT NULL,
    received_count integer DEFAULT 1 NOT NULL,
    CONSTRAINT ignored_signal_says_why CHECK (((NOT ((status)::text = 'ignored'::text)) OR ((NOT (reason = ''::text)) AND (NOT ((reason_code)::text = ''::text))))),
    CONSTRAINT only_new_signals_wait CHECK ((((status)::text = 'new'::text) OR (dispatched_at IS NOT NULL))),
    CONSTRAINT only_refusals_are_counted_together CHECK (((received_count = 1) OR (((reason_code)::text = 'rate_limited'::text) AND (received_count > 1)))),
    CONSTRAINT only_unreadable_has_no_uid CHECK (((uid IS NOT NULL) OR ((status)::text = 'ignored'::text))),
    CONSTRAINT signal_status_known CHECK (((status)::text = ANY ((ARRAY['new'::character varying, 'duplicate'::character varying, 'ignored'::character varying])::text[]))),
    CONSTRAINT signals_v2_log_received_count_check CHECK ((received_count >= 0))
);

COMMENT ON COLUMN signals_v2_log.signal_id IS 'Id the sender gave the signal: text of any shape, NULL when it gave none; refers to nothing.';

ALTER TABLE signals_v2_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME signals_v2_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE state_changes (
    id bigint NOT NULL,
    from_state character varying(20) NOT NULL,
    to_state character varying(20) NOT NULL,
    reason text NOT NULL,
    by character varying(100) NOT NULL,
    cause character varying(10) NOT NULL,
    epoch bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    account_id bigint,
    CONSTRAINT state_changes_epoch_check CHECK ((epoch >= 0))
);

ALTER TABLE state_changes ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME state_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE system_logs (
    id bigint NOT NULL,
    level character varying(7) NOT NULL,
    module character varying(100) NOT NULL,
    message text NOT NULL,
    details jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE system_logs ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME system_logs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trades (
    id bigint NOT NULL,
    signal_id character varying(100),
    symbol character varying(20) NOT NULL,
    trade_id character varying(64) NOT NULL,
    exchange_order_id character varying(64) NOT NULL,
    side order_side_enum NOT NULL,
    position_side character varying(5) NOT NULL,
    quantity numeric(20,8) NOT NULL,
    price numeric(20,8) NOT NULL,
    fee numeric(20,8) NOT NULL,
    fee_currency character varying(10) NOT NULL,
    realized_pnl numeric(20,8) NOT NULL,
    executed_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    account_id bigint NOT NULL,
    order_id uuid,
    position_id bigint,
    client_order_id character varying(40) NOT NULL,
    forced character varying(12) NOT NULL,
    CONSTRAINT fill_numbers_positive CHECK (((price > (0)::numeric) AND (quantity > (0)::numeric)))
);

COMMENT ON COLUMN trades.signal_id IS 'Id the sender gave the signal: text of any shape, NULL when it gave none; refers to nothing.';

ALTER TABLE trades ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME trades_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trail (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    subject_table character varying(63) NOT NULL,
    subject_key character varying(64) NOT NULL,
    change character varying(6) NOT NULL,
    content jsonb NOT NULL,
    written_at timestamp with time zone NOT NULL,
    written_by character varying(200) NOT NULL
);

ALTER TABLE trail ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME trail_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trail_seal (
    entry_id bigint NOT NULL,
    account_id bigint NOT NULL,
    seq bigint NOT NULL,
    prev_hash character varying(64) NOT NULL,
    hash character varying(64) NOT NULL
);

CREATE TABLE trail_unsealed (
    entry_id bigint NOT NULL
);

CREATE TABLE true_ranges (
    id bigint NOT NULL,
    timeframe character varying(3) NOT NULL,
    period smallint NOT NULL,
    value numeric(28,16),
    ended_at timestamp with time zone NOT NULL,
    instrument_id bigint NOT NULL,
    CONSTRAINT true_range_positive CHECK (((value IS NULL) OR (value > (0)::numeric))),
    CONSTRAINT true_ranges_period_check CHECK ((period >= 0))
);

ALTER TABLE true_ranges ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME true_ranges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE used_signatures (
    digest character varying(64) NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE user_preferences (
    user_id integer NOT NULL,
    zone character varying(64) NOT NULL,
    colours character varying(10) NOT NULL,
    palette character varying(12) NOT NULL,
    density character varying(10) NOT NULL,
    money_decimals smallint DEFAULT 2 NOT NULL,
    CONSTRAINT preferences_known CHECK ((((colours)::text = ANY ((ARRAY['system'::character varying, 'light'::character varying, 'dark'::character varying])::text[])) AND ((density)::text = ANY ((ARRAY['roomy'::character varying, 'compact'::character varying])::text[])) AND (money_decimals <= 4) AND ((palette)::text = ANY ((ARRAY['green_red'::character varying, 'red_green'::character varying, 'blue_orange'::character varying])::text[])))),
    CONSTRAINT user_preferences_money_decimals_check CHECK ((money_decimals >= 0))
);

CREATE TABLE usersessions_usersession (
    id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ip inet NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    session_key character varying(40) NOT NULL,
    user_agent character varying(200) NOT NULL,
    data jsonb NOT NULL,
    user_id integer NOT NULL
);

ALTER TABLE usersessions_usersession ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME usersessions_usersession_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE wave_signals (
    id bigint NOT NULL,
    place integer NOT NULL,
    uid character varying(64) NOT NULL,
    symbol character varying(20) NOT NULL,
    score numeric(20,10) NOT NULL,
    raw text NOT NULL,
    outcome character varying(10) NOT NULL,
    handed_on_at timestamp with time zone,
    wave_id bigint NOT NULL,
    CONSTRAINT wave_outcome_known CHECK (((outcome)::text = ANY ((ARRAY[''::character varying, 'opened'::character varying, 'refused'::character varying, 'no_funds'::character varying, 'left'::character varying])::text[]))),
    CONSTRAINT wave_signals_place_check CHECK ((place >= 0))
);

ALTER TABLE wave_signals ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME wave_signals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE waves (
    id bigint NOT NULL,
    exchange character varying(20) NOT NULL,
    wave_time timestamp with time zone NOT NULL,
    status character varying(12) NOT NULL,
    look_until timestamp with time zone NOT NULL,
    target integer,
    first integer,
    found integer NOT NULL,
    reason text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT executing_wave_knows_its_limits CHECK (((NOT ((status)::text = ANY ((ARRAY['executing'::character varying, 'completed'::character varying])::text[]))) OR ((first IS NOT NULL) AND (target IS NOT NULL)))),
    CONSTRAINT finished_wave_says_when CHECK ((((finished_at IS NULL) AND ((status)::text = ANY ((ARRAY['processing'::character varying, 'executing'::character varying])::text[]))) OR ((NOT ((status)::text = ANY ((ARRAY['processing'::character varying, 'executing'::character varying])::text[]))) AND (finished_at IS NOT NULL)))),
    CONSTRAINT wave_status_known CHECK (((status)::text = ANY ((ARRAY['processing'::character varying, 'executing'::character varying, 'completed'::character varying, 'not_found'::character varying])::text[]))),
    CONSTRAINT waves_first_check CHECK ((first >= 0)),
    CONSTRAINT waves_found_check CHECK ((found >= 0)),
    CONSTRAINT waves_target_check CHECK ((target >= 0))
);

ALTER TABLE waves ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME waves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_pkey PRIMARY KEY (id);

ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_email_987c8728_uniq UNIQUE (user_id, email);

ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_key_key UNIQUE (key);

ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY account_equity
    ADD CONSTRAINT account_equity_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY account_equity
    ADD CONSTRAINT account_equity_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_strategyaccount
    ADD CONSTRAINT account_once_per_strategy UNIQUE (strategy_id, account_id);

ALTER TABLE ONLY api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY api_tokens
    ADD CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY arbitrage_pairs
    ADD CONSTRAINT arbitrage_pairs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_long_position_id_key UNIQUE (long_position_id);

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_pkey PRIMARY KEY (id);

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_short_position_id_key UNIQUE (short_position_id);

ALTER TABLE ONLY signal_arrivals
    ADD CONSTRAINT arrivals_once_per_process UNIQUE (source, hour, process);

ALTER TABLE ONLY auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);

ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);

ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);

ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);

ALTER TABLE ONLY auth_user
    ADD CONSTRAINT auth_user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_permission_id_14a6b632_uniq UNIQUE (user_id, permission_id);

ALTER TABLE ONLY auth_user
    ADD CONSTRAINT auth_user_username_key UNIQUE (username);

ALTER TABLE ONLY canary_orders
    ADD CONSTRAINT canary_kind_once_per_run UNIQUE (run_id, order_type);

ALTER TABLE ONLY canary_orders
    ADD CONSTRAINT canary_orders_name_key UNIQUE (name);

ALTER TABLE ONLY canary_orders
    ADD CONSTRAINT canary_orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY canary_runs
    ADD CONSTRAINT canary_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY market_candles
    ADD CONSTRAINT candle_once UNIQUE (account_id, timeframe, of_paper, instrument_id, opened_at);

ALTER TABLE ONLY market_candle_spans
    ADD CONSTRAINT candle_span_once UNIQUE (account_id, timeframe, of_paper, instrument_id, since);

ALTER TABLE ONLY django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_celery_beat_clockedschedule
    ADD CONSTRAINT django_celery_beat_clockedschedule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_celery_beat_crontabschedule
    ADD CONSTRAINT django_celery_beat_crontabschedule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_celery_beat_intervalschedule
    ADD CONSTRAINT django_celery_beat_intervalschedule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_periodictask_name_key UNIQUE (name);

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_periodictask_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_celery_beat_periodictasks
    ADD CONSTRAINT django_celery_beat_periodictasks_pkey PRIMARY KEY (ident);

ALTER TABLE ONLY django_celery_beat_solarschedule
    ADD CONSTRAINT django_celery_beat_solar_event_latitude_longitude_ba64999a_uniq UNIQUE (event, latitude, longitude);

ALTER TABLE ONLY django_celery_beat_solarschedule
    ADD CONSTRAINT django_celery_beat_solarschedule_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);

ALTER TABLE ONLY django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);

ALTER TABLE ONLY exchanges_accountbalance
    ADD CONSTRAINT exchanges_accountbalance_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY exchanges_accountbalance
    ADD CONSTRAINT exchanges_accountbalance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY exchanges_accountwatch
    ADD CONSTRAINT exchanges_accountwatch_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY exchanges_accountwatch
    ADD CONSTRAINT exchanges_accountwatch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY exchanges_exchangeaccount
    ADD CONSTRAINT exchanges_exchangeaccount_name_key UNIQUE (name);

ALTER TABLE ONLY exchanges_exchangeaccount
    ADD CONSTRAINT exchanges_exchangeaccount_pkey PRIMARY KEY (id);

ALTER TABLE ONLY exchanges_instrument
    ADD CONSTRAINT exchanges_instrument_pkey PRIMARY KEY (id);

ALTER TABLE ONLY positions_fillcursor
    ADD CONSTRAINT fill_cursor_once UNIQUE (account_id, symbol);

ALTER TABLE ONLY trades
    ADD CONSTRAINT fill_once UNIQUE (account_id, symbol, trade_id);

ALTER TABLE ONLY flat_reports
    ADD CONSTRAINT flat_report_once UNIQUE (run_id, account_id);

ALTER TABLE ONLY flat_reports
    ADD CONSTRAINT flat_reports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY flat_runs
    ADD CONSTRAINT flat_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY forecast_feeds
    ADD CONSTRAINT forecast_feeds_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY forecast_feeds
    ADD CONSTRAINT forecast_feeds_pkey PRIMARY KEY (id);

ALTER TABLE ONLY forecast_models
    ADD CONSTRAINT forecast_models_pkey PRIMARY KEY (id);

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecast_once UNIQUE (run_id, instrument_id);

ALTER TABLE ONLY forecast_runs
    ADD CONSTRAINT forecast_run_once UNIQUE (account_id, timeframe, of_paper, candle_at);

ALTER TABLE ONLY forecast_runs
    ADD CONSTRAINT forecast_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY funding_payments
    ADD CONSTRAINT funding_payment_once UNIQUE (account_id, payment_id);

ALTER TABLE ONLY funding_payments
    ADD CONSTRAINT funding_payments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_state
    ADD CONSTRAINT global_state_pkey PRIMARY KEY (id);

ALTER TABLE ONLY heartbeat
    ADD CONSTRAINT heartbeat_pkey PRIMARY KEY (id);

ALTER TABLE ONLY exchanges_instrument
    ADD CONSTRAINT instrument_exchange_symbol_once UNIQUE (venue, exchange_symbol);

ALTER TABLE ONLY exchanges_instrument
    ADD CONSTRAINT instrument_symbol_once UNIQUE (venue, symbol);

ALTER TABLE ONLY invariant_checks
    ADD CONSTRAINT invariant_checks_name_key UNIQUE (name);

ALTER TABLE ONLY invariant_checks
    ADD CONSTRAINT invariant_checks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY legacy_rows
    ADD CONSTRAINT legacy_row_once UNIQUE (source, "table", legacy_id);

ALTER TABLE ONLY legacy_rows
    ADD CONSTRAINT legacy_rows_pkey PRIMARY KEY (id);

ALTER TABLE ONLY partial_tp_history
    ADD CONSTRAINT level_once UNIQUE (trade_id, level);

ALTER TABLE ONLY risk_limit_levels
    ADD CONSTRAINT limit_level_once UNIQUE (account_id, rule);

ALTER TABLE ONLY login_links
    ADD CONSTRAINT login_links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY login_links
    ADD CONSTRAINT login_links_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY login_links
    ADD CONSTRAINT login_links_user_id_key UNIQUE (user_id);

ALTER TABLE ONLY market_candle_spans
    ADD CONSTRAINT market_candle_spans_pkey PRIMARY KEY (id);

ALTER TABLE ONLY market_candles
    ADD CONSTRAINT market_candles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_pkey PRIMARY KEY (id);

ALTER TABLE ONLY moving_in_record
    ADD CONSTRAINT moving_in_record_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notify_events
    ADD CONSTRAINT notify_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notify_messages
    ADD CONSTRAINT notify_messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notify_targets
    ADD CONSTRAINT notify_targets_name_key UNIQUE (name);

ALTER TABLE ONLY notify_targets
    ADD CONSTRAINT notify_targets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY older_orders
    ADD CONSTRAINT older_order_once UNIQUE (account_id, position_id, exchange_order_id);

ALTER TABLE ONLY older_orders
    ADD CONSTRAINT older_orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT one_verdict_per_account UNIQUE NULLS NOT DISTINCT (log_id, strategy_id, account_id);

ALTER TABLE ONLY orders
    ADD CONSTRAINT order_generation_once UNIQUE (position_id, purpose, generation, part);

ALTER TABLE ONLY orders
    ADD CONSTRAINT orders_client_order_id_key UNIQUE (client_order_id);

ALTER TABLE ONLY orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY partial_tp_history
    ADD CONSTRAINT partial_tp_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY person_acts
    ADD CONSTRAINT person_acts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_strategysignal
    ADD CONSTRAINT phrase_once_per_strategy UNIQUE (strategy_id, phrase);

ALTER TABLE ONLY positions
    ADD CONSTRAINT position_id_and_liveness UNIQUE (id, is_live);

ALTER TABLE ONLY positions_fillcursor
    ADD CONSTRAINT positions_fillcursor_pkey PRIMARY KEY (id);

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_token_key UNIQUE (token);

ALTER TABLE ONLY price_watches
    ADD CONSTRAINT price_watch_once UNIQUE (instrument_id, reference);

ALTER TABLE ONLY price_watches
    ADD CONSTRAINT price_watches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY protection_plans
    ADD CONSTRAINT protection_plans_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY risk_events
    ADD CONSTRAINT risk_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY risk_limit_levels
    ADD CONSTRAINT risk_limit_levels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_account_id_key UNIQUE (account_id);

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_once UNIQUE NULLS NOT DISTINCT (account_id, strategy_id);

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_pkey PRIMARY KEY (id);

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_strategy_id_key UNIQUE (strategy_id);

ALTER TABLE ONLY signal_arrivals
    ADD CONSTRAINT signal_arrivals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signal_attempts
    ADD CONSTRAINT signal_attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT signal_log_entries_v2_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signal_server_links
    ADD CONSTRAINT signal_server_links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signal_server_links
    ADD CONSTRAINT signal_server_links_server_key UNIQUE (server);

ALTER TABLE ONLY signals_app_signalsender
    ADD CONSTRAINT signals_app_signalsender_name_key UNIQUE (name);

ALTER TABLE ONLY signals_app_signalsender
    ADD CONSTRAINT signals_app_signalsender_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_signalsender_strategies
    ADD CONSTRAINT signals_app_signalsender_signalsender_id_strategy_4e9e41d4_uniq UNIQUE (signalsender_id, strategy_id);

ALTER TABLE ONLY signals_app_signalsender_strategies
    ADD CONSTRAINT signals_app_signalsender_strategies_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_signalsender
    ADD CONSTRAINT signals_app_signalsender_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY signals_app_strategy
    ADD CONSTRAINT signals_app_strategy_name_key UNIQUE (name);

ALTER TABLE ONLY signals_app_strategy
    ADD CONSTRAINT signals_app_strategy_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_strategy_tickers
    ADD CONSTRAINT signals_app_strategy_tic_strategy_id_ticker_id_7148930a_uniq UNIQUE (strategy_id, ticker_id);

ALTER TABLE ONLY signals_app_strategy_tickers
    ADD CONSTRAINT signals_app_strategy_tickers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_strategyaccount
    ADD CONSTRAINT signals_app_strategyaccount_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_strategysignal
    ADD CONSTRAINT signals_app_strategysignal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_ticker
    ADD CONSTRAINT signals_app_ticker_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_app_ticker
    ADD CONSTRAINT signals_app_ticker_symbol_key UNIQUE (symbol);

ALTER TABLE ONLY signals_app_tickeralias
    ADD CONSTRAINT signals_app_tickeralias_alias_key UNIQUE (alias);

ALTER TABLE ONLY signals_app_tickeralias
    ADD CONSTRAINT signals_app_tickeralias_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_v2_log
    ADD CONSTRAINT signals_v2_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY signals_v2_log
    ADD CONSTRAINT signals_v2_log_uid_key UNIQUE (uid);

ALTER TABLE ONLY state_changes
    ADD CONSTRAINT state_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY system_logs
    ADD CONSTRAINT system_logs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY trades
    ADD CONSTRAINT trades_pkey PRIMARY KEY (id);

ALTER TABLE ONLY trail
    ADD CONSTRAINT trail_pkey PRIMARY KEY (id);

ALTER TABLE ONLY trail_seal
    ADD CONSTRAINT trail_seal_once UNIQUE (account_id, seq);

ALTER TABLE ONLY trail_seal
    ADD CONSTRAINT trail_seal_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY trail_unsealed
    ADD CONSTRAINT trail_unsealed_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY trailing_stop_state
    ADD CONSTRAINT trailing_stop_state_pkey PRIMARY KEY (position_id);

ALTER TABLE ONLY true_ranges
    ADD CONSTRAINT true_range_once UNIQUE (instrument_id, timeframe, period);

ALTER TABLE ONLY true_ranges
    ADD CONSTRAINT true_ranges_pkey PRIMARY KEY (id);

ALTER TABLE ONLY used_signatures
    ADD CONSTRAINT used_signatures_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY usersessions_usersession
    ADD CONSTRAINT usersessions_usersession_pkey PRIMARY KEY (id);

ALTER TABLE ONLY usersessions_usersession
    ADD CONSTRAINT usersessions_usersession_session_key_key UNIQUE (session_key);

ALTER TABLE ONLY waves
    ADD CONSTRAINT wave_once UNIQUE (exchange, wave_time);

ALTER TABLE ONLY wave_signals
    ADD CONSTRAINT wave_place_once UNIQUE (wave_id, place);

ALTER TABLE ONLY wave_signals
    ADD CONSTRAINT wave_signal_once UNIQUE (wave_id, uid);

ALTER TABLE ONLY wave_signals
    ADD CONSTRAINT wave_signals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY waves
    ADD CONSTRAINT waves_pkey PRIMARY KEY (id);

CREATE INDEX account_emailaddress_email_03be32b2 ON account_emailaddress USING btree (email);

CREATE INDEX account_emailaddress_email_03be32b2_like ON account_emailaddress USING btree (email varchar_pattern_ops);

CREATE INDEX account_emailaddress_user_id_2c513194 ON account_emailaddress USING btree (user_id);

CREATE INDEX account_emailconfirmation_email_address_id_5b7f8c58 ON account_emailconfirmation USING btree (email_address_id);

CREATE INDEX account_emailconfirmation_key_f43612bd_like ON account_emailconfirmation USING btree (key varchar_pattern_ops);

CREATE INDEX api_tokens_token_hash_70d52dcc_like ON api_tokens USING btree (token_hash varchar_pattern_ops);

CREATE INDEX api_tokens_user_id_2db24e1c ON api_tokens USING btree (user_id);

CREATE INDEX arbitrage_pairs_first_account_id_e2be8ed4 ON arbitrage_pairs USING btree (first_account_id);

CREATE INDEX arbitrage_pairs_second_account_id_97323c1c ON arbitrage_pairs USING btree (second_account_id);

CREATE INDEX arbitrage_pairs_strategy_id_b5b3fce6 ON arbitrage_pairs USING btree (strategy_id);

CREATE INDEX arbitrage_trades_pair_id_20079c27 ON arbitrage_trades USING btree (pair_id);

CREATE INDEX arrivals_hour ON signal_arrivals USING btree (hour);

CREATE INDEX attempt_of_delivery ON signal_attempts USING btree (delivery) WHERE (NOT ((delivery)::text = ''::text));

CREATE INDEX attempt_received ON signal_attempts USING btree (received_at);

CREATE INDEX auth_group_name_a6ea08ec_like ON auth_group USING btree (name varchar_pattern_ops);

CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON auth_group_permissions USING btree (group_id);

CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON auth_group_permissions USING btree (permission_id);

CREATE INDEX auth_permission_content_type_id_2f476e4b ON auth_permission USING btree (content_type_id);

CREATE INDEX auth_user_groups_group_id_97559544 ON auth_user_groups USING btree (group_id);

CREATE INDEX auth_user_groups_user_id_6a12ed8b ON auth_user_groups USING btree (user_id);

CREATE INDEX auth_user_user_permissions_permission_id_1fbb5f2c ON auth_user_user_permissions USING btree (permission_id);

CREATE INDEX auth_user_user_permissions_user_id_a95ead1b ON auth_user_user_permissions USING btree (user_id);

CREATE INDEX auth_user_username_6821ab7c_like ON auth_user USING btree (username varchar_pattern_ops);

CREATE INDEX canary_newest ON canary_runs USING btree (account_id, started_at DESC);

CREATE INDEX canary_orders_name_e79118ba_like ON canary_orders USING btree (name varchar_pattern_ops);

CREATE INDEX canary_orders_position_id_082635ab ON canary_orders USING btree (position_id);

CREATE INDEX canary_orders_run_id_951acd86 ON canary_orders USING btree (run_id);

CREATE INDEX canary_runs_account_id_30dc908c ON canary_runs USING btree (account_id);

CREATE INDEX canary_runs_instrument_id_6bca00be ON canary_runs USING btree (instrument_id);

CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON django_admin_log USING btree (content_type_id);

CREATE INDEX django_admin_log_user_id_c564eba6 ON django_admin_log USING btree (user_id);

CREATE INDEX django_celery_beat_periodictask_clocked_id_47a69f82 ON django_celery_beat_periodictask USING btree (clocked_id);

CREATE INDEX django_celery_beat_periodictask_crontab_id_d3cba168 ON django_celery_beat_periodictask USING btree (crontab_id);

CREATE INDEX django_celery_beat_periodictask_interval_id_a8ca27da ON django_celery_beat_periodictask USING btree (interval_id);

CREATE INDEX django_celery_beat_periodictask_name_265a36b7_like ON django_celery_beat_periodictask USING btree (name varchar_pattern_ops);

CREATE INDEX django_celery_beat_periodictask_solar_id_a87ce72c ON django_celery_beat_periodictask USING btree (solar_id);

CREATE INDEX django_session_expire_date_a5c62663 ON django_session USING btree (expire_date);

CREATE INDEX django_session_session_key_c0390e0f_like ON django_session USING btree (session_key varchar_pattern_ops);

CREATE INDEX exchanges_exchangeaccount_name_9e62fbaf_like ON exchanges_exchangeaccount USING btree (name varchar_pattern_ops);

CREATE INDEX fill_newest ON trades USING btree (executed_at DESC);

CREATE INDEX flat_report_open ON flat_reports USING btree (account_id) WHERE (ended_at IS NULL);

CREATE INDEX flat_reports_account_id_1c43b9a6 ON flat_reports USING btree (account_id);

CREATE INDEX flat_reports_run_id_64c55e29 ON flat_reports USING btree (run_id);

CREATE INDEX flat_run_newest ON flat_runs USING btree (begun_at DESC);

CREATE INDEX flat_runs_account_id_b56e0666 ON flat_runs USING btree (account_id);

CREATE INDEX forecast_runs_account_id_55178892 ON forecast_runs USING btree (account_id);

CREATE INDEX forecast_runs_model_id_fa0aa7c7 ON forecast_runs USING btree (model_id);

CREATE INDEX forecasts_instrument_id_69757bb9 ON forecasts USING btree (instrument_id);

CREATE INDEX forecasts_of_a_contract ON forecasts USING btree (instrument_id, made_at DESC);

CREATE INDEX forecasts_run_id_d8dd6e95 ON forecasts USING btree (run_id);

CREATE INDEX forecasts_signal_id_cfae1b42 ON forecasts USING btree (signal_id);

CREATE INDEX forecasts_to_judge ON forecasts USING btree (made_at) WHERE (judged_at IS NULL);

CREATE INDEX forecasts_to_send ON forecasts USING btree (send_until) WHERE (NOT (send_until IS NULL));

CREATE INDEX funding_newest ON funding_payments USING btree (paid_at DESC);

CREATE INDEX funding_payments_account_id_76328198 ON funding_payments USING btree (account_id);

CREATE INDEX funding_payments_position_id_cb1fa071 ON funding_payments USING btree (position_id);

CREATE INDEX invariant_checks_name_1dcec80e_like ON invariant_checks USING btree (name varchar_pattern_ops);

CREATE INDEX legacy_row_not_imported ON legacy_rows USING btree (source, "table") WHERE (NOT ((outcome)::text = 'imported'::text));

CREATE INDEX level_position_status ON partial_tp_history USING btree (trade_id, status);

CREATE INDEX login_links_token_hash_5642ee98_like ON login_links USING btree (token_hash varchar_pattern_ops);

CREATE INDEX market_candle_spans_account_id_8ec87222 ON market_candle_spans USING btree (account_id);

CREATE INDEX market_candle_spans_instrument_id_856fa897 ON market_candle_spans USING btree (instrument_id);

CREATE INDEX market_candles_account_id_4f8ec08e ON market_candles USING btree (account_id);

CREATE INDEX market_candles_instrument_id_9ae858f8 ON market_candles USING btree (instrument_id);

CREATE INDEX mfa_authenticator_user_id_0c3a50c0 ON mfa_authenticator USING btree (user_id);

CREATE INDEX notify_due ON notify_messages USING btree (target_id, next_attempt_at) WHERE ((delivery)::text = 'waiting'::text);

CREATE INDEX notify_messages_target_id_6179933d ON notify_messages USING btree (target_id);

CREATE INDEX notify_oldest ON notify_messages USING btree (created_at);

CREATE INDEX notify_said_before ON notify_messages USING btree (target_id, same_as, created_at DESC);

CREATE INDEX notify_targets_name_41548f47_like ON notify_targets USING btree (name varchar_pattern_ops);

CREATE INDEX older_order_left ON older_orders USING btree (account_id) WHERE (ended_at IS NULL);

CREATE INDEX older_orders_account_id_102bbff1 ON older_orders USING btree (account_id);

CREATE INDEX older_orders_position_id_ae633cb8 ON older_orders USING btree (position_id);

CREATE UNIQUE INDEX one_canary_run_at_a_time ON canary_runs USING btree (account_id) WHERE (ended_at IS NULL);

CREATE UNIQUE INDEX one_live_position_in_one_way_mode ON positions USING btree (account_id, instrument_id) WHERE ((position_idx = 0) AND (NOT ((status)::text = 'closed'::text)));

CREATE UNIQUE INDEX one_live_position_per_leg ON positions USING btree (account_id, instrument_id, position_side) WHERE (NOT ((status)::text = 'closed'::text));

CREATE UNIQUE INDEX one_live_trade_per_pair ON arbitrage_trades USING btree (pair_id) WHERE (NOT ((status)::text = ANY ((ARRAY['closed'::character varying, 'failed'::character varying])::text[])));

CREATE UNIQUE INDEX one_model_in_use ON forecast_models USING btree (timeframe, of_paper) WHERE ((state)::text = 'in use'::text);

CREATE UNIQUE INDEX one_pending_backstop_per_position ON orders USING btree (position_id) WHERE (((purpose)::text = 'backstop'::text) AND (NOT (status = ANY (ARRAY['canceled'::order_status_enum, 'denied'::order_status_enum, 'expired'::order_status_enum, 'filled'::order_status_enum, 'rejected'::order_status_enum]))));

CREATE UNIQUE INDEX one_pending_close_per_position ON orders USING btree (position_id) WHERE (((purpose)::text = 'close'::text) AND (NOT (status = ANY (ARRAY['canceled'::order_status_enum, 'denied'::order_status_enum, 'expired'::order_status_enum, 'filled'::order_status_enum, 'rejected'::order_status_enum]))));

CREATE UNIQUE INDEX one_pending_entry_per_position ON orders USING btree (position_id) WHERE (((purpose)::text = 'entry'::text) AND (NOT (status = ANY (ARRAY['canceled'::order_status_enum, 'denied'::order_status_enum, 'expired'::order_status_enum, 'filled'::order_status_enum, 'rejected'::order_status_enum]))));

CREATE UNIQUE INDEX one_pending_order_per_level ON orders USING btree (position_id, level) WHERE ((level IS NOT NULL) AND (NOT (status = ANY (ARRAY['canceled'::order_status_enum, 'denied'::order_status_enum, 'expired'::order_status_enum, 'filled'::order_status_enum, 'rejected'::order_status_enum]))));

CREATE UNIQUE INDEX one_pending_reduce_per_position ON orders USING btree (position_id) WHERE (((purpose)::text = 'reduce'::text) AND (NOT (status = ANY (ARRAY['canceled'::order_status_enum, 'denied'::order_status_enum, 'expired'::order_status_enum, 'filled'::order_status_enum, 'rejected'::order_status_enum]))));

CREATE UNIQUE INDEX one_row_per_minute_of_refusals ON signals_v2_log USING btree (source, received_at) WHERE ((reason_code)::text = 'rate_limited'::text);

CREATE INDEX order_due ON orders USING btree (status, next_attempt_at);

CREATE INDEX order_newest ON orders USING btree (created_at DESC);

CREATE INDEX order_of_exchange_id ON orders USING btree (exchange_order_id) WHERE (NOT ((exchange_order_id)::text = ''::text));

CREATE INDEX order_symbol_status ON orders USING btree (symbol, status);

CREATE INDEX orders_account_id_92f83327 ON orders USING btree (account_id);

CREATE INDEX orders_client_order_id_d083b1e1_like ON orders USING btree (client_order_id varchar_pattern_ops);

CREATE INDEX orders_position_id_aca7d049 ON orders USING btree (position_id);

CREATE UNIQUE INDEX pair_once ON arbitrage_pairs USING btree (LEAST(first_account_id, second_account_id), GREATEST(first_account_id, second_account_id), symbol);

CREATE INDEX partial_tp_history_trade_id_6382f90c ON partial_tp_history USING btree (trade_id);

CREATE INDEX person_act_of_position ON person_acts USING btree (position_id, at);

CREATE INDEX person_acts_account_id_01ef9582 ON person_acts USING btree (account_id);

CREATE INDEX person_acts_flat_run_id_79da4a68 ON person_acts USING btree (flat_run_id);

CREATE INDEX person_acts_position_id_56beba42 ON person_acts USING btree (position_id);

CREATE INDEX position_account_closed ON positions USING btree (account_id, closed_at);

CREATE INDEX position_newest ON positions USING btree (created_at DESC);

CREATE INDEX position_newest_closed ON positions USING btree (closed_at DESC) WHERE ((status)::text = 'closed'::text);

CREATE INDEX position_status_account ON positions USING btree (status, account_id);

CREATE INDEX positions_account_id_baa4f0a7 ON positions USING btree (account_id);

CREATE INDEX positions_fillcursor_account_id_0f10c531 ON positions_fillcursor USING btree (account_id);

CREATE INDEX positions_instrument_id_a74de9f7 ON positions USING btree (instrument_id);

CREATE INDEX positions_plan_id_9fed3d00 ON positions USING btree (plan_id);

CREATE INDEX positions_plan_id_9fed3d00_like ON positions USING btree (plan_id varchar_pattern_ops);

CREATE INDEX positions_signal_id_f93b062f ON positions USING btree (signal_id);

CREATE INDEX positions_signal_id_f93b062f_like ON positions USING btree (signal_id varchar_pattern_ops);

CREATE INDEX positions_stands_in_for_id_a68400c1 ON positions USING btree (stands_in_for_id);

CREATE INDEX positions_strategy_id_2cd13802 ON positions USING btree (strategy_id);

CREATE INDEX positions_token_c128d6d9_like ON positions USING btree (token varchar_pattern_ops);

CREATE INDEX protection_plans_digest_efd645ac_like ON protection_plans USING btree (digest varchar_pattern_ops);

CREATE INDEX risk_event_type_newest ON risk_events USING btree (event_type, created_at DESC);

CREATE INDEX risk_events_account_id_20d14a2a ON risk_events USING btree (account_id);

CREATE INDEX risk_limit_levels_account_id_b195e8f6 ON risk_limit_levels USING btree (account_id);

CREATE INDEX signal_attempts_uid_00b46768 ON signal_attempts USING btree (uid);

CREATE INDEX signal_attempts_uid_00b46768_like ON signal_attempts USING btree (uid varchar_pattern_ops);

CREATE INDEX signal_log_entries_v2_account_id_dd5d5983 ON signal_log_entries_v2 USING btree (account_id);

CREATE INDEX signal_log_entries_v2_log_id_b9cc2f18 ON signal_log_entries_v2 USING btree (log_id);

CREATE INDEX signal_log_entries_v2_position_id_65b757f6 ON signal_log_entries_v2 USING btree (position_id);

CREATE INDEX signal_log_entries_v2_strategy_id_f4f570c7 ON signal_log_entries_v2 USING btree (strategy_id);

CREATE INDEX signal_newest ON signals_v2_log USING btree (received_at DESC);

CREATE INDEX signal_newest_of_source ON signals_v2_log USING btree (source, received_at DESC);

CREATE INDEX signal_newest_of_symbol ON signals_v2_log USING btree (symbol, received_at DESC);

CREATE INDEX signal_of_delivery ON signals_v2_log USING btree (delivery) WHERE (NOT ((delivery)::text = ''::text));

CREATE INDEX signal_server_links_server_8fdb91c3_like ON signal_server_links USING btree (server varchar_pattern_ops);

CREATE INDEX signal_waiting ON signals_v2_log USING btree (id) WHERE (dispatched_at IS NULL);

CREATE INDEX signals_app_signalsender_name_940db05f_like ON signals_app_signalsender USING btree (name varchar_pattern_ops);

CREATE INDEX signals_app_signalsender_strategies_signalsender_id_ef859009 ON signals_app_signalsender_strategies USING btree (signalsender_id);

CREATE INDEX signals_app_signalsender_strategies_strategy_id_ef86b53f ON signals_app_signalsender_strategies USING btree (strategy_id);

CREATE INDEX signals_app_signalsender_token_hash_c22abbc4_like ON signals_app_signalsender USING btree (token_hash varchar_pattern_ops);

CREATE INDEX signals_app_strategy_name_07a23122_like ON signals_app_strategy USING btree (name varchar_pattern_ops);

CREATE INDEX signals_app_strategy_tickers_strategy_id_7b4373d0 ON signals_app_strategy_tickers USING btree (strategy_id);

CREATE INDEX signals_app_strategy_tickers_ticker_id_4b1b61a1 ON signals_app_strategy_tickers USING btree (ticker_id);

CREATE INDEX signals_app_strategyaccount_account_id_562a2c1f ON signals_app_strategyaccount USING btree (account_id);

CREATE INDEX signals_app_strategyaccount_failover_account_id_3369d5c4 ON signals_app_strategyaccount USING btree (failover_account_id);

CREATE INDEX signals_app_strategyaccount_strategy_id_6d5e1178 ON signals_app_strategyaccount USING btree (strategy_id);

CREATE INDEX signals_app_strategysignal_strategy_id_4c6ecce8 ON signals_app_strategysignal USING btree (strategy_id);

CREATE INDEX signals_app_ticker_symbol_e1ceb442_like ON signals_app_ticker USING btree (symbol varchar_pattern_ops);

CREATE INDEX signals_app_tickeralias_alias_50e7d84b_like ON signals_app_tickeralias USING btree (alias varchar_pattern_ops);

CREATE INDEX signals_app_tickeralias_ticker_id_46565355 ON signals_app_tickeralias USING btree (ticker_id);

CREATE INDEX signals_v2_log_signal_id_489ac2f3 ON signals_v2_log USING btree (signal_id);

CREATE INDEX signals_v2_log_signal_id_489ac2f3_like ON signals_v2_log USING btree (signal_id varchar_pattern_ops);

CREATE INDEX signals_v2_log_uid_1f414dc1_like ON signals_v2_log USING btree (uid varchar_pattern_ops);

CREATE INDEX state_change_newest ON state_changes USING btree (account_id, at DESC);

CREATE INDEX state_changes_account_id_66ed4b33 ON state_changes USING btree (account_id);

CREATE INDEX system_log_newest ON system_logs USING btree (created_at DESC);

CREATE INDEX trade_newest ON arbitrage_trades USING btree (created_at DESC);

CREATE INDEX trades_account_id_c69f875d ON trades USING btree (account_id);

CREATE INDEX trades_order_id_0af661d0 ON trades USING btree (order_id);

CREATE INDEX trades_position_id_b129af57 ON trades USING btree (position_id);

CREATE INDEX trades_signal_id_7e557023 ON trades USING btree (signal_id);

CREATE INDEX trades_signal_id_7e557023_like ON trades USING btree (signal_id varchar_pattern_ops);

CREATE INDEX trail_of_subject ON trail USING btree (subject_table, subject_key, id);

CREATE INDEX true_ranges_instrument_id_f5d65879 ON true_ranges USING btree (instrument_id);

CREATE UNIQUE INDEX unique_authenticator_type ON mfa_authenticator USING btree (user_id, type) WHERE ((type)::text = ANY ((ARRAY['totp'::character varying, 'recovery_codes'::character varying])::text[]));

CREATE UNIQUE INDEX unique_primary_email ON account_emailaddress USING btree (user_id, "primary") WHERE "primary";

CREATE UNIQUE INDEX unique_verified_email ON account_emailaddress USING btree (email) WHERE verified;

CREATE INDEX used_signatures_digest_2bd06f4d_like ON used_signatures USING btree (digest varchar_pattern_ops);

CREATE INDEX used_signatures_expires_at_293a75aa ON used_signatures USING btree (expires_at);

CREATE INDEX usersessions_usersession_session_key_fd35de43_like ON usersessions_usersession USING btree (session_key varchar_pattern_ops);

CREATE INDEX usersessions_usersession_user_id_af5e0a6d ON usersessions_usersession USING btree (user_id);

CREATE INDEX wave_signals_wave_id_a51dc1bd ON wave_signals USING btree (wave_id);

CREATE INDEX wave_unfinished ON waves USING btree (wave_time) WHERE ((status)::text = ANY ((ARRAY['processing'::character varying, 'executing'::character varying])::text[]));

CREATE TRIGGER check_position_idx BEFORE INSERT OR UPDATE OF position_idx ON positions FOR EACH ROW WHEN (((new.status)::text <> 'closed'::text)) EXECUTE FUNCTION check_position_idx();

CREATE TRIGGER keep_position_mode BEFORE UPDATE ON exchanges_exchangeaccount FOR EACH ROW WHEN (((old.position_mode)::text IS DISTINCT FROM (new.position_mode)::text)) EXECUTE FUNCTION keep_position_mode();

CREATE TRIGGER keep_traded_pair BEFORE UPDATE ON arbitrage_pairs FOR EACH ROW WHEN (((((old.strategy_id IS DISTINCT FROM new.strategy_id) OR ((old.symbol)::text IS DISTINCT FROM (new.symbol)::text)) OR (old.first_account_id IS DISTINCT FROM new.first_account_id)) OR (old.second_account_id IS DISTINCT FROM new.second_account_id))) EXECUTE FUNCTION keep_traded_pair();

CREATE TRIGGER plan_stays BEFORE DELETE OR UPDATE ON protection_plans FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON exchanges_exchangeaccount FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{api_key,api_secret}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON forecast_feeds FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON forecast_models FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{content,reference}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON funding_payments FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON partial_tp_history FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON person_acts FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON positions FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON risk_events FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON risk_limits FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER DELETE OR UPDATE ON signal_log_entries_v2 FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON signals_app_signalsender FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{token_hash,signing_key}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON signals_app_strategy FOR EACH ROW EXECUTE FUNCTION record_trail('{updated_at}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON signals_app_strategyaccount FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON signals_app_strategysignal FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE OR UPDATE ON signals_app_ticker FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER DELETE OR UPDATE ON signals_v2_log FOR EACH ROW EXECUTE FUNCTION record_trail('{received_count}', '{}');

CREATE TRIGGER record_trail AFTER DELETE OR UPDATE ON trades FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail AFTER INSERT OR DELETE ON trailing_stop_state FOR EACH ROW EXECUTE FUNCTION record_trail('{}', '{}');

CREATE TRIGGER record_trail_of_many AFTER INSERT ON signal_log_entries_v2 REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();

CREATE TRIGGER record_trail_of_many AFTER INSERT ON signals_v2_log REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();

CREATE TRIGGER record_trail_of_many AFTER INSERT ON trades REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_trail_of_many();

CREATE TRIGGER record_trail_of_moves AFTER UPDATE ON trailing_stop_state FOR EACH ROW WHEN (trailing_is_news(old.*, new.*)) EXECUTE FUNCTION record_trail('{high_water_mark,last_mark_price,last_advanced_at,update_count}', '{}');

CREATE TRIGGER tell_of_closing AFTER UPDATE OF status ON positions FOR EACH ROW WHEN ((((old.status)::text <> 'closed'::text) AND ((new.status)::text = 'closed'::text) AND (new.opened_at IS NOT NULL))) EXECUTE FUNCTION tell_of_row('position_closed');

CREATE TRIGGER tell_of_errors AFTER INSERT ON system_logs REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_of_errors('system_error');

CREATE TRIGGER tell_of_many AFTER INSERT ON risk_events REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_of_many('risk_event');

CREATE TRIGGER tell_of_opening AFTER UPDATE OF status ON positions FOR EACH ROW WHEN ((((old.status)::text = 'opening'::text) AND ((new.status)::text = 'open'::text))) EXECUTE FUNCTION tell_of_row('position_opened');

CREATE TRIGGER tell_of_switch AFTER INSERT ON state_changes FOR EACH ROW WHEN (((new.from_state)::text <> (new.to_state)::text)) EXECUTE FUNCTION tell_of_row('switched');

CREATE TRIGGER tell_registry AFTER UPDATE OF venue ON exchanges_exchangeaccount FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON exchanges_instrument FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_signalsender FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_signalsender_strategies FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_strategy FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_strategy_tickers FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_strategyaccount FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_strategysignal FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_ticker FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER tell_registry AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON signals_app_tickeralias FOR EACH STATEMENT EXECUTE FUNCTION tell_registry();

CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_is_not_emptied BEFORE TRUNCATE ON trail_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_stays BEFORE DELETE OR UPDATE ON trail FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER trail_stays BEFORE DELETE OR UPDATE ON trail_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE ONLY account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_2c513194_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY account_emailconfirmation
    ADD CONSTRAINT account_emailconfirm_email_address_id_5b7f8c58_fk_account_e FOREIGN KEY (email_address_id) REFERENCES account_emailaddress(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY account_equity
    ADD CONSTRAINT account_equity_account_id_f42334c8_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY api_tokens
    ADD CONSTRAINT api_tokens_user_id_2db24e1c_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_pairs
    ADD CONSTRAINT arbitrage_pairs_first_account_id_e2be8ed4_fk_exchanges FOREIGN KEY (first_account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_pairs
    ADD CONSTRAINT arbitrage_pairs_second_account_id_97323c1c_fk_exchanges FOREIGN KEY (second_account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_pairs
    ADD CONSTRAINT arbitrage_pairs_strategy_id_b5b3fce6_fk_signals_app_strategy_id FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_long_position_id_dea63021_fk_positions_id FOREIGN KEY (long_position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_pair_id_20079c27_fk_arbitrage_pairs_id FOREIGN KEY (pair_id) REFERENCES arbitrage_pairs(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY arbitrage_trades
    ADD CONSTRAINT arbitrage_trades_short_position_id_f655c475_fk_positions_id FOREIGN KEY (short_position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES auth_permission(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES auth_group(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES django_content_type(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES auth_group(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES auth_permission(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY canary_orders
    ADD CONSTRAINT canary_orders_position_id_082635ab_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY canary_orders
    ADD CONSTRAINT canary_orders_run_id_951acd86_fk_canary_runs_id FOREIGN KEY (run_id) REFERENCES canary_runs(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY canary_runs
    ADD CONSTRAINT canary_runs_account_id_30dc908c_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY canary_runs
    ADD CONSTRAINT canary_runs_instrument_id_6bca00be_fk_exchanges_instrument_id FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES django_content_type(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_p_clocked_id_47a69f82_fk_django_ce FOREIGN KEY (clocked_id) REFERENCES django_celery_beat_clockedschedule(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_p_crontab_id_d3cba168_fk_django_ce FOREIGN KEY (crontab_id) REFERENCES django_celery_beat_crontabschedule(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_p_interval_id_a8ca27da_fk_django_ce FOREIGN KEY (interval_id) REFERENCES django_celery_beat_intervalschedule(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY django_celery_beat_periodictask
    ADD CONSTRAINT django_celery_beat_p_solar_id_a87ce72c_fk_django_ce FOREIGN KEY (solar_id) REFERENCES django_celery_beat_solarschedule(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY exchanges_accountbalance
    ADD CONSTRAINT exchanges_accountbal_account_id_787c836c_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY exchanges_accountwatch
    ADD CONSTRAINT exchanges_accountwat_account_id_db97d778_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY flat_reports
    ADD CONSTRAINT flat_reports_account_id_1c43b9a6_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY flat_reports
    ADD CONSTRAINT flat_reports_run_id_64c55e29_fk_flat_runs_id FOREIGN KEY (run_id) REFERENCES flat_runs(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY flat_runs
    ADD CONSTRAINT flat_runs_account_id_b56e0666_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecast_feeds
    ADD CONSTRAINT forecast_feeds_account_id_84976e13_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecast_runs
    ADD CONSTRAINT forecast_runs_account_id_55178892_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecast_runs
    ADD CONSTRAINT forecast_runs_model_id_fa0aa7c7_fk_forecast_models_id FOREIGN KEY (model_id) REFERENCES forecast_models(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_instrument_id_69757bb9_fk_exchanges_instrument_id FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_run_id_d8dd6e95_fk_forecast_runs_id FOREIGN KEY (run_id) REFERENCES forecast_runs(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_signal_id_cfae1b42_fk_signals_v2_log_id FOREIGN KEY (signal_id) REFERENCES signals_v2_log(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY funding_payments
    ADD CONSTRAINT funding_payments_account_id_76328198_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY funding_payments
    ADD CONSTRAINT funding_payments_position_id_cb1fa071_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY login_links
    ADD CONSTRAINT login_links_user_id_83f9239c_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY market_candle_spans
    ADD CONSTRAINT market_candle_spans_account_id_8ec87222_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY market_candle_spans
    ADD CONSTRAINT market_candle_spans_instrument_id_856fa897_fk_exchanges FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY market_candles
    ADD CONSTRAINT market_candles_account_id_4f8ec08e_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY market_candles
    ADD CONSTRAINT market_candles_instrument_id_9ae858f8_fk_exchanges FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_user_id_0c3a50c0_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY notify_messages
    ADD CONSTRAINT notify_messages_target_id_6179933d_fk_notify_targets_id FOREIGN KEY (target_id) REFERENCES notify_targets(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY older_orders
    ADD CONSTRAINT older_orders_account_id_102bbff1_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY older_orders
    ADD CONSTRAINT older_orders_position_id_ae633cb8_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY orders
    ADD CONSTRAINT orders_account_id_92f83327_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY orders
    ADD CONSTRAINT orders_position_id_aca7d049_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY partial_tp_history
    ADD CONSTRAINT partial_tp_history_trade_id_6382f90c_fk_positions_id FOREIGN KEY (trade_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY person_acts
    ADD CONSTRAINT person_acts_account_id_01ef9582_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY person_acts
    ADD CONSTRAINT person_acts_flat_run_id_79da4a68_fk_flat_runs_id FOREIGN KEY (flat_run_id) REFERENCES flat_runs(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY person_acts
    ADD CONSTRAINT person_acts_position_id_56beba42_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_account_id_baa4f0a7_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions_fillcursor
    ADD CONSTRAINT positions_fillcursor_account_id_0f10c531_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_instrument_id_a74de9f7_fk_exchanges_instrument_id FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_plan_id_9fed3d00_fk_protection_plans_digest FOREIGN KEY (plan_id) REFERENCES protection_plans(digest) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_stands_in_for_id_a68400c1_fk_exchanges FOREIGN KEY (stands_in_for_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY positions
    ADD CONSTRAINT positions_strategy_id_2cd13802_fk_signals_app_strategy_id FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY price_watches
    ADD CONSTRAINT price_watches_instrument_id_d9bfe6b4_fk_exchanges_instrument_id FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY risk_events
    ADD CONSTRAINT risk_events_account_id_20d14a2a_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY risk_limit_levels
    ADD CONSTRAINT risk_limit_levels_account_id_b195e8f6_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_account_id_617ca2a5_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY risk_limits
    ADD CONSTRAINT risk_limits_strategy_id_09566a74_fk_signals_app_strategy_id FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT signal_log_entries_v2_log_id_b9cc2f18_fk_signals_v2_log_id FOREIGN KEY (log_id) REFERENCES signals_v2_log(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT signal_log_entries_v2_position_id_65b757f6_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT signal_log_entries_v_account_id_dd5d5983_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signal_log_entries_v2
    ADD CONSTRAINT signal_log_entries_v_strategy_id_f4f570c7_fk_signals_a FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_signalsender_strategies
    ADD CONSTRAINT signals_app_signalse_signalsender_id_ef859009_fk_signals_a FOREIGN KEY (signalsender_id) REFERENCES signals_app_signalsender(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_signalsender_strategies
    ADD CONSTRAINT signals_app_signalse_strategy_id_ef86b53f_fk_signals_a FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategyaccount
    ADD CONSTRAINT signals_app_strategy_account_id_562a2c1f_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategyaccount
    ADD CONSTRAINT signals_app_strategy_failover_account_id_3369d5c4_fk_exchanges FOREIGN KEY (failover_account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategysignal
    ADD CONSTRAINT signals_app_strategy_strategy_id_4c6ecce8_fk_signals_a FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategyaccount
    ADD CONSTRAINT signals_app_strategy_strategy_id_6d5e1178_fk_signals_a FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategy_tickers
    ADD CONSTRAINT signals_app_strategy_strategy_id_7b4373d0_fk_signals_a FOREIGN KEY (strategy_id) REFERENCES signals_app_strategy(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_strategy_tickers
    ADD CONSTRAINT signals_app_strategy_ticker_id_4b1b61a1_fk_signals_a FOREIGN KEY (ticker_id) REFERENCES signals_app_ticker(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY signals_app_tickeralias
    ADD CONSTRAINT signals_app_tickeral_ticker_id_46565355_fk_signals_a FOREIGN KEY (ticker_id) REFERENCES signals_app_ticker(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY state_changes
    ADD CONSTRAINT state_changes_account_id_66ed4b33_fk_exchanges FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY trades
    ADD CONSTRAINT trades_account_id_c69f875d_fk_exchanges_exchangeaccount_id FOREIGN KEY (account_id) REFERENCES exchanges_exchangeaccount(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY trades
    ADD CONSTRAINT trades_order_id_0af661d0_fk_orders_id FOREIGN KEY (order_id) REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY trades
    ADD CONSTRAINT trades_position_id_b129af57_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY trailing_stop_state
    ADD CONSTRAINT trailing_only_on_live_position FOREIGN KEY (position_id, position_is_live) REFERENCES positions(id, is_live) ON DELETE CASCADE;

ALTER TABLE ONLY trailing_stop_state
    ADD CONSTRAINT trailing_stop_state_position_id_41e3a289_fk_positions_id FOREIGN KEY (position_id) REFERENCES positions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY true_ranges
    ADD CONSTRAINT true_ranges_instrument_id_f5d65879_fk_exchanges_instrument_id FOREIGN KEY (instrument_id) REFERENCES exchanges_instrument(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY user_preferences
    ADD CONSTRAINT user_preferences_user_id_7d5d22f7_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY usersessions_usersession
    ADD CONSTRAINT usersessions_usersession_user_id_af5e0a6d_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES auth_user(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY wave_signals
    ADD CONSTRAINT wave_signals_wave_id_a51dc1bd_fk_waves_id FOREIGN KEY (wave_id) REFERENCES waves(id) DEFERRABLE INITIALLY DEFERRED;
