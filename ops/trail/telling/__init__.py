"""One module for each kind of row: what a change of it means, in words. Pure."""
