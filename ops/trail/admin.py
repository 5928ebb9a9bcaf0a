"""The story of a record as a page of the admin."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from ops.trail.queries import story_of
from ops.trail.story import lines


class ExplainedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Mixed into a model's admin; kind and key are what `manage.py explain` is given."""

    explained_as: str
    explained_by = "{pk}"
    change_form_template = "admin/explained_change_form.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_explain"
        page = self.admin_site.admin_view(self.explain_view)
        return [path("<path:object_id>/explain/", page, name=name), *super().get_urls()]

    @method_decorator(require_safe)
    def explain_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        record = self.get_object(request, object_id)
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        if record is None:
            raise Http404("There is no such record.")
        story = story_of(self.explained_as, self.explained_by.format(pk=record.pk))
        page = self.admin_site.each_context(request) | {
            "title": story.title,
            "lines": list(lines(story.sentences)),
            "opts": self.opts,
            "original": record,
        }
        return TemplateResponse(request, "admin/explain.html", page)
