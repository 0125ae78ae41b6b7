"""Publishes the description of the API, with the errors that every route may end with, and the headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from eagleray.contracts.problems import MEDIA_TYPE
from serve.engine.threads import Work, run_in_thread
from serve.http.answer_models import OpenAIErrorAnswer, ProblemAnswer
from serve.http.docs_page import POLICY, write_page
from serve.http.errors.cohere_errors import is_cohere
from serve.http.errors.openai_errors import is_openai
from serve.http.errors.tei_errors import is_tei
from serve.http.rerank.rerank_answers import CohereErrorAnswer
from serve.http.tei.answers import TeiErrorAnswer

Schema = dict[str, Any]

_SHAPES: Final[tuple[tuple[Callable[[str], bool], type[BaseModel]], ...]] = (
    (is_openai, OpenAIErrorAnswer),
    (is_cohere, CohereErrorAnswer),
    (is_tei, TeiErrorAnswer),
    (lambda _: True, ProblemAnswer),
)
"""The shape of a path's errors is the first that fits."""

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
_REFERENCE: Final = "#/components/schemas/{model}"

_ERRORS: Final = {
    "400": "The question cannot be answered as it is asked; the detail says where and why.",
    "401": "It is not known who asks.",
    "403": "The caller has no role that allows this.",
    "404": "There is no such thing here that the caller may see.",
    "413": "The body is too long.",
    "429": "Too much at once: try again after `Retry-After` seconds.",
    "503": "The store or the audit log failed: try again.",
    "504": "There was no answer in time.",
    "default": "Any other error.",
}
_FRAMEWORKS_OWN: Final = "Validation Error"
_UNFIT: Final = "Fields are unknown or of another kind; `faults` lists them."


def publish_description(app: FastAPI, *, path: str, page: str) -> None:
    """Let an application show its description, made once, in a thread, and kept as bytes.

    Args:
        app: has all of its routes.
        path: where it is shown, to everybody.
        page: where it is shown as HTML.
    """
    made: list[tuple[bytes, bytes]] = []
    making = asyncio.Lock()

    def make() -> tuple[bytes, bytes]:
        described = complete(app.openapi())
        text = json.dumps(described, ensure_ascii=False, separators=(",", ":"))
        return text.encode(), write_page(described, errors=_ERRORS).encode()

    async def find() -> tuple[bytes, bytes]:
        async with making:
            if not made:
                made.append(await run_in_thread(Work.TEXTS, make))
        return made[0]

    async def show(_: Request) -> Response:
        return Response((await find())[0], media_type="application/json")

    async def show_page(_: Request) -> Response:
        headers = {"content-security-policy": POLICY, "x-content-type-options": "nosniff"}
        return Response((await find())[1], media_type="text/html; charset=utf-8", headers=headers)

    app.add_route(path, show, include_in_schema=False)
    app.add_route(page, show_page, include_in_schema=False)


def complete(schema: Schema) -> Schema:
    """Return a description with the errors of each operation, in its path's shape, and all headers."""
    _, made = models_json_schema([(model, "serialization") for _, model in _SHAPES], ref_template=_REFERENCE)
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(made["$defs"])
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete_operation(path, operation)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # FastAPI's own shape of errors, which no route has
    _list_constants(schema)
    return schema


def _list_constants(part: Any) -> None:
    """Show each value that is the only one as a list of one, too: many readers know no `const`."""
    if isinstance(part, dict):
        if isinstance(part.get("const"), str):
            part["enum"] = [part["const"]]
        for below in part.values():
            _list_constants(below)
    elif isinstance(part, list):
        for below in part:
            _list_constants(below)


def _complete_operation(path: str, operation: Schema) -> None:
    answers = operation["responses"]
    unfit = answers.pop("422", None)
    content = _find_content(path)
    for status in answers.keys() - {"200", "202"}:  # what is only taken has no body
        answers[status].setdefault("content", content)
    for status, told in _ERRORS.items():
        answers.setdefault(status, {"description": told, "content": content})
    if unfit is not None and not (is_openai(path) or is_cohere(path)):
        told = _UNFIT if unfit["description"] == _FRAMEWORKS_OWN else unfit["description"]
        answers["422"] = {"description": told, "content": content}
    for status, answer in answers.items():
        headers = answer.setdefault("headers", {})
        headers["X-Request-Id"] = {"description": "Name of the request.", "schema": {"type": "string"}}
        if status == "429":
            headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}


def _find_content(path: str) -> Schema:
    model = next(model for fits, model in _SHAPES if fits(path))
    kind = MEDIA_TYPE if model is ProblemAnswer else "application/json"
    return {kind: {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}
