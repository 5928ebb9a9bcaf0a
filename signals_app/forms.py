"""What an owner types into the admin, checked before it is saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django import forms

from signals_app import plan_form
from signals_app.fitting_plans import STOP, TRAILING, objections_to_plan
from signals_app.models import SignalSender, Strategy
from signals_app.networks import NotANetwork, read_networks
from signals_app.usable_stops import objections_with_leverage
from trailing.plan import PlanRefused, ProtectionPlan, read_plan

SHORTEST_KEY = 16
KEY_KEPT = "Set. Leave blank to keep it; type a new one to replace it."
KEY_MISSING = f"Not set. Any text of at least {SHORTEST_KEY} characters that the sender knows too."


class ReadableJSON(json.JSONEncoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"indent": 2})


class StrategyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The plan is written in fields or, by who knows it, as JSON; one parser reads both."""

    plan_by = forms.ChoiceField(
        label="The plan is written",
        choices=[(plan_form.BY_FIELDS, "in the fields below"), (plan_form.BY_JSON, "as JSON (expert view)")],
        widget=forms.RadioSelect,
        required=False,
        initial=plan_form.BY_FIELDS,
    )
    protection = forms.JSONField(
        label="The plan as JSON",
        encoder=ReadableJSON,
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 24, "cols": 80, "spellcheck": "false",
                "data-shown-by": "plan_by", "data-shown-when": plan_form.BY_JSON,
            }
        ),
        help_text="When its positions are left. Percent values are percent: 2 is 2 %. What is not said is the default.",
    )  # fmt: skip
    locals().update(plan_form.fields())

    class Meta:
        model = Strategy
        fields = "__all__"  # noqa: DJ007 the admin names them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        values = plan_form.initial(self.initial.get("protection") or self.instance.protection)
        plan_by = plan_form.BY_FIELDS if values else plan_form.BY_JSON
        self.initial = {**values, "plan_by": plan_by, **self.initial}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._read_plan(cleaned)
        places = {STOP: self._place_of("stop_type"), TRAILING: self._place_of("trail_type")}
        for what, objection in list(objections_to_plan(cleaned)):
            self.add_error(places.get(what, what), objection)
        return cleaned

    def _read_plan(self, cleaned: dict[str, Any]) -> None:
        """As the whole plan, with what was not said."""
        written = cleaned.pop("protection", None)
        if cleaned.get("plan_by") == plan_form.BY_FIELDS:
            self.errors.pop("protection", None)  # what stands in the other view is not read
            plan, wrong = plan_form.read(cleaned)
        else:
            plan, wrong = self._read_json(written)
        for field, sentence in wrong:
            self.add_error(field, sentence)
        if plan is not None and "protection" not in self.errors:
            cleaned["protection"] = plan.as_json()

    def _read_json(self, written: object) -> tuple[ProtectionPlan | None, list[tuple[str | None, str]]]:
        if "protection" in self.errors:
            return None, []
        try:
            return read_plan(written), []
        except PlanRefused as refusal:
            return None, [("protection", str(fault)) for fault in refusal.faults]

    def _place_of(self, field: str) -> str:
        return field if self.cleaned_data.get("plan_by") == plan_form.BY_FIELDS else "protection"


class AccountsFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """An account's own leverage must leave the strategy's stop before the liquidation too."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            leverage = form.cleaned_data.get("leverage") if form.is_valid() else None
            if leverage is not None and not form.cleaned_data.get("DELETE"):
                for objection in self._objections(leverage):
                    form.add_error("leverage", objection)

    def _objections(self, leverage: int) -> Iterator[str]:
        try:
            yield from objections_with_leverage(self.instance.protection, leverage)
        except PlanRefused:
            return  # the plan's own field says so


class SenderForm(forms.ModelForm):  # type: ignore[type-arg]
    """The signing key goes in and never comes out. It is no field of the model here: a stored one is not even read."""

    new_signing_key = forms.CharField(
        label="signing key",
        required=False,
        strip=True,
        min_length=SHORTEST_KEY,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    forget_signing_key = forms.BooleanField(required=False)

    class Meta:
        model = SignalSender
        fields = (
            "name",
            "enabled",
            "strategies",
            "max_age_seconds",
            "rate_per_minute",
            "burst",
            "allowed_networks",
            "requires_signature",
            "replay_window_seconds",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_key = SignalSender.objects.filter(pk=self.instance.pk).exclude(signing_key="").exists()
        self.fields["new_signing_key"].help_text = KEY_KEPT if self._has_key else KEY_MISSING

    def clean_allowed_networks(self) -> str:
        """As the machine reads them, one a line."""
        try:
            return "\n".join(map(str, read_networks(self.cleaned_data["allowed_networks"])))
        except NotANetwork as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("new_signing_key") and cleaned.get("forget_signing_key"):
            self.add_error("forget_signing_key", "Type a new key or forget it, not both.")
        if cleaned.get("requires_signature") and not self._will_have_key:
            self.add_error("requires_signature", "Without a signing key no signature could be checked.")
        return cleaned

    @property
    def chosen_key(self) -> str | None:
        """None keeps what is stored."""
        return self.cleaned_data.get("new_signing_key") or ("" if self._forgets else None)

    @property
    def _forgets(self) -> bool:
        return bool(self.cleaned_data.get("forget_signing_key"))

    @property
    def _will_have_key(self) -> bool:
        is_typed = "new_signing_key" in self.errors or self.cleaned_data.get("new_signing_key")
        return bool(is_typed or (self._has_key and not self._forgets))
