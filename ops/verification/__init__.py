"""Is this installation fit to trade? Seven questions, asked for real; an answer that nobody gave is never a yes."""
