"""PostgreSQL and Redis of our own, for checkouts where DATABASE_URL and REDIS_URL name none."""
