#!/usr/bin/env python3
"""The two questions about the database: is it made as migrations make it, and is what it holds true."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ops.verification.entries import verify

verify(sys.argv[1:], only=("Database Schema", "Data Integrity"))
