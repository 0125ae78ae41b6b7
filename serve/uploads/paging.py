"""Pages of a list, as OpenAI's clients ask for them.

Source: OpenAI's API reference, parameters `limit`, `order`, `after` and `before` of lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from eagleray.errors import InputError

Item = TypeVar("Item")
Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of a list is wanted.

    Attributes:
        limit: most items.
        order: by the time they were made.
        after: name of the item before the first; empty for the list's begin.
        before: name of the item after the last; empty for the list's end.
    """

    limit: int
    order: Order = "desc"
    after: str = ""
    before: str = ""


def cut_page(
    items: Sequence[Item], wanted: Wanted, *, name: Callable[[Item], str]
) -> tuple[list[Item], bool]:
    """Return the items of a page, and whether more follow in its direction.

    Args:
        items: the whole list, oldest first.
        wanted: the part.
        name: of an item.

    Raises:
        InputError: `after` or `before` names no item of the list.
    """
    ordered = list(items) if wanted.order == "asc" else list(reversed(items))
    names = [name(item) for item in ordered]
    first = _place(names, wanted.after) + 1 if wanted.after else 0
    last = _place(names, wanted.before) if wanted.before else len(ordered)
    between = ordered[first:last]
    has_more = len(between) > wanted.limit
    is_from_end = bool(wanted.before and not wanted.after)
    page = between[-wanted.limit :] if is_from_end else between[: wanted.limit]
    return page, has_more


def _place(names: Sequence[str], name: str) -> int:
    try:
        return names.index(name)
    except ValueError as error:
        raise InputError(detail="after, before: expected the id of an item of this list") from error
