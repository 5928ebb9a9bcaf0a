"""Telling people: what happened, to whom, when, and until when it is tried."""
