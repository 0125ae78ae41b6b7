"""Sealed JSON: small objects that no manifest names, with a digest of their own inside.

Alias moves, the collection's spec and gate reports are not named by their content; a seal makes
every changed byte of them an error, and one object put in another's place too.
"""

from __future__ import annotations

import json
from typing import Any

from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError


def seal(entry: Any, *, name: str) -> bytes:
    """Return the bytes of a sealed object.

    Args:
        entry: any JSON value.
        name: the object's name below its collection; the seal holds for that name only.
    """
    return canonical_json({"entry": entry, "sha256": digest_json([name, entry])})


def unseal(data: bytes, *, name: str, path: str) -> Any:
    """Return what `seal` was given.

    Args:
        data: the object's bytes.
        name: the object's name below its collection.
        path: the object's whole name, for the error.

    Raises:
        IntegrityError: the bytes are not exactly what `seal` returned for that name.
    """
    try:
        body = json.loads(data)
        entry = body["entry"]
        is_whole = seal(entry, name=name) == data
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise IntegrityError(
            path=path, expected="a sealed entry", found=f"{len(data)} other bytes"
        ) from error
    if not is_whole:
        found = digest_json([name, entry])
        raise IntegrityError(path=path, expected=f"seal {body.get('sha256')}", found=found)
    return entry
