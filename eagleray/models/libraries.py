"""Libraries that models need, imported where they are used; a missing one names its extra."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from eagleray.errors import MissingExtraError


def import_library(module: str) -> Any:
    """Return a module.

    Raises:
        MissingExtraError: it, or what it imports, is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra="search") from error


def find_version(package: str) -> str:
    """Return the version of an installed package.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise MissingExtraError(part=package, extra="search") from error
