from __future__ import annotations

from zoneinfo import available_timezones

from django import forms

from ops.desk.preference_models import UTC, Preferences

ZONES = [(UTC, UTC), *((name, name) for name in sorted(available_timezones() - {UTC}) if "/" in name)]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    zone = forms.ChoiceField(label="Time zone", choices=ZONES)

    class Meta:
        model = Preferences
        fields = ("zone", "colours", "palette", "density", "money_decimals")
        widgets = dict.fromkeys(("colours", "palette", "density", "money_decimals"), forms.RadioSelect)
