"""The library's forms that ask for a code. They do not write back what was typed: it may be all of a recovery code but
one letter."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base import forms as library
from django import forms


class ForgetfulInput(forms.TextInput):
    def format_value(self, value: Any) -> None:
        return None


class _Forgetful(forms.Form):
    def __init__(self, *names: Any, **words: Any) -> None:
        super().__init__(*names, **words)
        asked = self.fields["code"]
        asked.widget = ForgetfulInput(asked.widget.attrs)


class AuthenticateForm(_Forgetful, library.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(_Forgetful, library.ReauthenticateForm):  # type: ignore[misc]
    pass
