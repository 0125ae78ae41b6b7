from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from eagleray.contracts.manifests import SnapshotManifest
from eagleray.contracts.sources import StreamMove
from eagleray.errors import IntegrityError, StreamMovedError
from indexes.snapshots.streams import move_streams, read_stream_position, rebase_streams
from tests.small_collections import SPEC

EMPTY_SNAPSHOT = SnapshotManifest(
    collection=SPEC, segments=(), patches=(), parent=None, n_rows=0, n_documents=0, attributes={}
)
FIRST = StreamMove(stream="trades", expected={}, position={"0": "5", "1": "3"})


def test_a_move_takes_a_stream_from_where_it_stands_to_where_it_goes_and_no_other():
    begun = move_streams({"fills": '{"0":"9"}'}, [FIRST])
    assert begun == {"fills": '{"0":"9"}', "trades": '{"0":"5","1":"3"}'}
    following = StreamMove(stream="trades", expected={"1": "3", "0": "5"}, position={"0": "6", "1": "3"})
    moved = move_streams(begun, [following])
    assert read_stream_position(replace(EMPTY_SNAPSHOT, watermarks=moved), "trades") == {"0": "6", "1": "3"}
    assert moved["fills"] == begun["fills"]


@pytest.mark.parametrize("expected", [{}, {"0": "4"}, {"0": "5", "1": "3", "2": "0"}])
def test_a_stream_that_another_writer_moved_is_refused_for_good(expected):
    begun = move_streams({}, [FIRST])
    with pytest.raises(StreamMovedError, match='\'trades\'.*found {"0":"5","1":"3"}') as refused:
        move_streams(begun, [replace(FIRST, expected=expected)])
    assert not refused.value.retryable
    again = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - pickled here
    assert again.fields == refused.value.fields


def test_of_several_moves_none_is_made_where_one_is_refused():
    watermarks = {"fills": '{"0":"9"}'}
    with pytest.raises(StreamMovedError):
        move_streams(watermarks, [FIRST, StreamMove(stream="fills", expected={}, position={"0": "1"})])
    assert watermarks == {"fills": '{"0":"9"}'}


def test_put_on_top_of_others_writes_a_snapshot_keeps_both_their_moves_and_its_own():
    before = move_streams({}, [FIRST])
    made = move_streams(before, [StreamMove(stream="fills", expected={}, position={"0": "1"})])
    further = StreamMove(stream="trades", expected=FIRST.position, position={"0": "7"})
    after = move_streams(before, [further])
    assert rebase_streams(before, made, after) == {"trades": '{"0":"7"}', "fills": '{"0":"1"}'}
    assert rebase_streams(before, before, after) == after
    with pytest.raises(StreamMovedError, match="'trades'"):
        rebase_streams(before, move_streams(before, [further]), after)


def test_what_is_no_position_is_told():
    with pytest.raises(IntegrityError):
        read_stream_position(replace(EMPTY_SNAPSHOT, watermarks={"trades": "17"}), "trades")
