"""A strategy's plan in fields: kept as one plan, refused in its field, and its JSON as the expert's view."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User

from signals_app import plan_form
from signals_app.models import Strategy
from tests.builders import a_position, a_strategy
from tests.signals_app.test_admin import a_form, owner, url  # noqa: F401
from trailing.plan import ProtectionPlan, read_plan

pytestmark = pytest.mark.django_db


def in_fields(**typed):
    values = {k: v for k, v in plan_form.initial(ProtectionPlan().as_json()).items() if v is not False}
    return a_form(**{**values, "plan_by": "fields", "protection": "{broken", **typed})


def test_a_plan_is_written_in_fields(owner):  # noqa: F811
    typed = in_fields(
        stop_percent="3", trail_type="", level1_type="percent", level1_value="2", level1_close_ratio="0.5"
    )
    answer = owner.post(url(Strategy, "add"), typed)
    assert answer.status_code == 302, answer.context["errors"]
    plan = read_plan(Strategy.objects.get().protection)
    assert (plan.stop_loss.percent, plan.trailing, len(plan.take_profits.levels)) == (3, None, 1)


def test_a_wrong_value_is_refused_in_its_field(owner):  # noqa: F811
    answer = owner.post(
        url(Strategy, "add"), in_fields(stop_percent="200", level1_type="percent", level1_value="x")
    )
    errors = answer.context["adminform"].errors
    assert errors["stop_percent"] == ["input should be less than 100"]
    assert set(errors) == {"stop_percent", "level1_value", "level1_close_ratio"}
    assert not Strategy.objects.exists()


def test_a_stop_beyond_the_liquidation_is_refused_beside_the_stop(owner):  # noqa: F811
    answer = owner.post(url(Strategy, "add"), in_fields(stop_percent="9.5", leverage="10"))
    assert "may be liquidated" in answer.context["adminform"].errors["stop_type"][0]


def test_what_is_kept_is_shown_in_fields_and_as_json(owner):  # noqa: F811
    strategy = a_strategy(
        protection=read_plan({"stop_loss": {"type": "percent", "percent": "3.25"}}).as_json()
    )
    page = owner.get(url(Strategy, "change", strategy.pk))
    form = page.context["adminform"].form
    assert (form["stop_percent"].value(), form["plan_by"].value()) == ("3.25", "fields")
    assert json.loads(form["protection"].value()) == strategy.protection


def test_a_plan_that_cannot_be_read_is_edited_as_json(owner):  # noqa: F811
    strategy = a_strategy(protection={"stop_loss": {"type": "of another time"}})
    form = owner.get(url(Strategy, "change", strategy.pk)).context["adminform"].form
    assert form["plan_by"].value() == "json"


def acts(client, action, *chosen):
    pks = [strategy.pk for strategy in chosen]
    return client.post(url(Strategy, "changelist"), {"action": action, "_selected_action": pks}, follow=True)


def test_pause_resume_clone_and_archive(owner):  # noqa: F811
    strategy = a_strategy(name="trend")
    a_position(strategy=strategy)
    acts(owner, "pause", strategy)
    strategy.refresh_from_db()
    assert (strategy.allow_open, strategy.enabled) == (False, True)
    acts(owner, "resume", strategy)
    acts(owner, "clone_them", strategy)
    assert list(Strategy.objects.values_list("name", "enabled", "allow_open").order_by("pk")) == [
        ("trend", True, True),
        ("trend-copy", False, True),
    ]
    page = acts(owner, "archive_them", strategy).content.decode()
    assert "Its 1 open positions keep their stops." in page
    strategy.refresh_from_db()
    assert strategy.archived


def test_who_may_only_look_sees_no_acts(client):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_strategy"))
    client.force_login(user)
    strategy = a_strategy()
    page = client.get(url(Strategy, "changelist")).content.decode()
    assert "pause" not in page.lower().split('<select name="action"')[-1] or 'name="action"' not in page
    acts(client, "pause", strategy)
    strategy.refresh_from_db()
    assert strategy.allow_open
    assert client.get(f"/admin/signals_app/strategy/{strategy.pk}/preview/").status_code == 200
    client.logout()
    assert client.get(f"/admin/signals_app/strategy/{strategy.pk}/preview/").status_code == 302
