"""Which source reads which kind of URI: the one list that a new source stands in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from eagleray.contracts.sources import SourceFactory, SourceRequest
from eagleray.errors import InputError
from ray_jobs.sources.files.source import make_file_factory

MakeFactory = Callable[[SourceRequest], SourceFactory]
"""Names in what it returns all that a worker needs to open the source; refuses what can be told at once."""

SOURCES: Final[dict[str, MakeFactory]] = {
    "": make_file_factory,
    "file": make_file_factory,
    "s3": make_file_factory,
}
"""Scheme of a URI, empty for a path -> what makes its factory."""


def find_source(request: SourceRequest) -> SourceFactory:
    """Return what opens the source of a request.

    Raises:
        InputError: no source has such a URI, the URI holds a password, or the source is not there.
    """
    scheme, mark, _ = request.uri.partition("://")
    if mark and _has_password(request.uri):
        detail = f"the {scheme}:// URI of the source holds a password; give it in the settings instead"
        raise InputError(detail=detail)
    make = SOURCES.get(scheme.lower() if mark else "")
    if make is None:
        known = ", ".join(f"{name}://" for name in SOURCES if name)
        raise InputError(detail=f"source {request.uri!r}: expected a folder or one of {known}")
    return make(request)


def _has_password(uri: str) -> bool:
    try:
        return bool(urlsplit(uri).password)
    except ValueError:  # brackets that enclose no address
        return False
