"""How much of OpenAI's specification does the published description have, on the paths that are served?

A fact is an operation, a parameter, a property of a request or an answer, one of its types, one of the
values it may have, or whether it must be given. The score is the share of OpenAI's facts that are published,
too. What is published beyond them (another field, a null) counts neither for nor against. The specification
is not part of this project: its path is an option, as JSON or YAML.

Source: github.com/openai/openai-openapi, `openapi.yaml`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from fastapi import FastAPI

from serve.composition.features import FEATURES
from serve.http.openapi import complete

_METHODS: Final = ("get", "put", "post", "delete", "patch")
_PREFIX: Final = "/v1"
_MOST_TOLD: Final = 60

Schema = dict[str, Any]
Fact = tuple[str, ...]


class Description:
    """An OpenAPI document, its references followed."""

    def __init__(self, document: Schema, *, prefix: str = "") -> None:
        self._document, self._prefix = document, prefix

    def list_operations(self) -> dict[tuple[str, str], Schema]:
        """Return path with unnamed parameters, and method -> operation."""
        return {
            (_unname(path.removeprefix(self._prefix)), method): {
                **operation,
                "parameters": [*operations.get("parameters", ()), *operation.get("parameters", ())],
            }
            for path, operations in self._document["paths"].items()
            if path.startswith(self._prefix)
            for method, operation in operations.items()
            if method in _METHODS
        }

    def list_facts(self, operation: Schema) -> set[Fact]:
        """Return what is said of an operation."""
        facts: set[Fact] = {("operation",)}
        for given in operation["parameters"]:
            parameter, _ = self._follow(given)
            at = f"{parameter['in']}:{parameter['name']}"
            facts |= {("parameter", at), ("required", at, str(bool(parameter.get("required"))))}
            facts |= set(self._walk(parameter.get("schema", {}), at, is_request=True, seen=()))
        body = operation.get("requestBody")
        if body is not None:
            held, _ = self._follow(body)
            facts |= set(self._walk(_find_schema(held), "request", is_request=True, seen=()))
        answer, _ = self._follow(operation["responses"]["200"])
        facts |= {("media", kind) for kind in answer.get("content", {})}
        facts |= set(self._walk(_find_schema(answer), "answer", is_request=False, seen=()))
        return facts

    def _walk(self, given: Schema, at: str, *, is_request: bool, seen: tuple[str, ...]) -> Iterator[Fact]:
        schema, name = self._follow(given)
        if name in seen or "$recursiveRef" in schema:
            return
        seen = (*seen, name) if name else seen
        for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            yield from self._walk(part, at, is_request=is_request, seen=seen)
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            yield from (("type", at, kind) for kind in types)
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        yield from (("value", at, str(value)) for value in values)
        for key, part in schema.get("properties", {}).items():
            below, is_required = f"{at}.{key}", key in schema.get("required", ())
            yield ("property", below)
            if is_request or is_required:
                yield ("required", below, str(is_required))
            yield from self._walk(part, below, is_request=is_request, seen=seen)
        for key, sign in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(schema.get(key), dict):
                yield from self._walk(schema[key], at + sign, is_request=is_request, seen=seen)

    def _follow(self, schema: Schema) -> tuple[Schema, str]:
        """Return what a schema refers to, and its name; itself where it refers to nothing."""
        name = ""
        while "$ref" in schema:
            name = schema["$ref"]
            found: Any = self._document
            for part in name.removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema, name


def describe_routes() -> Schema:
    """Return the description that a server gives of itself."""
    app = FastAPI(title="eagleray")
    for router in (router for feature in FEATURES for router in feature.routers):
        app.include_router(router)
    return complete(app.openapi())


def score(theirs: Description, ours: Description) -> dict[str, Any]:
    """Return the shares of OpenAI's facts that are published: of all, of each kind of object, and by path."""
    published, wanted = ours.list_operations(), theirs.list_operations()
    served = {path for path, _ in published}
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missing = []
    for (path, method), operation in sorted(wanted.items()):
        if path not in served:
            continue
        facts = theirs.list_facts(operation)
        own = published.get((path, method))
        held = facts & ours.list_facts(own) if own is not None else set()
        for name in ("all", path.split("/")[1], f"{method.upper()} {path}"):
            counts[name][0] += len(held)
            counts[name][1] += len(facts)
        missing += [f"{method.upper()} {path} {' '.join(fact)}" for fact in sorted(facts - held)]
    shares = {name: round(100.0 * held / of, 1) for name, (held, of) in counts.items()}
    return {"score": shares.pop("all"), "facts": counts["all"][1], "shares": shares, "missing": missing}


def _find_schema(held: Schema) -> Schema:
    """Return the schema of a body, whatever its media type."""
    for content in held.get("content", {}).values():
        schema: Schema = content.get("schema", {})
        return schema
    return {}


def _unname(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


async def _fetch(url: str) -> Schema:
    import httpx

    async with httpx.AsyncClient() as http:
        described: Schema = (await http.get(f"{url}/openapi.json")).json()
        return described


def main() -> None:
    """Print the score as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specification", type=Path, required=True, help="OpenAI's openapi.yaml or .json")
    parser.add_argument("--url", default="", help="of a server; the routes of this program by default")
    options = parser.parse_args()
    text = options.specification.read_text(encoding="utf-8")
    specification = json.loads(text) if options.specification.suffix == ".json" else yaml.safe_load(text)
    published = asyncio.run(_fetch(options.url)) if options.url else describe_routes()
    found = score(Description(specification), Description(published, prefix=_PREFIX))
    found["missing"] = found["missing"][:_MOST_TOLD]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
