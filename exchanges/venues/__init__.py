"""The words of each venue. PURE: values in, values out; no ccxt, no I/O."""
