"""Finds the parts the upper layers register under the entry-point group `eagleray.parts`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, cast

from eagleray.contracts.services import AuditService, IndexService, JobService, KeyService, ServeService
from eagleray.errors import MissingExtraError
from eagleray.settings import Settings


def load_index_service(settings: Settings) -> IndexService:
    """Return the search engine's service.

    Args:
        settings: what it works on.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(IndexService, _load("index", settings, extra="search"))


def load_job_service(settings: Settings) -> JobService:
    """Return the service that runs jobs on Ray.

    Args:
        settings: what it works on.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(JobService, _load("jobs", settings, extra="ray"))


def load_serve_service(settings: Settings) -> ServeService:
    """Return the service that answers over HTTP.

    Args:
        settings: what it works on.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(ServeService, _load("serving", settings, extra="serve"))


def load_key_service(settings: Settings) -> KeyService:
    """Return the service that makes and revokes API keys.

    Args:
        settings: what it works on.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(KeyService, _load("keys", settings, extra="serve"))


def load_audit_service(settings: Settings) -> AuditService:
    """Return the service that reads the audit log.

    Args:
        settings: what it works on.

    Raises:
        MissingExtraError: it, or something it imports, is not installed.
    """
    return cast(AuditService, _load("audit", settings, extra="search"))


def _load(name: str, settings: Settings, *, extra: str) -> Any:
    found = [point for point in entry_points(group="eagleray.parts") if point.name == name]
    if not found:
        raise MissingExtraError(part=f"the part {name!r}", extra=extra)
    try:
        return found[0].load()(settings)
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra=extra) from error
