from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eagleray.errors import InputError
from eagleray.setting_groups.serving import AuditSettings
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.layout import SegmentName, export_heads, list_chains, locate_head, read_export
from serve.audit.record import Entry, RecordedHit, RecordKind, flatten, link_record
from serve.audit.segments import SCHEMA, decode_segment, encode_segment, encode_table
from serve.audit.verification import list_last_heads, verify_log
from tests.unit.serve.audit.conftest import COLLECTION, Clock, make_entry

N_SEGMENT = 100
PROPERTY = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


HIT = {"chunk_id": 1, "doc_id": "doc", "score": 0.5, "reranked": None}


def write_chain(store, *, n, n_segment=N_SEGMENT, subject="ann"):
    hits = tuple(RecordedHit(chunk_id=n, doc_id=f"doc-{n}", score=n / 3, reranked=None) for n in range(3))
    policy = AuditSettings(flush_s=60, max_segment_records=n_segment, anchor_s=600)
    with AuditWriter(store, COLLECTION, settings=policy, now=Clock()) as writer:
        for number in range(n):
            entry = make_entry(number, subject=subject)
            zones = None if number % 2 else ("eu",)
            writer.append(replace(entry, hits=hits, groups=("credit", "rates"), zones=zones, plan="{}"))
            if number % n_segment == n_segment - 1:
                writer.flush()
    return writer.writer


class Log:
    """A log of two chains whose first is whole; changes are undone by `restore`."""

    def __init__(self, store, *, n, n_segment):
        self.store = store
        self.writer = write_chain(store, n=n, n_segment=n_segment)
        self.other = write_chain(store, n=3, subject="bob")
        self.names = list_chains(store, COLLECTION)[self.writer]
        self.paths = [name.locate(COLLECTION) for name in self.names]
        self.kept = {item.path: store.read(item.path) for item in store.list(COLLECTION)}

    def restore(self):
        for item in list(self.store.list(COLLECTION)):
            if item.path not in self.kept:
                self.store.delete(item.path)
        for path, data in self.kept.items():
            if not self.store.exists(path) or self.store.read(path) != data:
                self.store.write(path, data)

    def read(self, place):
        return decode_segment(self.kept[self.paths[place]])

    def write(self, place, rows):
        self.store.write(self.paths[place], encode_table(pa.Table.from_pylist(rows, schema=SCHEMA)))

    def find(self, **given):
        return verify_log(self.store, COLLECTION, **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Log(open_store(tmp_path_factory.mktemp("log") / "store"), n=1_000, n_segment=N_SEGMENT)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Log(open_store(tmp_path_factory.mktemp("small") / "store"), n=30, n_segment=10)


@pytest.fixture
def log(whole):
    yield whole
    whole.restore()


def test_a_log_of_a_thousand_requests_verifies(log):
    result = log.find()
    assert (result.findings, result.unfinished, result.n_chains) == ([], [], 2)
    assert result.n_records >= 1_000 + 3 + 4


def change(value, draw, more="eu"):
    """Return another value of the same column."""
    if value is None:
        return draw(st.sampled_from([[], ["eu"]]))
    if isinstance(value, str):
        place = draw(st.integers(0, len(value)))
        mark = draw(st.sampled_from("a0 é\x00"))
        changed = value[:place] + mark + value[place + draw(st.integers(0, 1)) :]
        return changed if changed != value else value + mark
    if isinstance(value, int):
        return value ^ (1 << draw(st.integers(0, 62)))
    if isinstance(value, float):
        return draw(st.sampled_from([math.nextafter(value, 2.0), -value - 1.0, math.nan, math.inf]))
    if isinstance(value, dict):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: 0.5 if value[name] is None else change(value[name], draw)}
    if value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], change(value[place], draw), *value[place + 1 :]]
    return value[:-1] if value else [more]


@PROPERTY
@given(data=st.data(), place=st.integers(0, 3), column=st.sampled_from(SCHEMA.names))
def test_any_change_of_any_field_of_any_record_is_found(small, data, place, column):
    rows = [flatten(record) for record in small.read(place)]
    row = data.draw(st.integers(0, len(rows) - 1))
    sequence = rows[row]["sequence"]
    rows[row] = {**rows[row], column: change(rows[row][column], data.draw, HIT if column == "hits" else "eu")}
    try:
        small.write(place, rows)
        findings = small.find().findings
        assert findings
        assert column in ("sequence", "kind") or sequence in {finding.sequence for finding in findings}
    finally:
        small.restore()


@PROPERTY
@given(data=st.data())
def test_any_removed_doubled_or_swapped_record_is_found(small, data):
    place = data.draw(st.integers(0, len(small.paths) - 1))
    other = data.draw(st.integers(0, len(small.paths) - 1))
    rows = [flatten(record) for record in small.read(place)]
    row = data.draw(st.integers(0, len(rows) - 1))
    kind = data.draw(st.sampled_from(["remove", "double", "swap"]))
    try:
        if kind == "remove":
            del rows[row]
        elif kind == "double":
            rows.insert(data.draw(st.integers(0, len(rows))), rows[row])
        else:
            others = rows if place == other else [flatten(record) for record in small.read(other)]
            against = data.draw(st.integers(0, len(others) - 1))
            if (place, row) == (other, against):
                return
            rows[row], others[against] = others[against], rows[row]
            small.write(other, others)
        small.write(place, rows)
        assert small.find().findings
    finally:
        small.restore()


@PROPERTY
@given(place=st.integers(0, 3), position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_file_is_found_or_changes_no_record(small, place, position, bit):
    data = bytearray(small.kept[small.paths[place]])
    data[int(position * len(data))] ^= 1 << bit
    try:
        small.store.write(small.paths[place], bytes(data))
        assert small.find().findings or decode_segment(bytes(data)) == small.read(place)
    finally:
        small.restore()


def test_the_finding_says_which_record_was_changed(log):
    rows = [flatten(record) for record in log.read(3)]
    rows[7]["subject"] = "eve"
    log.write(3, rows)
    (finding,) = log.find().findings
    assert (finding.writer, finding.sequence) == (log.writer, rows[7]["sequence"])
    assert "changed" in finding.detail


def test_a_changed_record_with_a_hash_made_again_is_found_by_the_next(log):
    records = log.read(3)
    forged = relink(records[7], replace(records[7].entry, subject="eve"), previous=records[7].previous)
    log.write(3, [flatten(record) for record in [*records[:7], forged, *records[8:]]])
    (finding,) = log.find().findings
    assert finding.sequence == records[8].sequence
    assert "does not follow" in finding.detail


def test_a_number_left_out_is_found_where_all_hashes_after_it_were_made_again(log):
    records = [*log.read(len(log.paths) - 2), *log.read(len(log.paths) - 1)]
    forged, previous = records[:3], records[2].hash
    for record in records[4:]:
        forged.append(relink(record, record.entry, previous=previous))
        previous = forged[-1].hash
    for path in log.paths[-2:]:
        log.store.delete(path)
    name = SegmentName(writer=log.writer, first=forged[0].sequence, last=forged[-1].sequence, hash=previous)
    log.store.write(name.locate(COLLECTION), encode_segment(forged))
    details = [finding.detail for finding in log.find().findings if finding.sequence == records[3].sequence]
    assert details == [f"record {records[4].sequence} stands in its place"]


def test_a_removed_segment_is_found_with_the_records_it_held(log):
    log.store.delete(log.paths[4])
    first, last = log.names[4].first, log.names[4].last
    assert [finding.detail for finding in log.find().findings] == [f"records {first} to {last} are missing"]


def test_a_removed_tail_is_found_because_another_chain_named_its_end(log):
    log.store.delete(log.paths[-1])
    log.store.delete(locate_head(COLLECTION, log.writer))
    result = log.find()
    assert result.unfinished == [log.writer]
    (finding,) = result.findings
    assert log.other in finding.detail
    assert finding.sequence == log.names[-1].last


def test_a_removed_chain_is_found_because_another_chain_named_it(log):
    for path in (*log.paths, locate_head(COLLECTION, log.writer)):
        log.store.delete(path)
    (finding,) = log.find().findings
    assert finding.writer == log.writer


def test_the_last_chain_removed_whole_is_found_only_with_heads_kept_elsewhere(log):
    export = export_heads(COLLECTION, list_last_heads(log.store, COLLECTION), now=1)
    for name in list_chains(log.store, COLLECTION)[log.other]:
        log.store.delete(name.locate(COLLECTION))
    log.store.delete(locate_head(COLLECTION, log.other))
    assert log.find().findings == []
    heads = read_export(to_text(export), collection=COLLECTION)
    assert [finding.writer for finding in log.find(heads=heads).findings] == [log.other]


def test_a_chain_rewritten_to_its_end_is_found_by_heads_named_before(log):
    """Whoever may write the store can make every hash again; what others named of the chain stays."""
    heads = list_last_heads(log.store, COLLECTION)
    records = [record for place in range(len(log.paths)) for record in log.read(place)]
    forged, previous = [], records[0].previous
    for record in records:
        subject = "eve" if record.sequence == 500 else record.entry.subject
        forged.append(relink(record, replace(record.entry, subject=subject), previous=previous))
        previous = forged[-1].hash
    for path in log.paths:
        log.store.delete(path)
    name = SegmentName(writer=log.writer, first=1, last=len(forged), hash=forged[-1].hash)
    log.store.write(name.locate(COLLECTION), encode_segment(forged))
    log.store.delete(locate_head(COLLECTION, log.writer))
    assert log.find().findings  # the other chain named the end of this one
    for other in list_chains(log.store, COLLECTION)[log.other]:
        log.store.delete(other.locate(COLLECTION))
    log.store.delete(locate_head(COLLECTION, log.other))
    assert log.find().findings == []
    assert {finding.writer for finding in log.find(heads=heads).findings} == {log.writer, log.other}


def test_a_record_put_in_behind_the_end_is_found(log):
    last = log.read(len(log.paths) - 1)[-1]
    entry = Entry(kind=RecordKind.REQUEST, subject="eve")
    more = link_record(entry, writer=log.writer, sequence=last.sequence + 1, time=1, previous=last.hash)
    name = SegmentName(writer=log.writer, first=more.sequence, last=more.sequence, hash=more.hash)
    log.store.write(name.locate(COLLECTION), encode_segment([more]))
    assert ["cannot stand here" in finding.detail for finding in log.find().findings] == [True]


def test_a_chain_moved_below_another_writer_or_collection_is_found(log):
    for name, data in zip(log.names, (log.kept[path] for path in log.paths), strict=True):
        log.store.write(replace(name, writer="mallory").locate(COLLECTION), data)
        log.store.write(name.locate("elsewhere"), data)
    assert {finding.writer for finding in log.find().findings} == {"mallory"}
    details = [finding.detail for finding in verify_log(log.store, "elsewhere").findings]
    assert details == ["the chain is of collection notes"]
    for name in log.names:
        log.store.delete(name.locate("elsewhere"))


def test_what_has_no_place_in_a_log_is_found(log):
    log.store.write(f"{COLLECTION}/audit/segments/{log.writer}/notes.txt", b"x")
    log.store.write(f"{COLLECTION}/audit/heads/mallory.json", b"{}")
    assert len(log.find().findings) == 2


def test_damage_is_told_once_for_a_file_and_the_rest_is_checked_on(log):
    log.store.write(log.paths[2], b"no parquet")
    rows = [flatten(record) for record in log.read(5)]
    rows[1]["status"] = "ok"
    log.write(5, rows)
    findings = log.find().findings
    assert [finding.sequence for finding in findings] == [log.names[2].first, rows[1]["sequence"]]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": "x", "heads": [], "collection": "notes"}'])
def test_heads_that_are_none_are_refused(text):
    with pytest.raises(InputError):
        read_export(text, collection=COLLECTION)


def test_heads_of_another_collection_are_refused():
    with pytest.raises(InputError, match="collection"):
        read_export(to_text(export_heads("other", [], now=1)), collection=COLLECTION)


def relink(record, entry, *, previous):
    return link_record(
        entry, writer=record.writer, sequence=record.sequence, time=record.time, previous=previous
    )


def to_text(export):
    return json.dumps(export)


def test_an_empty_log_verifies(tmp_path):
    result = verify_log(open_store(tmp_path / "store"), COLLECTION)
    assert (result.n_chains, result.findings) == (0, [])


def test_random_bytes_in_the_place_of_a_segment_never_stop_the_check(log):
    rng = random.Random(7)  # noqa: S311 - no secret
    for _ in range(20):
        data = bytearray(log.kept[log.paths[1]])
        start = rng.randrange(len(data))
        data[start : start + rng.randrange(1, 400)] = rng.randbytes(rng.randrange(0, 400))
        log.store.write(log.paths[1], bytes(data))
        log.find()
