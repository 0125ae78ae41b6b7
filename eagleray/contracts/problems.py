"""How an error is named over HTTP, for who writes it and who reads it.

Source: RFC 9457, Problem Details for HTTP APIs; `fields` is a member of our own.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from string import Formatter
from typing import Any, Final

from eagleray.errors import EagleRayError

MEDIA_TYPE: Final = "application/problem+json"
_PREFIX: Final = "urn:eagleray:problem:"


def split_words(kind: str) -> str:
    """Return the words of an error's class: `FilterColumnError` is `Filter Column`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removesuffix("Error"))


def name_problem(kind: str) -> str:
    """Return the type of the problem that stands for an error.

    Args:
        kind: name of the error's class.
    """
    return _PREFIX + split_words(kind).lower().replace(" ", "-")


def show_fields(error: EagleRayError) -> dict[str, Any]:
    """Return the fields that an error's message shows, where each is text, a path, a number or a truth value.

    Where one is something else, nothing: the message alone tells then.
    """
    names = [name for _, name, _, _ in Formatter().parse(error.message) if name]
    shown = {name: _show(error.fields.get(name)) for name in names}
    return shown if all(isinstance(value, str | int | float) for value in shown.values()) else {}


def _show(value: object) -> object:
    return str(value) if isinstance(value, PurePath) else value
