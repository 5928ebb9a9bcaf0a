from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command

Say = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def say() -> Say:
    """A command's exit status and the lines it prints."""

    def call(*words: str, **options: object) -> tuple[int, list[str]]:
        out, status = StringIO(), 0
        try:
            call_command(*words, stdout=out, **options)
        except SystemExit as ending:
            status = int(ending.code or 0)
        return status, out.getvalue().splitlines()

    return call
