from __future__ import annotations

import pytest

from eagleray.client.frames import COLUMNS, make_frame
from eagleray.contracts.hits import Snippet
from eagleray.contracts.times import parse_instant
from tests.small_hits import make_hit

pd = pytest.importorskip("pandas", reason="pandas is not installed: pip install 'eagleray[notebooks]'")


def test_times_are_utc_timestamps_and_an_open_end_is_missing():
    ended = make_hit(known_to=parse_instant("2022-02-17T09:00:00Z"), event_time=parse_instant("2022-01-31"))
    frame = make_frame([make_hit(), ended])
    assert {str(frame[name].dtype) for name in ("event_time", "known_from", "known_to")} == {
        "datetime64[us, UTC]"
    }
    assert frame["known_from"].tolist() == [pd.Timestamp("2022-02-01", tz="UTC")] * 2
    assert pd.isna(frame["known_to"][0])
    assert frame["known_to"][1] == pd.Timestamp("2022-02-17 09:00", tz="UTC")
    assert pd.isna(frame["event_time"][0])


def test_whole_numbers_stay_whole_beside_missing_ones_and_flags_stay_flags():
    frame = make_frame(
        [make_hit(page=3, attributes={"year": 2019, "is_final": True}), make_hit(attributes={"year": None})]
    )
    assert str(frame["page"].dtype) == str(frame["year"].dtype) == "Int64"
    assert frame["year"][0] == 2019
    assert frame["is_final"].tolist()[0] is True


def test_an_attribute_never_takes_the_place_of_a_column():
    frame = make_frame([make_hit(attributes={"source": "TAT-QA", "desk": "rates"})])
    assert frame["source"].tolist() == ["desk/notes.jsonl"]
    assert frame["attr.source"].tolist() == ["TAT-QA"]
    assert frame["desk"].tolist() == ["rates"]


def test_the_rerankers_score_is_a_column_of_numbers():
    frame = make_frame([make_hit(), make_hit(reranked=-2.5)])
    assert str(frame["reranked"].dtype) == "float64"
    assert pd.isna(frame["reranked"][0])
    assert frame["reranked"][1] == -2.5


def test_no_hits_are_an_empty_frame_with_the_same_columns_and_types():
    empty, full = make_frame([]), make_frame([make_hit(page=1)])
    assert list(empty.columns) == list(full.columns) == list(COLUMNS)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert {str(empty[name].dtype) for name in ("chunk_id", "start", "end", "page")} == {"Int64"}
    assert str(empty["score"].dtype) == "float64"
    joined = pd.concat([empty, full], ignore_index=True)
    assert len(joined) == 1
    assert str(joined["known_from"].dtype) == "datetime64[us, UTC]"


def test_the_snippet_is_a_column_of_text():
    frame = make_frame([make_hit(snippet=Snippet(text="Sales rose.")), make_hit()])
    assert frame["snippet"].tolist() == ["Sales rose.", ""]
