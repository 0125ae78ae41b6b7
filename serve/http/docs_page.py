"""The description of the API as one page of HTML: nothing is loaded for it, and no script runs.

It shows what `/openapi.json` says: each operation with its parameters, its body and its answers, and each
schema with its fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

Schema = Mapping[str, Any]

POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Content-Security-Policy of the page: a browser loads and runs nothing for it."""

_CODE: Final = re.compile("`([^`]+)`")
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 64rem; padding: 1rem 2rem; }
body { background: #fff; color: #1b1f24; }
h1 small { color: #57606a; font-weight: normal; }
h2 { border-bottom: 1px solid #d0d7de; margin-top: 2.5rem; }
h3 { margin: 1.8rem 0 .2rem; }
h3 b { background: #eef2f6; border-radius: 4px; padding: .1rem .4rem; }
code, h3 { font-family: ui-monospace, monospace; }
table { border-collapse: collapse; margin: .4rem 0 .8rem; width: 100%; }
th, td { border: 1px solid #d0d7de; padding: .25rem .5rem; text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { background: #0d1117; color: #e6edf3; } a { color: #6cb6ff; } h3 b { background: #21262d; }
}
"""


def write_page(described: Schema, *, errors: Mapping[str, str]) -> str:
    """Return the page of a complete description (OpenAPI 3.1), every text of it escaped.

    Args:
        described: what is shown.
        errors: status -> meaning, of those that every operation may end with; they are told once.
    """
    info = described["info"]
    title = f"{escape(info['title'])} <small>{escape(info['version'])}</small>"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(info['title'])}: API</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>",
            '<p>Also as <a href="openapi.json">OpenAPI</a>. Requests show a key or token as '
            "<code>Authorization: Bearer …</code>.</p>",
            "<h2>Errors of every request</h2>",
            *_write_table(("status", "meaning"), [(escape(k), _write_text(v)) for k, v in errors.items()]),
            *_write_operations(described["paths"], errors),
            "<h2>Schemas</h2>",
            *(
                _write_schema(name, schema)
                for name, schema in sorted(described["components"]["schemas"].items())
            ),
            "</body>\n</html>\n",
        ]
    )


def _write_operations(paths: Schema, errors: Mapping[str, str]) -> Iterator[str]:
    """Yield the operations, those of a tag together, in the order in which tags first appear."""
    tagged: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                tag = next(iter(operation.get("tags", [])), "other")
                tagged.setdefault(tag, []).append(_write_operation(method, path, operation, errors))
    for tag, written in tagged.items():
        yield f"<h2>{escape(tag)}</h2>"
        yield from written


def _write_operation(method: str, path: str, operation: Schema, errors: Mapping[str, str]) -> str:
    parts = [
        f"<h3><b>{method.upper()}</b> {escape(path)}</h3>",
        f"<p>{_write_text(operation.get('summary', ''))}</p>",
    ]
    parameters = [
        (escape(item["name"]), escape(item["in"]), _tell_need(item), _show_type(item["schema"]), _tell(item))
        for item in operation.get("parameters", [])
    ]
    parts += _write_table(("parameter", "in", "", "type", "meaning"), parameters)
    body = operation.get("requestBody", {}).get("content", {})
    parts += [f"<p>Body: {_show_contents(body)}</p>"] if body else []
    answers = [
        (escape(status), _show_contents(answer.get("content", {})), _write_text(answer["description"]))
        for status, answer in operation["responses"].items()
        if status == "default" or errors.get(status) != answer["description"]
    ]
    return "\n".join([*parts, *_write_table(("status", "answer", "meaning"), answers)])


def _write_schema(name: str, schema: Schema) -> str:
    required = schema.get("required", [])
    fields = [
        (
            escape(field),
            "required" if field in required else "",
            _show_type(described),
            f"<code>{escape(str(described['default']))}</code>"
            if described.get("default") is not None
            else "",
            _write_text(described.get("description", "")),
        )
        for field, described in schema.get("properties", {}).items()
    ]
    told = f"<p>{_write_text(schema.get('description', ''))}</p>" if "description" in schema else ""
    of = "" if fields else f"<p>{_show_type(schema)}</p>"
    table = _write_table(("field", "", "type", "default", "meaning"), fields)
    return "\n".join([f'<h3 id="{escape(name)}">{escape(name)}</h3>', told, of, *table])


def _write_text(text: str) -> str:
    """Return a text as HTML: what stands between backquotes is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _write_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table of cells that are HTML; nothing where there is no row."""
    written = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows]
    if written:
        yield f"<table>\n<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
        yield from written
        yield "</table>"


def _tell_need(parameter: Schema) -> str:
    return "required" if parameter.get("required") else ""


def _tell(parameter: Schema) -> str:
    return _write_text(parameter.get("description", parameter["schema"].get("description", "")))


def _show_contents(contents: Schema) -> str:
    return ", ".join(
        f"{_show_type(content.get('schema', {}))} as <code>{escape(kind)}</code>"
        for kind, content in contents.items()
    )


def _show_type(schema: Schema) -> str:
    """Return what a value is, as HTML, with links to the schemas that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for together in ("anyOf", "oneOf", "allOf"):
        if together in schema:
            return " or ".join(map(_show_type, schema[together]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_show_type(schema.get('items', {}))}"
    return escape(kind if isinstance(kind, str) else " or ".join(kind))
