"""Writes the groups that come with the product. Groups that owners made themselves are theirs."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from ops.people.groups import ADMIN, TRADER, VIEWER, permissions_of


@transaction.atomic
def keep_groups_in_step() -> None:
    """Permissions come with tables, so this follows every migrate."""
    ids = {
        (app, codename): pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for name in (VIEWER, TRADER, ADMIN):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([ids[one] for one in permissions_of(name, ids)])
