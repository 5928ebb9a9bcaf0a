"""Links that sign somebody in once. Of each we keep a hash."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class LoginLink(models.Model):
    """Works once, until it expires. The newest of a person is the only one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="login_link")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "login_links"
        constraints = [
            models.CheckConstraint(
                condition=Q(token_hash__regex="^[0-9a-f]{64}$"),  # noqa: S106  (a pattern)
                name="login_link_is_kept_as_hash",
            ),
        ]

    def __str__(self) -> str:
        return f"of {self.user}"
