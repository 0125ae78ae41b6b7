"""What is wrong with a body is few sentences, however much of it there is."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import serve.http.app  # noqa: F401 - the models of all bodies are imported with it
from serve.http.body_models import Body

MANY = 20_000
MOST_FAULTS = 2_500
"""Twice a thousand, and a few more: a list of a thousand documents to score, each a text or an object."""

ODD = ([{}] * MANY, [None] * MANY, [1] * MANY, {f"k{number}": None for number in range(MANY)})


def list_bodies(kind=Body):
    for inner in kind.__subclasses__():
        yield inner
        yield from list_bodies(inner)


def count_faults(body, fields):
    try:
        body.model_validate(fields)
    except ValidationError as error:
        return error.error_count()
    return 0


@pytest.mark.parametrize("body", sorted(set(list_bodies()), key=lambda body: body.__name__))
def test_a_field_of_many_items_has_few_faults(body):
    names = {name: field.alias or name for name, field in body.model_fields.items()}
    faults = {
        (name, place): count_faults(body, {alias: odd})
        for name, alias in names.items()
        for place, odd in enumerate(ODD)
    }
    assert max(faults.values(), default=0) <= MOST_FAULTS, faults
