#!/usr/bin/env python3
"""Reads the source: no blocking call in asynchronous code, no network in a transaction, no foreign key to fas."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ops.verification.entries import analyze_code

sys.exit(analyze_code())
