"""The API under /api/v1/. Imported by the URLconf alone: no worker needs it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema

from tradingbot.api import acting, forecasting, problems, reporting  # noqa: F401  (add theirs to the one router)
from tradingbot.people import may_look

DESCRIPTION = """What the pages show and do, for programs. Make a token at /settings/tokens/ and send it as
`Authorization: Bearer tb_...`. Amounts are texts, times ISO 8601 in UTC. Every POST carries an `Idempotency-Key`."""


class Docs(Swagger):
    """Our own page around the files that come with the library: nothing inline, nothing from elsewhere."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **names: Any) -> HttpResponse:
        settings = self.settings | {"url": self.get_openapi_url(api, names)}
        return render(request, "api/docs.html", {"settings": settings, "title": api.title})


class Api(NinjaAPI):
    def get_openapi_schema(self, **words: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**words)
        problems.declared_on(schema)
        return schema


api = Api(  # type: ignore[misc]  # a decorator of views is what it asks for, said more widely
    title="Trading bot", version="1", description=DESCRIPTION, docs=Docs(), docs_decorator=may_look,
    urls_namespace="api",
)  # fmt: skip
problems.handle_on(api)
api.add_router("", acting.router)

patterns, app_name, namespace = api.urls
urls = problems.with_problems(patterns), app_name, namespace
