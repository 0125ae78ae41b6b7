"""Columns of texts in the form in which filters compare and facets count them."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from eagleray.text_forms import INVISIBLE, normalise

_EXACT: Final = frozenset({"doc_id", "version"})
"""Columns that hold names of things, which are compared character by character."""

_INVISIBLE: Final = f"[{INVISIBLE}]+"


def is_compared_exactly(name: str) -> bool:
    """Return whether texts of a column are compared as they are."""
    return name in _EXACT


def normalise_column(name: str, values: Any) -> Any:
    """Return a column's texts as `eagleray.text_forms.normalise` has them; other columns as they are.

    Args:
        name: of the column.
        values: an Arrow array, chunked or not; nulls stay.
    """
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not is_text or is_compared_exactly(name) or pc.all(pc.string_is_ascii(values)).as_py() is not False:
        return values
    return pc.utf8_normalize(pc.replace_substring_regex(values, pattern=_INVISIBLE, replacement=""), "NFC")


def normalise_value(name: str, value: str) -> str:
    """Return a text that is compared with a column's."""
    return value if is_compared_exactly(name) else normalise(value)
