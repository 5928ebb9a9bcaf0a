"""The whole API against its own description, as everybody: no failure of ours, and no answer that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples_of
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from exchanges.models import FlatRun
from ops.people.token_models import Scope
from positions.models import Position
from signals_app.models import SignalLog
from tests.api.conftest import a_caller, a_target
from tests.forecasts.seeded import a_forecast, a_model, a_run
from tests.positions.services.conftest import Desk
from tradingbot.api import doors
from tradingbot.api.app import api

pytestmark = pytest.mark.django_db

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
ROLES = {
    "anonymous": None, "viewer": Scope.READ, "trader": Scope.TRADE, "admin": Scope.ADMIN, "panic": Scope.PANIC,
}  # fmt: skip
# what makes sense to ask, of operations that take a body
SENSIBLE = {
    "close-part": {"percent": "50"},
    "move-stop": {"stop_price": "99500"},
    "pause": {"reason": "a test"},
    "resume": {"account": "main"},
    "close-all": {"reason": "a test", "confirm": "ALL"},
    "signals": {"symbol": "BTCUSDT", "message": "buy", "bar_time": "2026-01-01T00:00:00Z"},
}


@dataclass
class Asking:
    """One role, asking; what it did is undone after each request, so that every one meets the same rows."""

    token: str
    known: dict[str, Any]

    def ask(self, case: Any, *, of_what_is_there: bool) -> int:
        if of_what_is_there:
            case.path_parameters = {name: self.known[name] for name in case.path_parameters or {}}
        headers = {name: value for name, value in (case.headers or {}).items() if name != "Authorization"}
        case.headers = headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        with transaction.atomic():
            answer = case.call()
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)
        return answer.status_code

    def sensibly(self, operation: Any) -> int:
        names = {one.name for one in operation.path_parameters}
        body = SENSIBLE.get(operation.path.rpartition("/")[2]) if operation.method == "post" else None
        given_body = {} if body is None else {"body": body, "media_type": "application/json"}
        case = operation.Case(
            path_parameters={name: self.known[name] for name in names},
            headers={"Idempotency-Key": str(uuid4())}, **given_body,
        )  # fmt: skip
        return self.ask(case, of_what_is_there=False)

    def at_random(self, operation: Any, count: int) -> None:
        turns = iter(range(10**6))

        @examples_of(
            max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            self.ask(case, of_what_is_there=next(turns) % 2 == 0)

        ask()


@pytest.fixture
def known(desk: Desk, held: Position) -> dict[str, Any]:
    run = FlatRun.objects.create(reason="x", by="y", begun_at=timezone.now(), ended_at=timezone.now())
    forecast = a_forecast(a_run(desk.account, model=a_model()), outcomes={"15m": 0.002})
    return {
        "forecast_number": forecast.pk, "model_number": forecast.run.model_id,
        "position_id": held.pk, "order_id": str(a_target(held).pk), "name": desk.strategy.name,
        "signal_number": SignalLog.objects.get().pk, "run_id": run.pk,
    }  # fmt: skip


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Requests of this thread stay in the test's transaction, as those of Django's own test client do."""
    monkeypatch.setattr(doors, "RATE", doors.Rate(0, 1))
    between_requests = (request_started, request_finished)
    for signal in between_requests:
        signal.disconnect(close_old_connections)
    yield list(_operations())
    for signal in between_requests:
        signal.connect(close_old_connections)


def _operations() -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(api.get_openapi_schema())
    schema.app = get_wsgi_application()
    for found in schema.get_all_operations():
        yield found.ok()


def answered_well(role: str, operations: list[Any], known: dict[str, Any], count: int) -> set[str]:
    """The operations that a sensible request of this role was answered 2xx by."""
    scope = ROLES[role]
    group = "trader" if role == "panic" else role
    asking = Asking(a_caller(group, scope, role).token if scope else "", known)
    well = set()
    for operation in operations:
        if 200 <= asking.sensibly(operation) < 300:
            well.add(operation.label)
        if count:
            asking.at_random(operation, count)
    return well


def judged(operations: list[Any], known: dict[str, Any], count: int) -> None:
    everything = {one.label for one in operations}
    reads = {one.label for one in operations if one.method == "get"}
    assert answered_well("anonymous", operations, known, count and 1) == set()
    assert answered_well("viewer", operations, known, count) == reads
    well = answered_well("panic", operations, known, 0)
    assert well == reads | {"POST /api/v1/close-all"}
    for role in ("trader", "admin"):
        well |= answered_well(role, operations, known, count)
    assert len(well) >= 0.9 * len(everything), everything - well


def test_every_operation_keeps_the_contract_for_everybody(
    operations: list[Any], known: dict[str, Any]
) -> None:
    judged(operations, known, 3)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_the_contract_holds_whatever_is_asked(operations: list[Any], known: dict[str, Any]) -> None:
    judged(operations, known, 60)
