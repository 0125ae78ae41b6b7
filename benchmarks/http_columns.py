"""Columns that a caller may not know of: what an error must say, by the rows that this caller may read.

The error is the one of a collection that never had the other rows, to the byte.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.differential_world import Row
from benchmarks.http_callers import HttpCaller
from benchmarks.http_client import Answer
from benchmarks.http_searches import SearchAsked, draw_search
from benchmarks.http_verdicts import SOUND, Scene, Verdict
from benchmarks.http_world import State, is_readable, name_canary
from eagleray.contracts.documents import AttributeType
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.principals import Principal
from eagleray.digests import canonical_json
from eagleray.errors import FilterColumnError
from indexes.masks.json_filters import read_json_filter
from indexes.masks.known_columns import check_column, check_columns
from indexes.segments.attributes import find_attribute_types


def draw_column(scene: Scene, caller: HttpCaller, drawn: random.Random) -> tuple[SearchAsked, dict[str, Any]]:
    """Draw a search or a count by an attribute that one row alone has, mostly a hidden one; with its body."""
    asked = draw_search(replace(scene, asked=[]), caller, drawn)
    hidden = scene.world.find_hidden(caller.principal.groups, caller.principal.zones)
    rows = list(drawn.choice(list(scene.world.states.values())).rows.values())
    row = drawn.choice(hidden) if hidden and drawn.random() < 0.8 else drawn.choice(rows)
    column = f"{name_canary(row)}.own"
    if drawn.random() < 0.5:
        return replace(asked, request=replace(asked.request, filter=None)), {"column": column, "n": 5}
    written = {column: drawn.choice([1, "x", {"gte": 2}, None])}
    request = replace(asked.request, as_of=None, filter=read_json_filter(written))
    return replace(asked, request=request), {"query": asked.request.query, "filter": written}


def find_errors(
    states: Sequence[State],
    principal: Principal,
    filters: Sequence[FilterExpression | None],
    column: str = "",
) -> list[str]:
    """Return what each of some states must say of a filters and column; empty for nothing."""
    errors = []
    for state in states:
        readable = [row for row in state.rows.values() if is_readable(row, principal.groups, principal.zones)]
        errors.append(_find_error(readable, filters, column))
    return errors


def _find_error(readable: Sequence[Row], filters: Sequence[FilterExpression | None], column: str) -> str:
    types = find_attribute_types(canonical_json(row.attributes).decode() for row in readable)
    known: dict[str, tuple[AttributeType, ...]] = dict(types)
    try:
        if column:
            check_column(column, known, list_names=lambda: known)
        for expression in filters:
            if expression is not None:
                check_columns(expression, known, list_names=lambda: known)
    except FilterColumnError as error:
        return str(error)
    return ""


def judge_refusal(errors: Sequence[str], answer: Answer) -> Verdict:
    """Return what is wrong with an answer that a filter or a column was refused, or was not.

    Args:
        errors: what each state that may have answered must say.
        answer: what came.
    """
    if answer.status == 400:
        shown = answer.read()
        told = shown["error"]["message"] if "error" in shown else shown["detail"]
        return SOUND if told in errors else Verdict(leak=f"told {told!r}, expected one of {set(errors)}")
    return SOUND if "" in errors else Verdict(leak=f"answered what must be refused: {set(errors)}")
