#!/usr/bin/env python3
"""What is required of speed and memory, measured beside the running installation; beyond it the status is not 0."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ops.verification.entries import verify

verify(sys.argv[1:], only=("Performance",))
