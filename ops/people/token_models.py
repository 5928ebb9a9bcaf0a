"""Keys of programs that speak for a person. Of each we keep a hash and what it begins with."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q

from exchanges.choices import choices


class Scope(StrEnum):
    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"
    PANIC = "panic"


class ApiToken(models.Model):
    """May what its scope and its person both may, until it expires or is revoked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    scope = models.CharField(max_length=5, choices=choices(Scope), default=Scope.READ)
    begins_with = models.CharField(max_length=10)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_tokens"
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=list(Scope)), name="api_token_scope_known"),
            models.CheckConstraint(
                condition=Q(token_hash__regex="^[0-9a-f]{64}$"),  # noqa: S106  (a pattern)
                name="api_token_is_kept_as_hash",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.begins_with}…)"
