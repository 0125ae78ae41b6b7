"""Many questions as a pandas DataFrame: a row a question in, a row a hit out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from eagleray.client.choices import read_filter_text, read_groups, read_text, read_time, refuse
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import SearchOptions, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import OLD_NAMES, explain_old_name, pick_options
from eagleray.errors import QueryError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS: Final = ("query", "as_of", "filter", "groups")
"""Columns that a question may have; only the first must be there."""


def make_requests(
    questions: pd.DataFrame, *, options: SearchOptions, parse_filter: Callable[[str], Any]
) -> list[SearchRequest]:
    """Return a request for each row.

    Args:
        questions: columns `query`, and if wanted `as_of`, `filter` and `groups`, as `LocalCollection.search`
            takes them; missing values ask now, of all rows, without groups.
        options: of all of them.
        parse_filter: reads a filter.

    Raises:
        QueryError: a column is missing or unknown, or a row has no question or a wrong value; names it.
        InputError: a time or a filter cannot be read.
    """
    questions = _rename_columns(questions)
    _check_columns(questions)
    filters: dict[str, FilterExpression | None] = {"": None}
    requests = []
    for label, row in zip(questions.index, questions.to_dict("records"), strict=True):
        query = read_text(f"the query of row {label!r}", row["query"])
        filtered = read_filter_text(_choose(row.get("filter"), ""))
        if filtered not in filters:
            filters[filtered] = parse_filter(filtered)
        groups = read_groups(_choose(row.get("groups"), ()))
        requests.append(
            SearchRequest(
                query=query,
                as_of=read_time(_choose(row.get("as_of"), None)),
                filter=filters[filtered],
                principal=Principal(subject="local", groups=groups),
                **pick_options(options),
            )
        )
    return requests


def make_answers(questions: pd.DataFrame, table: pa.Table) -> pd.DataFrame:
    """Return the hits as a DataFrame whose `question` is the label of the row that asked."""
    frame: pd.DataFrame = table.to_pandas()
    frame["question"] = questions.index.to_numpy()[frame["question"].to_numpy()]
    return frame


def _rename_columns(questions: pd.DataFrame) -> pd.DataFrame:
    """Return the questions with their columns by their names; a warning tells of a former one."""
    if not hasattr(questions, "columns"):
        refuse("questions", questions, "a pandas DataFrame")
    if "where" not in questions.columns or "filter" in questions.columns:
        return questions
    warnings.warn(f"questions: {explain_old_name('where')}", DeprecationWarning, stacklevel=5)
    return questions.rename(columns={"where": OLD_NAMES["where"]})


def _check_columns(questions: pd.DataFrame) -> None:
    unknown = [str(name) for name in questions.columns if name not in COLUMNS]
    if unknown or "query" not in questions.columns:
        found = ", ".join(map(str, questions.columns))
        raise QueryError(detail=f"questions have the columns {', '.join(COLUMNS)}; found {found}")


def _choose(value: Any, otherwise: Any) -> Any:
    """Return a cell's value, or what stands for a missing one: `None`, NaN and NaT are missing."""
    is_missing = value is None or (not hasattr(value, "__len__") and value != value)
    return otherwise if is_missing else value
