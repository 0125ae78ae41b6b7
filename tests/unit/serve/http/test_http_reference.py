"""The HTTP reference names every route, and its sample responses are as the description has them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

PAGE = (Path(__file__).parents[4] / "docs" / "http_reference.md").read_text(encoding="utf-8")
METHODS = {"get", "put", "post", "delete", "patch"}
SAMPLE = re.compile(r"^### `([A-Z]+ \S+)`\n(?:(?!##).*\n)*?```json response\n((?:(?!```).*\n)*)```", re.M)
SAMPLES = dict(SAMPLE.findall(PAGE))


def list_routes(described):
    return {
        f"{method.upper()} {path}"
        for path, operations in described["paths"].items()
        for method in operations
        if method in METHODS
    }


def check(sample, schema, described):
    """Hold a value against a schema whose references lead into the description."""
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(sample)


def find_schema(described, route):
    method, path = route.split()
    answer = described["paths"][path][method.lower()]["responses"]["200"]
    return answer["content"]["application/json"]["schema"]


def test_every_route_stands_on_the_page_and_no_other_does(described):
    table = PAGE.split("## Routes")[1].split("\n## ")[0]
    assert set(re.findall(r"`([A-Z]+ /\S*)`", table)) == list_routes(described)


def test_the_samples_of_the_page_are_as_described(described):
    assert len(SAMPLES) > 8
    for route, text in SAMPLES.items():
        check(json.loads(text), find_schema(described, route), described)


def test_the_sample_of_a_problem_is_as_described(described):
    problem = json.loads(re.search(r"```json problem\n(.*?)```", PAGE, re.S)[1])
    check(problem, {"$ref": "#/components/schemas/ProblemAnswer"}, described)


def test_a_sample_that_lacks_a_field_is_found(described):
    route = "POST /collections/{name}/facets"
    with pytest.raises(jsonschema.ValidationError):
        check({"values": []}, find_schema(described, route), described)
