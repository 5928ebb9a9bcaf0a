from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from ops.people.groups import permissions_of
from ops.people.services.groups import keep_groups_in_step
from tests.people import a_person

pytestmark = pytest.mark.django_db


def may(group: str, permission: str) -> bool:
    return a_person(group, f"{group}-{permission}").has_perm(permission)


@pytest.mark.parametrize(
    ("permission", "groups"),
    [
        ("positions.view_position", {"viewer", "trader", "admin"}),
        ("signals_app.view_signallog", {"viewer", "trader", "admin"}),
        ("exchanges.view_exchangeaccount", {"viewer", "trader", "admin"}),
        ("positions.change_position", {"trader", "admin"}),
        ("exchanges.switch_trading", {"trader", "admin"}),
        ("exchanges.change_exchangeaccount", {"admin"}),
        ("signals_app.change_strategy", {"admin"}),
        ("signals_app.add_signalsender", {"admin"}),
        ("django_celery_beat.change_periodictask", {"admin"}),
        ("auth.view_user", {"admin"}),
        ("auth.change_user", {"admin"}),
    ],
)
def test_migrations_made_the_groups(permission: str, groups: set[str]) -> None:
    assert {group for group in ("viewer", "trader", "admin") if may(group, permission)} == groups


def test_groups_are_kept_in_step_and_those_of_owners_are_left_alone() -> None:
    viewer, mine = Group.objects.get(name="viewer"), Group.objects.create(name="night shift")
    delete = Permission.objects.get(codename="delete_strategy")
    for group in (viewer, mine):
        group.permissions.set([delete])
    Group.objects.get(name="trader").delete()
    keep_groups_in_step()
    assert list(mine.permissions.all()) == [delete]
    assert not viewer.permissions.filter(pk=delete.pk).exists()
    assert may("trader", "exchanges.switch_trading")


def test_nobody_but_an_administrator_may_touch_what_comes_new() -> None:
    new = ("positions", "delete_everything")
    assert [group for group in ("viewer", "trader", "admin") if permissions_of(group, [new])] == ["admin"]
