"""What goes wrong, said the same way everywhere: problem details (RFC 9457), and what every operation may answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import BaseModel, Field

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
EVERYWHERE = {
    400: "The request could not be read",
    401: "No token, or one that does not work",
    403: "This token, or its person, may not do that",
    404: "There is no such thing",
    405: "Not with this method",
    409: "Understood, and refused as things are: nothing was done",
    422: "A value is missing or makes no sense",
    429: "Too many requests: wait as long as Retry-After says",
}


class Fault(BaseModel):
    where: str
    what: str


class Problem(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[Fault] = Field(default_factory=list, description="One for each value that was not right")


class Refusal(Exception):
    """Of the API itself, with headers that belong to it."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def problem(
    status: int, detail: str = "", errors: list[Fault] | None = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    text = json.dumps(said.model_dump(), cls=DjangoJSONEncoder)
    return HttpResponse(text, status=status, content_type=MEDIA_TYPE, headers=headers or {})


def handle_on(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Refusal: lambda _, found: problem(found.status, found.detail, headers=found.headers),
        HttpError: lambda _, found: problem(found.status_code, str(found)),
        Http404: lambda _, found: problem(404, str(found)),
        AuthenticationError: lambda *_: stranger(),
        ValidationError: lambda _, found: problem(422, "", _faults(found)),
        Exception: _failure,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def stranger() -> HttpResponse:
    return problem(
        401, "Send Authorization: Bearer and a token that works.", headers={"WWW-Authenticate": "Bearer"}
    )


def _failure(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("the API failed on %s %s", request.method, request.path, exc_info=error)
    return problem(500, "This is our fault, and it is in the log.")


def _faults(found: ValidationError) -> list[Fault]:
    return [Fault(where=".".join(str(step) for step in one["loc"]), what=one["msg"]) for one in found.errors]


def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    return problem(404, "There is no such address; see /api/v1/docs.")


def with_problems(patterns: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """A method that an address does not know is answered like everything else."""
    for one in patterns:
        if isinstance(one, URLPattern):
            one.callback = _told(one.callback)
    return patterns


def _told(view: Any) -> Any:
    @wraps(view)
    def told(request: HttpRequest, *names: Any, **words: Any) -> HttpResponse:
        try:
            answer: HttpResponse = view(request, *names, **words)
        except Http404:  # of the library's own addresses
            return not_found(request)
        if answer.status_code != 405:
            return answer
        return problem(405, f"Not {request.method}.", headers={"Allow": answer["Allow"]})

    return told


def declared_on(schema: dict[str, Any]) -> None:
    """Said once here for all operations."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    told = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas |= told.pop("$defs") | {"Problem": told}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, description in EVERYWHERE.items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
