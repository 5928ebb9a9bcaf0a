"""What an owner types into the admin, checked before it is saved."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from signals_app.models import Strategy
from trailing.plan import PlanRefused, read_plan


class ReadableJSON(json.JSONEncoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"indent": 2})


class StrategyForm(forms.ModelForm):  # type: ignore[type-arg]
    protection = forms.JSONField(
        encoder=ReadableJSON,
        widget=forms.Textarea(attrs={"rows": 24, "cols": 80, "spellcheck": "false"}),
        help_text="When its positions are left. Percent values are percent: 2 is 2 %. What is not said is the default.",
    )

    class Meta:
        model = Strategy
        fields = "__all__"  # noqa: DJ007 the admin names them

    def clean_protection(self) -> dict[str, Any]:
        """As the whole plan, with what was not said."""
        try:
            return read_plan(self.cleaned_data["protection"]).as_json()
        except PlanRefused as refusal:
            raise forms.ValidationError(str(refusal).split("; ")) from None
