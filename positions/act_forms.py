"""The forms of what a person does. Each carries its own number: what arrives twice is done once."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms

MOST_DIGITS = {"max_digits": 20, "decimal_places": 8, "min_value": Decimal(0)}
LONGEST_NOTE = 2000
SHARES = [("25", "25 %"), ("50", "50 %"), ("75", "75 %"), ("", "another quantity")]


class KeyedForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": "the form has no number"})

    def __init__(self, *args: Any, word: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.word = word
        self.new_key = uuid.uuid4()


class WordForm(KeyedForm):
    """What cannot be called back is typed."""

    word_typed = forms.CharField(required=False)

    def clean_word_typed(self) -> str:
        typed = str(self.cleaned_data["word_typed"]).strip()
        if typed.upper() != self.word.upper():
            raise forms.ValidationError(f"Type {self.word} to confirm.")
        return typed


class HandOverForm(WordForm):
    bare = forms.BooleanField(required=False)


class TakeBackForm(KeyedForm):
    leave = forms.BooleanField(required=False)


class CloseForm(WordForm):
    """Its field has the name that scripts of owners know."""

    word_typed = forms.CharField(required=False)

    def add_prefix(self, field_name: str) -> str:
        return "symbol" if field_name == "word_typed" else field_name


class CloseAllForm(WordForm):
    reason = forms.CharField(
        max_length=1000, error_messages={"required": "Say why: it is shown wherever this is seen."}
    )


class PartForm(KeyedForm):
    share = forms.ChoiceField(choices=SHARES, required=False)
    quantity = forms.DecimalField(required=False, **MOST_DIGITS)  # type: ignore[arg-type]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors and bool(given.get("share")) == bool(given.get("quantity")):
            raise forms.ValidationError("Choose a share, or give a quantity.")
        return given


class NoteForm(KeyedForm):
    text = forms.CharField(
        max_length=LONGEST_NOTE, error_messages={"required": "Write something: an empty note is not kept."}
    )


class PauseForm(KeyedForm):
    """Of a pause and of its end: neither can lose anything, so nothing has to be typed."""

    reason = forms.CharField(required=False, max_length=1000)


class StopForm(KeyedForm):
    stop = forms.DecimalField(**MOST_DIGITS)  # type: ignore[arg-type]
    seen = forms.DecimalField(required=False, **MOST_DIGITS)  # type: ignore[arg-type]
    loosen = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("loosen") and given.get("seen") is None:
            raise forms.ValidationError("The form does not say which stop is given up.")
        return given


class WishedStop(forms.Form):
    stop = forms.DecimalField(**MOST_DIGITS)  # type: ignore[arg-type]
