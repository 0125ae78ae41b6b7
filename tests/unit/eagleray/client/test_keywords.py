from __future__ import annotations

import asyncio
import inspect
from typing import TypedDict, Unpack

import pytest

import eagleray
from eagleray.client.endpoints import read_endpoint
from eagleray.client.keywords import with_keywords
from eagleray.parts import Part

DATA = "tests must not get this far"


class Options(TypedDict, total=False):
    where: str
    k: int


@with_keywords(Options, {"where": "", "k": 10})
def find(query: str, *, groups: str = "", **options: Unpack[Options]) -> tuple:
    """Find."""
    return query, groups, options


def make_remote(kind):
    endpoint = read_endpoint("http://127.0.0.1", collection="notes", api_key="", allow_http=False)
    return kind(endpoint, None)


def test_known_keywords_go_through_and_stand_in_the_signature():
    assert find("a", groups="b", k=3) == ("a", "b", {"k": 3})
    assert str(inspect.signature(find)).startswith("(query: 'str', *, groups: 'str' = '', where: 'str' = ''")
    assert find.__doc__ == "Find."


def test_a_keyword_that_is_near_none_is_answered_with_all_of_them():
    with pytest.raises(
        TypeError, match=r"find\(\) got an unexpected .* 'zzz'; it takes query, groups, where"
    ):
        find("a", zzz=1)


@pytest.mark.parametrize(
    ("name", "near"), [("maping", "mapping"), ("colection", "collection"), ("worker", "workers")]
)
def test_an_ingest_with_a_misspelt_option_reads_nothing(monkeypatch, name, near):
    def load(part, settings):
        raise AssertionError(DATA)

    monkeypatch.setattr(Part, "load", load)
    with pytest.raises(TypeError, match=rf"ingest\(\) got an .* '{name}'; did you mean {near}\?"):
        eagleray.ingest("desk", **{name: "x"})


@pytest.mark.parametrize("method", ["search", "search_frame", "search_batch", "more_like"])
@pytest.mark.parametrize(
    "collection",
    [
        eagleray.LocalCollection(None, None, None, name="notes"),
        make_remote(eagleray.RemoteCollection),
        make_remote(eagleray.AsyncRemoteCollection),
    ],
    ids=["local", "sync", "async"],
)
def test_a_misspelt_keyword_of_a_search_is_named_with_the_nearest_one(collection, method):
    with pytest.raises(TypeError, match=rf"^{method}\(\) got an .* 'filtre'; did you mean filter\?"):
        asked = getattr(collection, method)("swap", filtre="year = 2019")
        if inspect.iscoroutine(asked):
            asyncio.run(asked)


def test_many_questions_take_no_filter_for_all():
    collection = eagleray.LocalCollection(None, None, None, name="notes")
    with pytest.raises(
        TypeError, match=r"search_many\(\) got an unexpected keyword argument 'modes'; did you"
    ):
        collection.search_many(None, modes="dense")
