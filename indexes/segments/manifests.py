"""From a manifest's bytes back to its dataclass, strictly.

`eagleray.contracts.manifests.encode_manifest` is the other direction. What a snapshot's manifest
must hold beside its shape is checked in `indexes.snapshots.manifests`.
"""

from __future__ import annotations

import json
import re
import types
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import (
    FORMAT_VERSION,
    LEFT_OUT,
    Manifest,
    SegmentManifest,
    encode_manifest,
)
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError
from indexes.segments.inverted import DENSE

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 as names carry it."""

_FILE_NAME: Final = re.compile(r"[a-z0-9_]+\.[a-z]+|lexical/[a-z0-9_]+\.[a-z]+")
_REQUIRED: Final = frozenset(
    {"rows.arrow", "vectors.npy", "groups.bin"} | {f"lexical/{field}.arrow" for field in TextField}
)

_M = TypeVar("_M", bound=Manifest)


def decode_manifest(data: bytes, kind: type[_M], *, path: str) -> _M:
    """Return the manifest that `data` encodes.

    Args:
        data: bytes as `encode_manifest` wrote them.
        kind: the class expected.
        path: name of the object, for the error.

    Raises:
        IntegrityError: the bytes are no JSON, a key is missing or unknown, a value has another
            type, the format is another version, or the bytes are not the canonical ones.
    """
    try:
        manifest: _M = _build(kind, json.loads(data))
        is_canonical = encode_manifest(manifest) == data
    except (ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(path=path, expected=f"a {kind.__name__}", found=str(error)) from error
    if not is_canonical:
        raise IntegrityError(path=path, expected=f"a {kind.__name__} in canonical JSON", found="other bytes")
    version = getattr(manifest, "format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise IntegrityError(path=path, expected=f"format version {FORMAT_VERSION}", found=str(version))
    return manifest


def decode_segment_manifest(data: bytes, *, digest: str, path: str) -> SegmentManifest:
    """Return the manifest of the segment named `digest`.

    Raises:
        IntegrityError: the bytes have another digest, or are no sound segment manifest.
    """
    found = digest_bytes(data)
    if found != digest:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found=found)
    manifest = decode_manifest(data, SegmentManifest, path=path)
    missing = _REQUIRED - manifest.files.keys()
    odd = [name for name in manifest.files if not _FILE_NAME.fullmatch(name)]
    if manifest.dense is not None and DENSE not in manifest.files:
        missing |= {DENSE}
    if missing or odd:
        found = f"missing {sorted(missing)}, unexpected {odd}"
        raise IntegrityError(path=path, expected="the files of a segment", found=found)
    return manifest


def _build(kind: Any, value: Any) -> Any:
    """Return `value` as `kind`.

    Raises:
        ValueError: it is something else.
    """
    if is_dataclass(kind):
        return _build_dataclass(kind, value)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _build_union(parts, value)
    if origin is tuple and isinstance(value, list):
        return tuple(_build(parts[0], item) for item in value)
    if origin is dict and isinstance(value, dict):
        return {_build(parts[0], key): _build(parts[1], item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, StrEnum) and isinstance(value, str):
        return kind(value)
    if kind is types.NoneType and value is None:
        return None
    if kind in (str, int, float, bool) and type(value) is kind:
        return value
    raise ValueError(f"expected {kind}, found a {type(value).__name__}")


def _build_dataclass(kind: Any, value: Any) -> Any:
    hints = get_type_hints(kind)
    optional = {item.name for item in fields(kind) if item.metadata.get(LEFT_OUT)}
    if not isinstance(value, dict) or value.keys() | optional != hints.keys():
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise ValueError(f"expected the keys {sorted(hints)}, found {found}")
    return kind(**{name: _build(hint, value[name]) for name, hint in hints.items() if name in value})


def _build_union(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        try:
            return _build(kind, value)
        except ValueError:
            continue
    raise ValueError(f"expected one of {kinds}, found a {type(value).__name__}")
