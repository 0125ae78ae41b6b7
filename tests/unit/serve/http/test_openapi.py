"""What the application says of itself."""

from __future__ import annotations

import asyncio

METHODS = {"get", "put", "post", "delete", "patch"}


def test_it_is_made_once_however_many_ask_at_once(serve_with, monkeypatch):
    made = []
    monkeypatch.setattr("serve.http.openapi.complete", lambda schema: made.append(schema) or schema)

    async def body(served):
        answers = await asyncio.gather(*(served.client.get("/openapi.json") for _ in range(5)))
        assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
        return {answer.content for answer in answers}

    assert len(serve_with(body)) == 1
    assert len(made) == 1


def list_operations(described):
    return {
        f"{method.upper()} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    }


def test_every_operation_says_how_it_may_end(described):
    for name, operation in list_operations(described).items():
        assert {"200", "401", "404", "429", "503", "default"} <= set(operation["responses"]), name
        assert operation["responses"]["429"]["headers"]["Retry-After"], name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            assert answer["headers"]["X-Request-Id"], (name, status)


def test_errors_have_the_shape_of_their_path(described):
    for name, operation in list_operations(described).items():
        content = operation["responses"]["404"]["content"]
        if " /v1/" in name:
            assert "OpenAIErrorAnswer" in str(content["application/json"]), name
        elif " /collections" in name:
            assert "ProblemAnswer" in str(content["application/problem+json"]), name


def test_every_answer_has_a_schema(described):
    for name, operation in list_operations(described).items():
        content, *_ = operation["responses"]["200"]["content"].values()
        assert content["schema"].get("$ref") or content["schema"].get("type"), name


def test_every_operation_that_takes_a_body_shows_an_example(described):
    schemas = described["components"]["schemas"]
    for name, operation in list_operations(described).items():
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            assert schema["examples"], name


def test_no_reference_leads_nowhere(described):
    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)

    found = {reference.rpartition("/")[2] for reference in walk(described)}
    assert found <= set(described["components"]["schemas"])
    assert "HTTPValidationError" not in found
