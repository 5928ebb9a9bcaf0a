"""Is everything alive, and what still protects while it is not."""
