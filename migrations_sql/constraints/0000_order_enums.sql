CREATE TYPE order_side_enum AS ENUM ('buy', 'sell');
CREATE TYPE order_status_enum AS ENUM (
    'initialized', 'submitted', 'accepted', 'triggered', 'partially_filled', 'filled',
    'pending_cancel', 'canceled', 'expired', 'rejected', 'denied');
