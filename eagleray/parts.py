"""Finds the parts the upper layers register under the entry-point group `eagleray.parts`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, cast

from eagleray.contracts.services import AuditService, IndexService, JobService, KeyService, ServeService
from eagleray.errors import MissingExtraError


def load_index_service() -> IndexService:
    """Return the search engine's service.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(IndexService, _load("index", extra="search"))


def load_job_service() -> JobService:
    """Return the service that runs jobs on Ray.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(JobService, _load("jobs", extra="ray"))


def load_serve_service() -> ServeService:
    """Return the service that answers over HTTP.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(ServeService, _load("serving", extra="serve"))


def load_key_service() -> KeyService:
    """Return the service that makes and revokes API keys.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(KeyService, _load("keys", extra="serve"))


def load_audit_service() -> AuditService:
    """Return the service that reads the audit log.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(AuditService, _load("audit", extra="search"))


def _load(name: str, *, extra: str) -> Any:
    found = [point for point in entry_points(group="eagleray.parts") if point.name == name]
    if not found:
        raise MissingExtraError(part=f"the part {name!r}", extra=extra)
    try:
        return found[0].load()()
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra=extra) from error
