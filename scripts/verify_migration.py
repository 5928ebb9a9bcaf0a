#!/usr/bin/env python3
"""All seven questions to the running installation, as YAML: `manage.py verify` by another name, with its options."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ops.verification.entries import verify

verify(sys.argv[1:])
