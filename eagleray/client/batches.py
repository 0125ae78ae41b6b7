"""Many questions as a pandas DataFrame: a row a question in, a row a hit out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options
from eagleray.contracts.times import parse_instant
from eagleray.errors import QueryError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS: Final = ("query", "as_of", "where", "groups")
"""Columns that a question may have; only the first must be there."""


def make_requests(
    questions: pd.DataFrame, *, options: SearchOptions, parse_filter: Callable[[str], Any]
) -> list[SearchRequest]:
    """Return a request for each row.

    Args:
        questions: columns `query`, and if wanted `as_of`, `where` and `groups`, as `LocalCollection.search`
            takes them; missing values ask now, of all rows, without groups.
        options: of all of them.
        parse_filter: reads a filter.

    Raises:
        QueryError: a column is missing or unknown; names it.
        InputError: a time or a filter cannot be read.
    """
    unknown = [str(name) for name in questions.columns if name not in COLUMNS]
    if unknown or "query" not in questions.columns:
        found = ", ".join(map(str, questions.columns))
        raise QueryError(detail=f"questions have the columns {', '.join(COLUMNS)}; found {found}")
    filters: dict[str, FilterExpression | None] = {"": None}
    requests = []
    for row in questions.to_dict("records"):
        where = _choose(row.get("where"), "")
        if where not in filters:
            filters[where] = parse_filter(where)
        as_of, groups = _choose(row.get("as_of"), None), _choose(row.get("groups"), ())
        requests.append(
            SearchRequest(
                query=str(row["query"]),
                as_of=None if as_of is None else parse_instant(as_of),
                filter=filters[where],
                principal=Principal(subject="local", groups=list_groups(groups)),
                **pick_options(options),
            )
        )
    return requests


def make_answers(questions: pd.DataFrame, table: pa.Table) -> pd.DataFrame:
    """Return the hits as a DataFrame whose `question` is the label of the row that asked."""
    frame: pd.DataFrame = table.to_pandas()
    frame["question"] = questions.index.to_numpy()[frame["question"].to_numpy()]
    return frame


def list_groups(groups: str | Iterable[str]) -> frozenset[str]:
    """Return groups that were given as a name, or several."""
    return frozenset([groups] if isinstance(groups, str) else groups)


def _choose(value: Any, otherwise: Any) -> Any:
    """Return a cell's value, or what stands for a missing one: `None`, NaN and NaT are missing."""
    return otherwise if value is None or value != value else value
