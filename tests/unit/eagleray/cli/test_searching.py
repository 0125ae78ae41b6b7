from __future__ import annotations

import pytest

from eagleray.cli.searching import _read_boosts
from eagleray.contracts.indexes import TextField
from eagleray.errors import QueryError


def test_boosts_are_read_as_they_are_written():
    assert _read_boosts(["title=2", "heading=0.5"]) == {TextField.TITLE: 2.0, TextField.HEADING: 0.5}


@pytest.mark.parametrize("text", ["title", "titel=2", "title=much", "=2"])
def test_a_boost_written_otherwise_is_refused_with_an_example(text):
    with pytest.raises(QueryError, match="expected title=2 or heading=0.5"):
        _read_boosts([text])
