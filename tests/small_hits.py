"""A hit with every field, some of them as a test wants them."""

from __future__ import annotations

from typing import Any

from eagleray.contracts.hits import Hit
from eagleray.contracts.times import OPEN_END, parse_instant


def make_hit(**fields: Any) -> Hit:
    """Return a hit; fields that are not given are those of a short note."""
    usual = {
        "chunk_id": 1,
        "doc_id": "a",
        "version": "v",
        "score": 1.0,
        "dense": None,
        "lexical": 2.0,
        "title": "t",
        "heading": "",
        "text": "words",
        "start": 0,
        "end": 5,
        "page": None,
        "source": "desk/notes.jsonl",
        "zone": "default",
        "groups": (),
        "event_time": None,
        "known_from": parse_instant("2022-02-01"),
        "known_to": OPEN_END,
    }
    return Hit(**{**usual, **fields})
