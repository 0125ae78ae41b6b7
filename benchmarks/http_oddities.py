"""Odd requests, made of the description that a server gives of itself.

Each is a request of one of its operations with one thing about it odd: the value of one field, the body as a
whole, the type it claims to have, a parameter of the path or the query, a header, or the form of an upload.
The values are those that readers of JSON, URLs and forms disagree about, or that are more than they expect.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

Schema = Mapping[str, Any]

ODD_VALUES: Final[tuple[bytes, ...]] = (
    b"null",
    b"{}",
    b"[]",
    b'""',
    b"true",
    b"-0",
    b"-0.0",
    b"0.1e-400",
    b"1e308",
    b"1e400",
    b"-1e400",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9007199254740993",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"1" * 400,
    b"1" * 5_000,
    b'"' + b"1" * 5_000 + b'"',
    b'"\\ud800"',
    b'"a\\udc00b"',
    b'{"\\ud83d": "\\ude00"}',
    b'"\xed\xa0\x80"',
    b'"\xff\xfe"',
    b'"\\u0000"',
    b'"a\\u0000b\\u001b[31m\\r\\n\\u0085\\u2028\\u202e"',
    b'"\x01"',
    b'"' + "\U0001f468\u200d".encode() * 50 + b'"',
    b'"' + b"x" * 70_000 + b'"',
    b'"../../etc/passwd"',
    b'"0001-01-01T00:00:00+14:00"',
    b'"9999-12-31T23:59:59-14:00"',
    b"[" * 100_000,
    b"[" * 150 + b"]" * 150,
    b'{"a":' * 100_000,
    b'{"not":' * 190 + b"{}" + b"}" * 190,
    b"[" + b"null," * 20_000 + b"null]",
    b"[" + b"[]," * 20_000 + b"[]]",
    b"[[[1]]]",
    b'[1, "a", null, {}]',
    b'[""]',
    b'["\\ud800"]',
    b'{"a": 1, "a": 2}',
    b'"' + base64.urlsafe_b64encode(b'{"snapshot": "a", "skip": 1e400, "question": "b"}') + b'"',
    b'{"": null}',
    b'{"a": {"$gt": 1e400}}',
    b'{"type": "eq", "key": "a", "value": 18446744073709551616}',
    b'{"type": "and", "filters": []}',
    b'{"kind": {"in": [1e400, 9007199254740993, true]}}',
)
"""JSON, or nearly, in the place of a field's value."""

ODD_PARAMETERS: Final[tuple[str, ...]] = (
    "",
    "%00",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%ff%fe",
    "%ed%a0%80",
    "%F0%9F%92%A9",
    "%0a%0d%1b",
    "a%2fb",
    "a%5cb",
    "%25%32%65",
    "%",
    "%zz",
    "*",
    ";x=1",
    "-0",
    "1e400",
    "NaN",
    "99999999999999999999999999",
    "-1",
    "true",
    "null",
    "x" * 9_000,
    "1" * 5_000,
    "0001-01-01T00:00:00%2B14:00",
    "%E2%80%AE",
)
"""In the place of a parameter, as URLs write it."""

ODD_TYPES: Final[tuple[bytes | None, ...]] = (
    None,
    b"",
    b"text/plain",
    b"application/x-www-form-urlencoded",
    b"application/json; charset=utf-16",
    b"application/json; charset=\xff",
    b"application/json; charset",
    b"APPLICATION/JSON;charset=UTF-8",
    b"application/vnd.api+json",
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b"multipart/form-data; boundary=" + b"b" * 500,
    b"multipart/mixed; boundary=b",
    b"/",
    b"x" * 2_000,
)
"""Types that a body claims to have; `None` claims nothing."""

ODD_CREDENTIALS: Final[tuple[tuple[bytes, ...], ...]] = (
    (b"Bearer \xff\xfe",),
    (b"Bearer " + "schlüssel".encode(),),
    (b"Bearer " + "key".encode("utf-16"),),
    (b"Bearer a b",),
    (b"Bearer er_0", b"Bearer er_1"),
    (b"Basic dXNlcjpwYXNz",),
    (b"Bearer er_" + b"0" * 16 + b"_" + b"0" * 72,),
    (b"Bearer " + b"x" * 40_000,),
    (b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",),
    (b"Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IlxudWxsIn0.e30.AAAA",),
    (b"Bearer ..",),
    (b"Bearer [" + b"[" * 5_000,),
)
"""Values of `authorization` that let nobody in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedOperation:
    """One operation of a described API.

    Attributes:
        method: in capitals.
        path: its template.
        parameters: OpenAPI's objects.
        body: the schema of a JSON body with all references resolved at the top; `None` where there is none.
        example: of that body.
        is_form: whether it takes a form instead.
        is_open: whether it asks nobody who they are.
    """

    method: str
    path: str
    parameters: Sequence[Schema]
    body: Schema | None
    example: Any
    is_form: bool
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OddRequest:
    """A request as bytes.

    Attributes:
        operation: that it is of.
        oddity: what is odd about it, in words.
        target: path and query as sent.
        headers: but those of the caller.
        body: whole.
        is_refused: whether it must be, whoever sends it.
    """

    operation: DescribedOperation
    oddity: str
    target: str
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    is_refused: bool = field(default=False)


def list_operations(description: Schema) -> list[DescribedOperation]:
    """Return the operations of an OpenAPI description."""
    found = []
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            if method not in ("get", "put", "post", "delete", "patch"):
                continue
            content = told.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema")
            resolved = None if body is None else resolve(description, body)
            found.append(
                DescribedOperation(
                    method=method.upper(),
                    path=path,
                    parameters=told.get("parameters", ()),
                    body=resolved,
                    example=(resolved or {}).get("examples", [{}])[0],
                    is_form="multipart/form-data" in content,
                    is_open="security" not in told,
                )
            )
    return found


def resolve(description: Schema, schema: Schema) -> Schema:
    """Return a schema, or the one it refers to."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = description
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return resolve(description, found)


class OddRequests:
    """Draws odd requests of one API."""

    def __init__(self, description: Schema, known: Mapping[str, Sequence[str]], drawn: random.Random) -> None:
        """Take the parts.

        Args:
            description: OpenAPI's.
            known: name of a parameter -> values that lead somewhere.
            drawn: draws.
        """
        self._description, self._known, self._drawn = description, known, drawn
        self.operations = list_operations(description)

    def draw(self) -> OddRequest:
        """Return one; every operation and every kind of oddity comes as often."""
        operation = self._drawn.choice(self.operations)
        kinds = [self._odd_credential]
        if operation.parameters:
            kinds += [self._odd_parameter] * 2
        if operation.body is not None:
            kinds += [self._odd_field, self._odd_field, self._odd_field, self._odd_body]
        if operation.is_form:
            kinds += [self._odd_form] * 4
        return self._drawn.choice(kinds)(operation)

    def _odd_credential(self, operation: DescribedOperation) -> OddRequest:
        shown = self._drawn.choice(ODD_CREDENTIALS)
        asked = self._ask(operation, "credential")
        headers = tuple(("authorization", value) for value in shown)
        return replace(asked, headers=asked.headers + headers, is_refused=not operation.is_open)

    def _odd_parameter(self, operation: DescribedOperation) -> OddRequest:
        parameter = self._drawn.choice(operation.parameters)
        odd = self._drawn.choice(ODD_PARAMETERS)
        return self._ask(operation, f"{parameter['in']} {parameter['name']}", odd=(parameter["name"], odd))

    def _odd_field(self, operation: DescribedOperation) -> OddRequest:
        path, body = self._drawn.choice([*self._place_in(operation.body or {}, operation.example)])
        odd = self._drawn.choice(ODD_VALUES)
        hole = json.dumps(body).encode().replace(b'"\\u0007"', odd)
        return replace(self._ask(operation, f"field {path} {odd[:40]!r}"), body=hole)

    def _odd_body(self, operation: DescribedOperation) -> OddRequest:
        plain = json.dumps(operation.example).encode()
        text = plain.decode()
        kind = "application/json"
        odd = self._drawn.choice(
            [
                b"\xef\xbb\xbf" + plain,
                text.encode("utf-16"),
                text.encode("utf-16-le"),
                text.encode("utf-32"),
                gzip.compress(plain),
                plain[:-1],
                plain + b"x",
                plain[:-1] + b",}",
                b"/**/" + plain,
                b"\x00" * 100,
                b" " * 5_000,
                b"",
                *ODD_VALUES,
            ]
        )
        asked = self._ask(operation, f"body {odd[:40]!r}")
        if self._drawn.random() < 0.3:
            named = self._drawn.choice(ODD_TYPES)
            headers = () if named is None else (("content-type", named),)
            return replace(asked, oddity=f"type {named!r}", body=plain, headers=headers)
        encoded = (("content-encoding", b"gzip"),) if odd[:2] == b"\x1f\x8b" else ()
        return replace(asked, body=odd, headers=(("content-type", kind.encode()), *encoded))

    def _odd_form(self, operation: DescribedOperation) -> OddRequest:
        part = b'--b\r\ncontent-disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        purpose = part % (b"purpose", b"", b"assistants")
        name = self._drawn.choice(
            [
                b"",
                b"\x00",
                b"a\x1b[31m.txt",
                b"../../x.txt",
                b"x" * 5_000,
                b"\xed\xa0\x80.md",
                b"\xff.txt",
                b"a",
            ]
        )
        file = part % (b"file", b'; filename="%s"' % name, b"words")
        whole = self._drawn.choice(
            [
                purpose + file + b"--b--\r\n",
                purpose + file,
                purpose + b"--b--\r\n",
                file + b"--b--\r\n",
                file + file + purpose + purpose + b"--b--\r\n",
                (part % (b"x", b"", b"y")) * 3_000 + b"--b--\r\n",
                (part % (b"file", b'; filename="a.txt"', b"y")) * 1_500 + b"--b--\r\n",
                b"--b\r\n\r\nwords\r\n--b--\r\n",
                b"--b\r\ncontent-disposition: form-data\r\n\r\nwords\r\n--b--\r\n",
                b"--b\r\n" + b"x: y\r\n" * 5_000 + b"\r\n\r\n--b--\r\n",
                part % (b"purpose", b"", self._drawn.choice(ODD_VALUES)) + file + b"--b--\r\n",
                part % (b"file", b"", b"no file") + purpose + b"--b--\r\n",
                b"--b--\r\n",
                b"words",
                b"",
            ]
        )
        kind: bytes | None = b"multipart/form-data; boundary=b"
        if self._drawn.random() < 0.3:
            kind = self._drawn.choice(ODD_TYPES)
        headers = () if kind is None else (("content-type", kind),)
        return replace(self._ask(operation, f"form {whole[:60]!r}"), headers=headers, body=whole)

    def _ask(
        self, operation: DescribedOperation, oddity: str, *, odd: tuple[str, str] | None = None
    ) -> OddRequest:
        """Return a request with at most one odd parameter."""
        target, query, headers = operation.path, [], list[tuple[str, bytes]]()
        for parameter in operation.parameters:
            name, place = parameter["name"], parameter["in"]
            is_odd = odd is not None and odd[0] == name
            known = self._known.get(name)
            if not is_odd and not known and not parameter.get("required"):
                continue
            value = odd[1] if odd is not None and is_odd else quote(self._drawn.choice(known or ["a"]), "")
            if place == "path":
                target = target.replace("{" + name + "}", value)
            elif place == "query":
                query += [f"{quote(name)}={value}"] * (2 if is_odd and self._drawn.random() < 0.3 else 1)
            else:
                headers.append((name, value.encode()))
        if operation.body is not None:
            headers.append(("content-type", b"application/json"))
        body = b"" if operation.body is None else json.dumps(operation.example).encode()
        whole = target + ("?" + "&".join(query) if query else "")
        return OddRequest(operation=operation, oddity=oddity, target=whole, headers=tuple(headers), body=body)

    def _place_in(self, schema: Schema, example: Any) -> Iterator[tuple[str, Any]]:
        """Yield the path of each field with the example body whose value there is to be replaced."""
        schema = resolve(self._description, schema)
        for choice in schema.get("anyOf", ()):
            yield from self._place_in(choice, example)
        for name, told in schema.get("properties", {}).items():
            given = dict(example) if isinstance(example, dict) else {}
            yield name, {**given, name: "\a"}
            for path, inner in self._place_in(told, given.get(name)):
                yield f"{name}.{path}", {**given, name: inner}
        if isinstance(schema.get("items"), dict):
            first = example[0] if isinstance(example, list) and example else None
            yield "0", ["\a"]
            for path, inner in self._place_in(schema["items"], first):
                yield f"0.{path}", [inner]
        if isinstance(schema.get("additionalProperties"), dict):
            yield "a", {"a": "\a"}
