from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from eagleray.errors import AuditError
from eagleray.setting_groups.serving import AuditSettings
from indexes.snapshots.vacuuming import plan_vacuum
from indexes.snapshots.verification import verify_snapshot
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.counts import AuditCounts
from serve.audit.layout import list_chains, list_segments
from serve.audit.record import Entry, RecordKind
from serve.audit.record_queries import scan_records
from serve.audit.segments import decode_segment
from serve.audit.verification import verify_log
from tests.small_collections import put_small_snapshot
from tests.unit.serve.audit.conftest import COLLECTION, FailingStore, make_entry
from tests.waiting import block_until


def read_chain(store, writer):
    names = list_chains(store, COLLECTION)[writer]
    return [record for name in names for record in decode_segment(store.read(name.locate(COLLECTION)))]


def check(store, **found):
    result = verify_log(store, COLLECTION)
    assert result.findings == []
    assert {name: getattr(result, name) for name in found} == found


def test_a_chain_begins_with_its_genesis_and_ends_with_its_end(store, make_writer):
    with make_writer() as writer:
        for number in range(5):
            writer.append(make_entry(number))
    records = read_chain(store, writer.writer)
    assert [record.entry.kind for record in records] == ["genesis", *["request"] * 5, "end"]
    assert [record.sequence for record in records] == list(range(1, 8))
    assert all(after.previous == before.hash for before, after in pairwise(records))
    check(store, n_chains=1, n_records=7, unfinished=[])


def test_the_chain_stands_before_the_first_request(store, make_writer):
    writer = make_writer(flush_s=60)
    writer.open()
    assert [record.entry.kind for record in read_chain(store, writer.writer)] == ["genesis"]
    writer.close()


def test_a_segment_holds_no_more_records_than_it_may(store, make_writer):
    with make_writer(max_segment_records=10) as writer:
        for number in range(95):
            writer.append(make_entry(number))
    assert all(name.last - name.first < 10 for name in list_segments(store, COLLECTION))
    check(store, n_records=97)


def test_records_are_stored_after_the_bounded_time_without_a_further_call(store, make_writer):
    with make_writer(flush_s=0.05) as writer:
        writer.append(make_entry())
        block_until(lambda: len(read_chain(store, writer.writer)) >= 2)


def test_with_sync_a_record_is_stored_when_append_returns(store, make_writer):
    with make_writer(sync=True, flush_s=60) as writer:
        for number in range(5):
            writer.append(make_entry(number))
            assert read_chain(store, writer.writer)[-1].entry.latency_us == number


def test_a_record_that_must_be_stored_is_when_append_returns(store, make_writer):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=60)
    writer.open()
    writer.append(make_entry(1), is_stored=True)
    assert read_chain(store, writer.writer)[-1].entry.latency_us == 1
    failing.is_away = True
    with pytest.raises(AuditError, match="no space left"):
        writer.append(make_entry(2), is_stored=True)
    failing.is_away = False
    writer.flush()
    writer.close()


def test_many_threads_write_one_whole_chain(store, make_writer):
    with make_writer(max_segment_records=50, flush_s=0.01) as writer:
        threads = [
            threading.Thread(
                target=lambda name=name: [writer.append(make_entry(n, subject=name)) for n in range(100)]
            )
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    check(store, n_records=402)
    for name in "abcd":
        records = scan_records(store, COLLECTION, AuditQuery(subject=name))
        assert [record.entry.latency_us for record in records] == list(range(100))


@pytest.mark.parametrize("sync", [False, True])
def test_a_store_that_is_away_gives_no_answer_by_default_and_all_is_well_when_it_is_back(
    store, make_writer, sync
):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=0.01, sync=sync)
    writer.open()
    failing.is_away = True
    with pytest.raises(AuditError, match="no space left"):
        writer.append(make_entry(0))
        block_until(lambda: writer.failure)
        writer.append(make_entry(1))
    assert "no space left" in writer.failure
    assert (writer.counts.n_refused, writer.counts.is_failing) == (1, True)
    assert writer.counts.n_pending >= 1
    failing.is_away = False
    writer.flush()
    assert writer.failure == ""
    writer.append(make_entry(1_000))
    writer.close()
    n_written = len(read_chain(store, writer.writer))
    assert writer.counts == AuditCounts(n_written=n_written, n_refused=1)
    assert read_chain(store, writer.writer)[-2].entry.latency_us == 1_000
    check(store, n_dropped=0, unfinished=[])


@pytest.mark.parametrize("sync", [False, True])
def test_with_continue_memory_is_bounded_and_the_log_says_how_many_are_missing(store, make_writer, sync):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=0.01, on_failure="continue", max_pending_bytes=1 << 16, sync=sync)
    writer.open()
    failing.is_away = True
    for number in range(500):
        writer.append(make_entry(number))
    assert 1 << 16 <= writer.n_pending_bytes < (1 << 16) + 5_000
    failing.is_away = False
    writer.flush()
    writer.close()
    kinds = [record.entry.kind for record in read_chain(store, writer.writer)]
    assert kinds[-2:] == ["gap", "end"]
    n_dropped = 500 - kinds.count("request")
    assert writer.counts == AuditCounts(n_written=len(kinds), n_dropped=n_dropped)
    check(store, n_dropped=n_dropped)


def test_a_store_that_is_back_is_found_without_a_further_call(store, make_writer):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=0.01)
    writer.open()
    failing.is_away = True
    writer.append(make_entry(1))
    block_until(lambda: writer.failure)
    failing.is_away = False
    block_until(lambda: not writer.failure)
    assert read_chain(store, writer.writer)[-1].entry.latency_us == 1
    writer.append(make_entry(2))
    writer.close()


def test_a_lost_answer_of_the_store_writes_nothing_twice(store, make_writer):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=0.01)
    writer.open()
    failing.loses_answers = 2
    writer.append(make_entry(0))
    for _ in range(3):
        try:
            writer.flush()
        except AuditError:
            continue
    writer.close()
    check(store, n_records=3)


def test_a_log_that_cannot_begin_is_an_error_or_begins_later(store, make_writer):
    failing = FailingStore(store)
    failing.is_away = True
    with pytest.raises(AuditError):
        make_writer(failing).open()
    writer = make_writer(failing, on_failure="continue", flush_s=0.01)
    writer.open()
    writer.append(make_entry(0))
    failing.is_away = False
    writer.close()
    assert len(read_chain(store, writer.writer)) == 3


def test_what_is_lost_at_the_close_is_an_error(store, make_writer):
    failing = FailingStore(store)
    writer = make_writer(failing, flush_s=60)
    writer.open()
    writer.append(make_entry(0))
    failing.is_away = True
    with pytest.raises(AuditError, match="2 records are lost"):
        writer.close()


def test_a_closed_log_takes_nothing(make_writer):
    writer = make_writer()
    with writer:
        pass
    with pytest.raises(AuditError, match="not open"):
        writer.append(make_entry())


def test_a_writer_names_the_heads_of_others_as_they_move(store, make_writer):
    first = make_writer(flush_s=0.01, anchor_s=0.01)
    first.open()
    with make_writer(flush_s=60, anchor_s=60) as second:
        pass
    block_until(
        lambda: any(record.entry.kind is RecordKind.HEADS for record in read_chain(store, first.writer))
    )
    first.close()
    with make_writer() as third:
        pass
    genesis = json.loads(read_chain(store, third.writer)[0].entry.body)
    ends = {writer: read_chain(store, writer)[-1] for writer in (first.writer, second.writer)}
    assert genesis["heads"] == [[name, ends[name].sequence, ends[name].hash] for name in sorted(ends)]


PROCESS = """
import sys
from eagleray.setting_groups.serving import AuditSettings
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.record import Entry, RecordKind

settings = AuditSettings(flush_s=0.01, sync=sys.argv[3] == "sync")
writer = AuditWriter(open_store(sys.argv[1]), "notes", settings=settings)
writer.open()
for number in range(int(sys.argv[2])):
    writer.append(Entry(kind=RecordKind.REQUEST, subject="ann", latency_us=number))
    print(number, flush=True)
writer.close()
"""


def start(store, n, sync=""):
    root = Path(__file__).parents[4]
    command = [sys.executable, "-c", PROCESS, store.url, str(n), sync]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def test_several_processes_write_at_once(store):
    processes = [start(store, 200) for _ in range(3)]
    assert all(process.communicate()[0] and process.returncode == 0 for process in processes)
    check(store, n_chains=3, unfinished=[])
    records = scan_records(store, COLLECTION, AuditQuery(subject="ann"))
    assert sorted(record.entry.latency_us for record in records) == sorted(list(range(200)) * 3)


def test_with_sync_a_killed_process_loses_nothing_it_had_acknowledged(store):
    process = start(store, 10_000_000, sync="sync")
    for _ in range(50):
        last = int(process.stdout.readline())
    process.kill()
    rest, _ = process.communicate()
    last = max([last, *map(int, rest.split())])
    (writer,) = list_chains(store, COLLECTION)
    numbers = [record.entry.latency_us for record in read_chain(store, writer)[1:]]
    check(store, unfinished=[writer])
    assert [number for number in numbers if number <= last][-1] == last


def test_a_log_that_is_being_written_verifies(store, make_writer):
    with (
        make_writer(flush_s=0.001, max_segment_records=3, anchor_s=0.001) as writer,
        make_writer(flush_s=0.001, max_segment_records=3, anchor_s=0.001) as other,
    ):
        for number in range(300):
            writer.append(make_entry(number))
            other.append(make_entry(number))
            if number % 30 == 0:
                check(store)
    check(store, unfinished=[])


def test_a_writer_that_is_not_open_takes_nothing_and_closes_in_peace(make_writer):
    writer = make_writer()
    with pytest.raises(AuditError, match="not open"):
        writer.append(make_entry())
    writer.close()


def test_what_cannot_be_a_record_is_refused_alone(store, make_writer):
    with make_writer() as writer:
        with pytest.raises(AuditError, match="no record can be made"):
            writer.append(Entry(kind=RecordKind.REQUEST, subject="\ud800"))
        writer.append(make_entry())
    check(store, n_records=3, unfinished=[])


def test_vacuum_and_the_check_of_snapshots_leave_the_log_alone(store, make_writer):
    snapshot = put_small_snapshot(store)
    with make_writer() as writer:
        writer.append(make_entry())
    plan = plan_vacuum(Collection(store, COLLECTION), older_than=OPEN_END)
    assert [item.path for item in plan.objects if "/audit/" in item.path] == []
    assert verify_snapshot(Collection(store, COLLECTION), snapshot).findings == ()


def test_what_a_killed_process_had_stored_verifies(store):
    process = start(store, 10_000_000)
    last = int(process.stdout.readline())
    (writer,) = list_chains(store, COLLECTION)
    while len(read_chain(store, writer)) <= 2:  # its thread stores some before it is killed
        for _ in range(200):
            last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    records = read_chain(store, writer)
    check(store, n_chains=1, n_records=len(records), unfinished=[writer])
    assert len(records) > 2 <= last
    with AuditWriter(open_store(store.url), COLLECTION, settings=AuditSettings()) as after:
        pass
    heads = json.loads(read_chain(store, after.writer)[0].entry.body)["heads"]
    assert [head[0] for head in heads] == [writer]
