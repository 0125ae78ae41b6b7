"""The filter `matches`: the rows whose text, title or heading holds a word, a phrase or a beginning."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from eagleray.contracts.indexes import TextField
from eagleray.errors import FilterColumnError
from indexes.lexical.expressions import name_match
from indexes.lexical.lists import find_lists
from indexes.segments.view import SegmentView

_FIELDS: Final = {"text": TextField.BODY, "title": TextField.TITLE, "heading": TextField.HEADING}


def find_matching(view: SegmentView, column: str, words: str) -> npt.NDArray[np.bool_]:
    """Return the rows that match: bool [n_rows].

    Args:
        view: the segment.
        column: `text` (with the heading), `title` or `heading`.
        words: a word, several for a phrase, or the beginning of one and an asterisk.

    Raises:
        FilterColumnError: there is no such column, or no word to look for.
    """
    if column not in _FIELDS:
        raise FilterColumnError(column=column, detail=f"matches looks into {', '.join(_FIELDS)}")
    name = name_match(words)
    if not name:
        detail = f"{words!r} holds no word to look for; an asterisk stands at the end of a single word"
        raise FilterColumnError(column=column, detail=detail)
    lists = find_lists(view.postings[_FIELDS[column]], [name], n_prefix=view.n_rows)
    matching = np.zeros(view.n_rows, dtype=np.bool_)
    matching[lists.rows[lists.starts[0] : lists.ends[0]]] = True
    return matching
