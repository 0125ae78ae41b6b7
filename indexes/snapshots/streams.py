"""Positions of streams, which stand in a snapshot's manifest: they say which records its rows hold.

A move names the position it goes on from. It is made together with the rows of the records in between, in one
manifest, or not at all; a writer that another one has overtaken is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.sources import StreamMove
from eagleray.digests import canonical_json
from eagleray.errors import IntegrityError, StreamMovedError

Watermarks = Mapping[str, str]
"""Name of a stream -> its position as canonical JSON: `SnapshotManifest.watermarks`."""


def read_stream_position(manifest: SnapshotManifest | None, stream: str) -> dict[str, str]:
    """Return how far a snapshot holds a stream; empty where it holds nothing of it.

    Raises:
        IntegrityError: the manifest says something else there.
    """
    return _decode(manifest.watermarks if manifest else {}, stream)


def move_streams(watermarks: Watermarks, moves: Iterable[StreamMove]) -> dict[str, str]:
    """Return the watermarks of a snapshot that adds the records of these moves.

    Raises:
        StreamMovedError: a stream does not stand where its move goes on from.
    """
    moved = dict(watermarks)
    for move in moves:
        found = _decode(watermarks, move.stream)
        if found != dict(move.expected):
            raise _refuse(move.stream, expected=move.expected, found=found)
        moved[move.stream] = canonical_json(dict(move.position)).decode()
    return moved


def rebase_streams(before: Watermarks, made: Watermarks, after: Watermarks) -> dict[str, str]:
    """Return the watermarks of a snapshot that is put on top of others' writes.

    Args:
        before: of the snapshot that it was made on.
        made: of itself.
        after: of the one that it is put on.

    Raises:
        StreamMovedError: both moved the same stream.
    """
    moved = {stream: mark for stream, mark in made.items() if before.get(stream) != mark}
    for stream in moved:
        if after.get(stream) != before.get(stream):
            raise _refuse(stream, expected=_decode(before, stream), found=_decode(after, stream))
    return {**after, **moved}


def _decode(watermarks: Watermarks, stream: str) -> dict[str, str]:
    text = watermarks.get(stream)
    if text is None:
        return {}
    try:
        position = json.loads(text)
        return {str(part): str(mark) for part, mark in position.items()}
    except (ValueError, AttributeError) as error:
        raise IntegrityError(path=stream, expected="the position of a stream", found="other text") from error


def _refuse(stream: str, *, expected: Mapping[str, str], found: Mapping[str, str]) -> StreamMovedError:
    shown = [canonical_json(dict(position)).decode() for position in (expected, found)]
    return StreamMovedError(stream=stream, expected=shown[0], found=shown[1])
