#!/usr/bin/env python
"""Django's entrance. For `up` and `verify --data` the environment is decided first, before settings are read."""

from __future__ import annotations

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["up"]:
        from ops import launcher

        sys.exit(launcher.main(sys.argv[2:]))
    if sys.argv[1:2] == ["verify"]:
        from ops.verification import installation

        installation.choose(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
    from django.core.management import execute_from_command_line

    from ops.one_line import run_in_one_line

    run_in_one_line(lambda: execute_from_command_line(sys.argv))


if __name__ == "__main__":
    main()
