"""Codebooks in the store: below their collection, each a file named by its digest."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from eagleray.contracts.collections import Collection
from eagleray.digests import digest_bytes
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.dense.codebook_files import decode_codebook, encode_codebook
from indexes.dense.codebooks import Codebook

CODEBOOKS: Final = "codebooks"


def locate_codebook(collection: str, digest: str) -> str:
    """Return the name of a codebook in the store."""
    return f"{collection}/{CODEBOOKS}/{digest}.arrow"


def put_codebook(collection: Collection, codebook: Codebook) -> str:
    """Write a codebook unless it stands already, and return its digest."""
    data = encode_codebook(codebook)
    digest = digest_bytes(data)
    collection.store.create(locate_codebook(collection.name, digest), data)
    return digest


def load_codebook(collection: Collection, digest: str) -> Codebook:
    """Return the codebook of that digest; segments that name the same one share it in memory.

    Raises:
        IntegrityError: it is missing or damaged.
    """
    path = locate_codebook(collection.name, digest)
    return _decode(read_codebook(collection, digest), digest, path)


def read_codebook(collection: Collection, digest: str) -> bytes:
    """Return the bytes of a codebook, checked against its name.

    Raises:
        IntegrityError: it is missing or damaged.
    """
    path = locate_codebook(collection.name, digest)
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError as error:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found="no such object") from error
    found = digest_bytes(data)
    if found != digest:
        raise IntegrityError(path=path, expected=f"SHA-256 {digest}", found=found)
    return data


@lru_cache(maxsize=8)
def _decode(data: bytes, digest: str, path: str) -> Codebook:
    return decode_codebook(data, digest=digest, path=path)
