"""The base classes of every page of the admin."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from ops.desk.numbers import ReadableNumbers
from ops.desk.seen_rows import SEEN, SeenRow
from ops.trail.history import history_of, is_recorded
from tradingbot.freshness import ask_again, is_fresh

PAGES_END = (
    10_000  # rows; beyond them dates and filters lead further, a count of millions would be waited for
)


def person(request: HttpRequest) -> User:
    """Who is signed in, as nobody else reaches the admin."""
    return cast(User, request.user)


class PatientPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody turns pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:PAGES_END].count())


class DeskAdmin(ReadableNumbers, admin.ModelAdmin):  # type: ignore[type-arg]
    """Numbers as people read them, nothing deleted in bulk."""

    list_per_page = 50
    show_full_result_count = False
    may_delete_many = False

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return [one if one in self.list_editable else self.readable([one])[0] for one in columns]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def get_changelist_formset(self, request: HttpRequest, **options: Any) -> Any:
        """What is edited in a list has the head of its column as its only name; it is said to everybody."""
        formset: Any = super().get_changelist_formset(request, **options)
        for field in formset.form.base_fields.values():
            _name(field)
        return formset

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if self._may_be_seen_changed(request, obj):
            form: Any = options.get("form", self.form)
            unwritten = set(self.get_readonly_fields(request, obj)) & set(form.declared_fields)
            options["form"] = type(form.__name__, (SeenRow, form), dict.fromkeys(unwritten))
        return super().get_form(request, obj, change, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found: Any = list(super().get_fieldsets(request, obj))
        if found and SEEN not in flatten_fieldsets(found) and self._may_be_seen_changed(request, obj):
            (title, first), *others = found
            found = [(title, {**first, "fields": (*first["fields"], SEEN)}), *others]
        return found

    def _may_be_seen_changed(self, request: HttpRequest, obj: Any) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        found = super().get_actions(request)
        if not self.may_delete_many:
            found.pop("delete_selected", None)
        return found

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """From the sealed trail, which also sees what no page did."""
        record = self.get_object(request, object_id)
        if record is None or not is_recorded(self.model):
            return super().history_view(request, object_id, extra_context)
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        page = self.admin_site.each_context(request) | {
            "title": f"History of {record}",
            "opts": self.opts,
            "original": record,
            "events": history_of(record, {self.opts.db_table: [str(record.pk)]} | self.rows_with(record)),
        }
        return TemplateResponse(request, "admin/desk/history.html", page)

    def rows_with(self, record: Any) -> dict[str, list[str]]:
        """Table -> rows whose story is part of this record's."""
        return {}


def _name(field: forms.Field) -> None:
    inner: Any = getattr(field.widget, "widget", field.widget)  # Django wraps those of foreign keys
    inner.attrs.setdefault("aria-label", str(field.label))


class AskedAfresh(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages of what opens doors: to be changed by whoever said a moment ago who they are. It is asked before the form
    is shown, so that nothing is typed in vain."""

    def changeform_view(self, request: HttpRequest, *names: Any, **words: Any) -> HttpResponse:
        if self._is_stale(request):
            return ask_again(request)
        answer: HttpResponse = super().changeform_view(request, *names, **words)
        return answer

    def delete_view(self, request: HttpRequest, *names: Any, **words: Any) -> HttpResponse:
        if self._is_stale(request):
            return ask_again(request)
        answer: HttpResponse = super().delete_view(request, *names, **words)
        return answer

    def response_action(self, request: HttpRequest, *names: Any, **words: Any) -> HttpResponse | None:
        if request.POST.get("action") in self.actions_asked_afresh and self._is_stale(request):
            return ask_again(request)
        return super().response_action(request, *names, **words)

    actions_asked_afresh: tuple[str, ...] = ()

    def _is_stale(self, request: HttpRequest) -> bool:
        """Who may only look changes nothing, and is asked nothing."""
        may_write = self.has_change_permission(request) or self.has_add_permission(request)
        return may_write and not is_fresh(request)


class ReadOnlyAdmin(DeskAdmin):
    """To look at, not to touch: these rows are written by services alone."""

    paginator = PatientPaginator

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return [(title, {**options, "fields": self.readable(options["fields"])}) for title, options in shown]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeleteBox(forms.CheckboxInput):
    def __init__(self) -> None:
        super().__init__({"aria-label": "Delete this row"})


class NamedInline(admin.TabularInline):  # type: ignore[type-arg]
    """Each field says its name to who does not see the head of its column."""

    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None:
            _name(field)
        return field

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        formset = super().get_formset(request, obj, **options)
        formset.deletion_widget = DeleteBox
        return formset


class ReadOnlyInline(ReadableNumbers, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readable(self.fields or [field.name for field in self.opts.fields])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
