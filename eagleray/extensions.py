"""Extensions: what settings name of packages outside this one, as `package.module:attribute`.

Only what a setting names is imported: that a package is installed changes nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from eagleray.errors import InputError


def import_extension(path: str, *, setting: str) -> Any:
    """Return what a setting names.

    Args:
        path: `package.module:attribute`.
        setting: its variable, for the message.

    Raises:
        InputError: it cannot be imported.
    """
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise InputError(detail=f"{setting}: expected package.module:attribute, found {path!r}")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # importing runs somebody else's code, which may raise anything
        detail = f"{setting}: {path!r} cannot be imported ({type(error).__name__}: {error})"
        advice = "install its package in this environment, or put its folder into PYTHONPATH"
        raise InputError(detail=f"{detail}; {advice}") from error
