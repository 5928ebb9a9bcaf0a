"""One file a check. Each asks, and leaves the judging to pure functions."""
