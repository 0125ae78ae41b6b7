from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import InputError
from serve.uploads.paging import WantedPage, cut_page, find_bounds

ORDERS = st.sampled_from(["asc", "desc"])


@dataclass(frozen=True)
class Thing:
    """Stands in a list; three at a time were made in one moment."""

    number: int

    @property
    def place(self):
        return self.number // 3, f"{self.number:03}"


def make(n):
    return [Thing(number) for number in range(n)]


def cut(items, gone=(), **wanted):
    wanted = WantedPage(**wanted)
    made = {thing.place[1]: thing.place[0] for thing in gone}
    return cut_page(items, wanted, find_bounds(items, wanted, find_gone=made.get))


@given(st.integers(0, 12), st.integers(1, 5), ORDERS)
def test_pages_one_after_the_other_are_the_list(n, limit, order):
    items, seen, after, has_more = make(n), [], "", True
    while has_more:
        page, has_more = cut(items[::-1], limit=limit, order=order, after=after)
        seen += page
        after = page[-1].place[1] if page else ""
    assert seen == (items if order == "asc" else items[::-1])
    back, before, has_more = [], "", bool(n)
    while has_more:
        if not before:
            back, before = [seen[-1]], seen[-1].place[1]
        page, has_more = cut(items, limit=limit, order=order, before=before)
        back = [*page, *back]
        before = page[0].place[1] if page else before
    assert back == seen


@given(st.data(), st.integers(1, 20), st.integers(1, 5), ORDERS)
def test_what_goes_between_pages_moves_no_other_item(drawn, n, limit, order):
    left, gone, seen, after, has_more = make(n), [], [], "", True
    while has_more:
        page, has_more = cut(left, gone, limit=limit, order=order, after=after)
        seen += page
        after = page[-1].place[1] if page else ""
        going = drawn.draw(st.lists(st.sampled_from(left), unique=True)) if left else []
        gone += going
        left = [thing for thing in left if thing not in going]
    assert len(seen) == len(set(seen))
    assert set(left) <= set(seen)


@pytest.mark.parametrize("bound", ["after", "before"])
def test_an_item_that_never_was_is_told(bound):
    with pytest.raises(InputError):
        cut(make(1), limit=1, **{bound: "b"})
