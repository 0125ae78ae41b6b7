from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.errors import InputError
from serve.uploads.paging import Wanted, cut_page


@given(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["asc", "desc"]))
def test_pages_one_after_the_other_are_the_list(n, limit, order):
    items, seen, after, has_more = [str(number) for number in range(n)], [], "", True
    while has_more:
        page, has_more = cut_page(items, Wanted(limit=limit, order=order, after=after), name=str)
        seen += page
        after = page[-1] if page else ""
    assert seen == (items if order == "asc" else items[::-1])
    back, before, has_more = [], "", bool(n)
    while has_more:
        if not before:
            back, before = [seen[-1]], seen[-1]
        page, has_more = cut_page(items, Wanted(limit=limit, order=order, before=before), name=str)
        back = page + back
        before = page[0] if page else before
    assert back == seen


def test_an_item_that_is_not_there_is_told():
    with pytest.raises(InputError):
        cut_page(["a"], Wanted(limit=1, after="b"), name=str)
