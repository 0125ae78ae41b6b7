from __future__ import annotations

from typing import Annotated, Literal

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from serve.http.errors.body_faults import list_faults


class Leaf(BaseModel):
    type: Literal["eq", "ne"]
    key: Annotated[str, Field(max_length=3)]


class Tree(BaseModel):
    type: Literal["and"]
    filters: list[Leaf]


class Sent(BaseModel):
    values: dict[str, Annotated[str, Field(max_length=2)] | bool | int] = {}
    filters: Annotated[Leaf | Tree, Field(discriminator="type")] | None = None
    query: str | list[str] = ""


def find(sent, model=Sent):
    try:
        TypeAdapter(model).validate_python(sent)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        return dict(list_faults(RequestValidationError(faults, body=sent), most=20))
    return {}


TYPES = "Input should be a valid string, a valid boolean or a valid integer"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"values": {"a": []}}, {"values.a": TYPES}),
        ({"values": {"bool": []}}, {"values.bool": TYPES}),
        ({"values": {"a": "long"}}, {"values.a": "String should have at most 2 characters"}),
        ({"query": 5}, {"query": "Input should be a valid string or a valid list"}),
        (
            {"query": ["a", 5]},
            {"query": "Input should be a valid string", "query.1": "Input should be a valid string"},
        ),
        ({"filters": {"type": "eq"}}, {"filters.key": "Field required"}),
        (
            {"filters": {"type": "and", "filters": [{"type": "eq", "key": "long"}]}},
            {"filters.filters.0.key": "String should have at most 3 characters"},
        ),
        (
            {"filters": {"type": "and", "filters": [{"key": "a", "type": "or"}]}},
            {"filters.filters.0.type": "Input should be 'eq' or 'ne'"},
        ),
        ([], {"body": "Input should be a valid dictionary or instance of Sent"}),
    ],
)
def test_a_place_is_one_of_what_was_sent_and_has_one_sentence(sent, expected):
    assert find(sent) == expected


def test_alternatives_are_not_named():
    (told,) = find({"filters": {"type": "like"}}).items()
    assert told[0] == "filters"
    assert "'like'" in told[1]
    assert "None" not in told[1]


def test_parameters_are_named_as_they_are():
    faults = [{"loc": ("query", "limit"), "msg": "Input should be a valid integer", "type": "int_parsing"}]
    assert list_faults(RequestValidationError(faults, body=None), most=20) == [
        ("limit", "Input should be a valid integer")
    ]
