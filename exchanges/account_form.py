"""An account as its owner edits it: keys are only replaced, and what they may do is read before they are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from exchanges.key_probe import Probe
from exchanges.models import ExchangeAccount
from positions.lifecycle import DONE

SECRETS = ("api_key", "api_secret")
KEPT = "Set, ends in {}. Leave blank to keep it; type a new one to replace it."
MISSING = "Not set."
SHOWN = 4
ANOTHER = "The exchange says that this key belongs to another account, which does not hold them."
LOST = "With the key of another account they would be taken for closed, and nobody would look after them."
TICK = "If this is a new key of the same one, tick that."


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """Secrets go in and never come out; the field starts empty and blank keeps what is stored."""

    api_key = forms.CharField(required=False, strip=True)
    api_secret = forms.CharField(required=False, strip=True)
    acknowledge_permissions = forms.BooleanField(
        required=False,
        label="Acknowledge the key's rights",
        help_text="Needed to confirm an account for live trading whose key may do more than it should.",
    )
    same_account = forms.BooleanField(
        required=False,
        label="The new key belongs to the same exchange account",
        help_text="Needed to replace the key while something is open there and the exchange does not tell whose key it "
        "is. Where it tells another account, nothing helps.",
    )
    probed: Probe | None = None
    owner_before = ""  # the exchange's number of the account that the stored keys belong to
    by = ""
    has_second_factor = False

    class Meta:
        model = ExchangeAccount
        fields = [
            "name",
            "venue",
            *SECRETS,
            "is_live_confirmed",
            "position_mode",
            "margin_mode",
            "max_open_positions",
            "max_exposure",
            "unknown_positions",
            "adopted_stop_percent",
            "canary_allowed",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: getattr(self.instance, name) for name in SECRETS}
        for name, stored in self._stored.items():
            self.initial[name] = ""
            self.fields[name].widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            self.fields[name].help_text = KEPT.format(_ending(name, stored)) if stored else MISSING

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        for name, stored in self._stored.items():
            cleaned[name] = cleaned.get(name) or stored
        if any(cleaned[name] != stored for name, stored in self._stored.items()):
            self._forget_the_old_key()
        if cleaned["api_key"] != self._stored["api_key"]:
            self._judge_the_new_key(ticked=bool(cleaned.get("same_account")))
        if "venue" in self.changed_data:
            self.instance.exchange_user = ""
        if self.probed is not None and self.probed.owner:
            self.instance.exchange_user = self.probed.owner
        if self.probed is not None:
            self._judge(self.probed, cleaned)
        return cleaned

    def _forget_the_old_key(self) -> None:
        account = self.instance
        account.permissions_seen, account.permissions_seen_at = [], None
        account.permissions_acknowledged_by, account.permissions_acknowledged_at = "", None

    def _judge(self, probed: Probe, cleaned: dict[str, Any]) -> None:
        account, goes_live = self.instance, bool(cleaned.get("is_live_confirmed"))
        if probed.permissions is None:
            if goes_live and account.permissions_seen_at is None:
                unread = f"What the key may do could not be read: {probed.failure}"
                self.add_error("is_live_confirmed", f"{unread} Without that no account is confirmed.")
            return
        warnings = list(probed.permissions.warnings)
        if warnings != account.permissions_seen:
            self._forget_the_old_key()
        account.permissions_seen, account.permissions_seen_at = warnings, timezone.now()
        if cleaned.get("acknowledge_permissions"):
            account.permissions_acknowledged_by, account.permissions_acknowledged_at = self.by, timezone.now()
        if goes_live and warnings and account.permissions_acknowledged_at is None:
            self.add_error(
                "acknowledge_permissions", f"{' '.join(warnings)} Tick this to go live all the same."
            )

    def clean_is_live_confirmed(self) -> bool:
        wanted: bool = self.cleaned_data["is_live_confirmed"]
        if wanted and "is_live_confirmed" in self.changed_data and not self.has_second_factor:
            raise forms.ValidationError(
                "Real orders need more than a password: set up a second factor for yourself first (your name, above)."
            )
        return wanted

    def _judge_the_new_key(self, *, ticked: bool) -> None:
        """Another account does not hold what is open here: comparisons would find it gone and end it in the books."""
        before, now = self.owner_before, self.probed.owner if self.probed else ""
        self.instance.exchange_user = ""  # until the exchange tells it of the new key
        is_open = self._what_is_open()
        if not is_open or before == now != "":
            return
        if before and now:
            self.add_error("api_key", f"{is_open} {ANOTHER}")
        elif not ticked:
            self.add_error("api_key", f"{is_open} {LOST} {TICK}")

    def clean_venue(self) -> str:
        venue: str = self.cleaned_data["venue"]
        if self.instance.pk and "venue" in self.changed_data and (is_open := self._what_is_open()):
            raise forms.ValidationError(f"The exchange stays while something is open. {is_open}")
        return venue

    def _what_is_open(self) -> str:
        """Empty: nothing."""
        if self.instance.pk is None:
            return ""
        held = self.instance.positions.filter(is_live=True).count()
        working = self.instance.orders.exclude(status__in=DONE).count()
        if not (held or working):
            return ""
        return f"The account has {held} live positions and {working} working orders."

    def clean_position_mode(self) -> str:
        mode: str = self.cleaned_data["position_mode"]
        if "position_mode" in self.changed_data and (is_open := self._what_is_open()):
            raise forms.ValidationError(f"The mode stays while something is open. {is_open}")
        if "position_mode" in self.changed_data:
            self.instance.told_position_mode = ""  # it is asked for anew
        return mode


def _ending(name: str, stored: str) -> str:
    """Enough to tell one key from another. A short one would be half told by its end; a secret is never told."""
    return f"•••• {stored[-SHOWN:]}" if name == "api_key" and len(stored) >= SHOWN * 3 else "••••"
