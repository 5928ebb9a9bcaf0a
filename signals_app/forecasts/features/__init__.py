"""Candles become named numbers. Nothing here sees a later candle, a unit of price or a unit of volume."""
