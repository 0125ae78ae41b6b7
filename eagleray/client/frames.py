"""Hits as a pandas DataFrame: one row a hit, typed columns, the same ones when nothing was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from eagleray.contracts.hits import Hit
from eagleray.contracts.times import OPEN_END
from eagleray.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

_LEFT_OUT: Final = frozenset({"attributes", "highlights"})
COLUMNS: Final = tuple(item.name for item in fields(Hit) if item.name not in _LEFT_OUT)
"""Columns every frame has, in this order; the attributes follow."""

_TIMES: Final = frozenset({"event_time", "known_from", "known_to"})
_NUMBERS: Final = frozenset({"score", "dense", "lexical", "reranked", "relevance"})
_WHOLE_NUMBERS: Final = frozenset({"chunk_id", "start", "end", "page"})


def make_frame(hits: Sequence[Hit]) -> pd.DataFrame:
    """Return one row a hit, best first.

    Times are UTC timestamps, `NaT` where there is none: `known_to` of what nothing superseded. Whole
    numbers stay whole beside missing ones (`Int64`). These columns and their types are always the same;
    those of attributes are the attributes that some hit has. An attribute that has the name of another
    column is `attr.<name>`.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtraError(part="pandas", extra="notebooks") from error
    columns: dict[str, list[Any]] = {name: [getattr(hit, name) for hit in hits] for name in COLUMNS}
    columns["snippet"] = [hit.snippet.text for hit in hits]
    for name in dict.fromkeys(name for hit in hits for name in hit.attributes):
        shown = f"attr.{name}" if name in COLUMNS else name
        columns[shown] = [hit.attributes.get(name) for hit in hits]
    return pd.DataFrame({name: make_column(name, values) for name, values in columns.items()})


def make_column(name: str, values: list[Any]) -> pd.Series[Any]:
    """Return the values of a hit's field or attribute as a column: see `make_frame` for its type."""
    import numpy as np
    import pandas as pd

    if name in _TIMES:
        missing = np.datetime64("NaT", "us")
        known = [missing if value in (None, OPEN_END) else np.datetime64(value, "us") for value in values]
        return pd.Series(np.array(known, dtype="datetime64[us]")).dt.tz_localize("UTC")
    if name in _NUMBERS:
        return pd.Series(values, dtype="float64")
    if name in _WHOLE_NUMBERS:
        return pd.Series(values, dtype="Int64")
    if name in COLUMNS:
        return pd.Series(values, dtype="object")
    found = [value for value in values if value is not None]
    if found and all(type(value) is int for value in found):
        return pd.Series(values, dtype="Int64")
    return pd.Series(values, dtype=None if found else "object")
