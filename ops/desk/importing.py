"""Rows out to a file and in from one, with a look at every change before it is made. django-import-export does the
work; it is imported where it is used, for workers have no files to read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods, require_safe

from ops.desk.admin_base import DeskAdmin, person
from ops.desk.services import importing

FORMATS = [("csv", "CSV"), ("json", "JSON")]
TYPES = {"csv": "text/csv", "json": "application/json"}
LARGEST = 1_000_000  # bytes
CONFIRM_WITHIN = 3600  # seconds


class FileForm(forms.Form):
    file = forms.FileField()
    written_as = forms.ChoiceField(label="Format", choices=FORMATS)

    def clean_file(self) -> str:
        given = self.cleaned_data["file"]
        if given.size > LARGEST:
            raise forms.ValidationError(f"A file of at most {LARGEST // 1000} kB.")
        try:
            return str(given.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not UTF-8 text.") from None


class Exports(DeskAdmin):
    """`resource` is the dotted name of an import_export resource."""

    resource: str
    change_list_template = "admin/desk/change_list.html"

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.export_view)
        return [path("export/<slug:written_as>/", page, name=f"{self._name}_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        files = [(name, reverse(f"admin:{self._name}_export", args=[kind])) for kind, name in FORMATS]
        filtered = f"?{request.GET.urlencode()}" if request.GET else ""
        context = {"exports": [(name, f"{url}{filtered}") for name, url in files]} | self.more_tools(request)
        return super().changelist_view(request, context | (extra_context or {}))

    def more_tools(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def exported(self, request: HttpRequest) -> Any:
        """What the list shows, with its filters."""
        return self.get_changelist_instance(request).get_queryset(request)

    @method_decorator(require_safe)
    def export_view(self, request: HttpRequest, written_as: str) -> HttpResponse:
        if not self.has_view_permission(request) or written_as not in TYPES:
            raise PermissionDenied
        rows = import_string(self.resource)().export(self.exported(request))
        answer = HttpResponse(importing.written(rows, written_as), content_type=TYPES[written_as])
        name = f"{self.opts.verbose_name_plural}.{written_as}".replace(" ", "-")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


class ImportsAndExports(Exports):
    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.import_view)
        return [path("import/", page, name=f"{self._name}_import"), *super().get_urls()]

    def may_import(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def more_tools(self, request: HttpRequest) -> dict[str, Any]:
        url = reverse(f"admin:{self._name}_import")
        return {"import_url": url if self.may_import(request) else ""}

    @method_decorator(require_http_methods(["GET", "POST"]))
    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.may_import(request):
            raise PermissionDenied
        if "confirmed" in request.POST:
            return self._imported(request)
        form = FileForm(request.POST or None, request.FILES or None)
        seen = None
        if form.is_valid():
            text, kind = form.cleaned_data["file"], form.cleaned_data["written_as"]
            seen = importing.looked_at(import_string(self.resource)(), text, kind)
        return self._import_page(request, form, seen)

    def _import_page(self, request: HttpRequest, form: FileForm, seen: importing.Seen | None) -> HttpResponse:
        page = self.admin_site.each_context(request) | {
            "title": f"Import {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "seen": seen,
            "columns": importing.columns(import_string(self.resource)()),
            "kept": self._sealed(request, form.cleaned_data) if seen and seen.is_good else "",
        }
        status = 422 if form.errors or (seen and not seen.is_good) else 200
        return TemplateResponse(request, "admin/desk/import.html", page, status=status)

    def _sealed(self, request: HttpRequest, given: dict[str, Any]) -> str:
        """What was looked at is what is imported: it goes through the page and cannot be changed there."""
        return signing.dumps([given["file"], given["written_as"]], salt=self._salt(request), compress=True)

    def _salt(self, request: HttpRequest) -> str:
        return f"import {self._name} {request.user.pk}"

    def _imported(self, request: HttpRequest) -> HttpResponse:
        try:
            text, kind = signing.loads(
                request.POST["confirmed"], salt=self._salt(request), max_age=CONFIRM_WITHIN
            )
        except signing.BadSignature:
            self.message_user(request, "Nothing was imported: look at the file again.", "error")
            return redirect(f"admin:{self._name}_import")
        done = importing.imported(import_string(self.resource)(), text, kind, by=person(request))
        self.message_user(request, done.sentence, "success" if done.is_good else "error")
        return redirect(f"admin:{self._name}_changelist")
