"""Pages of a list, as OpenAI's clients ask for them.

A page begins behind an item's place, which stays where it was when the item goes: who deletes what a list
shows, page by page, misses nothing and meets nothing twice.

Source: OpenAI's API reference, parameters `limit`, `order`, `after` and `before` of lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from eagleray.errors import InputError

Order = Literal["asc", "desc"]
Place = tuple[int, str]
"""When an item was made, microseconds, and its name: where it stands among the others."""


class Listed(Protocol):
    """What stands in a list."""

    @property
    def place(self) -> Place:
        """Where it stands."""


Item = TypeVar("Item", bound=Listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPage:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBounds:
    """Places that a part of a list lies between; `None` for its begin or end."""

    after: Place | None = None
    before: Place | None = None


def find_bounds(
    items: Iterable[Listed], wanted: WantedPage, *, find_gone: Callable[[str], int | None]
) -> PageBounds:
    """Return where a part of a list begins and ends.

    Args:
        items: the whole list.
        wanted: the part.
        find_gone: when an item was made that is in the list no more; `None` for what never was.

    Raises:
        InputError: `after` or `before` names what never was in the list.
    """
    places = {item.place[1]: item.place for item in items} if wanted.after or wanted.before else {}

    def find(name: str) -> Place | None:
        if not name or name in places:
            return places.get(name)
        created = find_gone(name)
        if created is None:
            raise InputError(detail="after, before: expected the id of an item of this list")
        return created, name

    return PageBounds(after=find(wanted.after), before=find(wanted.before))


def cut_page(items: Iterable[Item], wanted: WantedPage, bounds: PageBounds) -> tuple[Sequence[Item], bool]:
    """Return the items of a page, and whether more follow in its direction.

    Args:
        items: the whole list, or those of its items that are of interest.
        wanted: the part.
        bounds: of the part.
    """
    is_falling = wanted.order == "desc"
    first, last = (bounds.before, bounds.after) if is_falling else (bounds.after, bounds.before)
    between = sorted(
        (
            item
            for item in items
            if (first is None or item.place > first) and (last is None or item.place < last)
        ),
        key=lambda item: item.place,
        reverse=is_falling,
    )
    has_more = len(between) > wanted.limit
    is_from_end = bounds.before is not None and bounds.after is None
    return between[-wanted.limit :] if is_from_end else between[: wanted.limit], has_more
