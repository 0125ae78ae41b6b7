"""Heads as a file to be kept elsewhere: what lies in the log by then cannot be rewritten unseen any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from eagleray.contracts.times import format_micros
from eagleray.digests import digest_json
from eagleray.errors import InputError
from serve.audit.layout import Head, dump_head, load_head


def export_heads(collection: str, heads: Sequence[Head], *, now: int) -> dict[str, Any]:
    """Return the JSON value of a collection's heads, with a digest over all of it.

    Args:
        collection: whose log it is.
        heads: of every chain.
        now: microseconds.
    """
    content = {
        "collection": collection,
        "taken_at": format_micros(now),
        "heads": [dump_head(head) for head in heads],
    }
    return {**content, "digest": digest_json(content)}


def read_export(text: str, *, collection: str) -> list[Head]:
    """Return the heads of an export.

    Raises:
        InputError: it is none, was changed, or is of another collection.
    """
    try:
        content = json.loads(text)
        digest = content.pop("digest")
        heads = [load_head(value) for value in content["heads"]]
        found = content["collection"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(detail=f"expected what `eagleray audit head` writes: {error}") from error
    if digest != digest_json(content):
        raise InputError(detail="the heads given were changed: they do not have their digest")
    if found != collection:
        raise InputError(detail=f"the heads given are of collection {found!r}, not {collection!r}")
    return heads
