"""Lines of the log: readable or JSON, with what they are about, and never with a secret."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from ops.log_context import about, bound
from ops.log_lines import LONGEST_TRACE, ForEyes, as_json
from ops.tasks import show_that_orders_are_taken
from tradingbot.request_log import request_log

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz0123456789AB"
NAMED = f"api_secret={SECRET[:20]} and {SECRET}"


def a_record(text: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("ops.here", logging.ERROR, __file__, 7, text, args, trace)


def an_error(depth: int = 0) -> BaseException:
    try:
        if depth:
            raise an_error(depth - 1)
        raise ValueError(NAMED)
    except ValueError as error:
        return error


def test_a_json_line_is_one_object_with_what_it_is_about() -> None:
    with bound(request_id="r-1", position_id=7, nothing=""):
        line = as_json().format(a_record("order %s", "tb-1", error=an_error()))
    told = json.loads(line)
    assert "\n" not in line
    assert (told["event"], told["level"], told["logger"]) == ("order tb-1", "error", "ops.here")
    assert (told["request_id"], told["position_id"], "nothing" in told) == ("r-1", 7, False)
    assert told["timestamp"].endswith("Z")
    assert "ValueError" in told["exception"]


@pytest.mark.parametrize("lines", [as_json(), ForEyes("%(levelname)s %(name)s: %(message)s")])
def test_no_secret_in_a_line_its_context_or_its_trace(lines: logging.Formatter) -> None:
    with bound(password=SECRET, about=NAMED):
        line = lines.format(a_record(f"refused with {NAMED}", error=an_error()))
    assert "refused with" in line
    assert SECRET[:20] not in line


def test_a_line_for_eyes_is_as_before_and_ends_with_what_it_is_about() -> None:
    lines = ForEyes("%(levelname)s %(name)s: %(message)s")
    assert lines.format(a_record("order %s", "tb-1")) == "ERROR ops.here: order tb-1"
    with bound(task_id="t-1"):
        assert lines.format(a_record("x")) == "ERROR ops.here: x task_id=t-1"


def test_a_long_trace_keeps_its_end() -> None:
    line = ForEyes("%(message)s").format(a_record("x", error=RuntimeError("\n".join(map(str, range(1000))))))
    assert line.endswith("999")
    assert line.count("\n") <= LONGEST_TRACE


def test_what_is_bound_ends_with_its_block() -> None:
    with bound(a=1), bound(b=2, a=3):
        assert about() == {"a": 3, "b": 2}
    assert about() == {}


def test_a_task_is_named_with_what_it_was_given(monkeypatch, caplog) -> None:
    from positions.services import modifying
    from positions.tasks import refit_target

    seen: list[dict[str, object]] = []
    monkeypatch.setattr(modifying, "refit_target", lambda position_id: seen.append(about()))
    refit_target("7")
    assert (seen[0]["task"], seen[0]["position_id"]) == ("positions.tasks.refit_target", "7")


@pytest.mark.django_db
def test_a_sweep_runs_as_ever() -> None:
    show_that_orders_are_taken()


@pytest.mark.django_db
def test_a_request_has_an_id_and_whoever_asks(client: Client) -> None:
    assert len(client.get("/healthz")["X-Request-ID"]) == 16
    given = {"X-Request-ID": "from-a-proxy-1"}
    assert client.get("/healthz", headers=given)["X-Request-ID"] == "from-a-proxy-1"
    assert client.get("/healthz", headers={"X-Request-ID": "x" * 99})["X-Request-ID"] != "x" * 99


def test_nobody_is_looked_up_for_a_line() -> None:
    seen: list[dict[str, object]] = []

    def view(request):
        seen.append(about())
        request._cached_user = User(username="ada")
        seen.append(about())
        return {}

    class Answer(dict):
        headers: dict[str, str] = {}

    request_log(lambda request: view(request) or Answer())(RequestFactory().get("/"))
    assert ("user" in seen[0], seen[1]["user"]) == (False, "ada")


@pytest.mark.parametrize(("form", "imported"), [("json", True), ("console", False)])
def test_a_process_writes_as_it_is_configured(form: str, imported: bool) -> None:
    code = (
        "import django, logging, sys; django.setup(); logging.getLogger('x').warning('hello');"
        "print('structlog' in sys.modules)"
    )
    environment = os.environ | {"LOG_FORMAT": form, "DJANGO_SETTINGS_MODULE": "tradingbot.settings"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.strip() == str(imported)
    line = answer.stderr.strip().splitlines()[-1]
    assert json.loads(line)["event"] == "hello" if imported else line.endswith("WARNING x: hello")
