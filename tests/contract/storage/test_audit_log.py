from __future__ import annotations

import threading

from eagleray.contracts.audits import AuditQuery
from eagleray.setting_groups.serving import AuditSettings
from serve.audit.audit_writer import AuditWriter
from serve.audit.layout import list_chains
from serve.audit.record import Entry, RecordKind
from serve.audit.record_queries import scan_records
from serve.audit.verification import list_last_heads, verify_log

SETTINGS = AuditSettings(flush_s=0.02, max_segment_records=8, anchor_s=0.05)


def write(store, subject, n):
    with AuditWriter(store, "notes", settings=SETTINGS) as writer:
        for number in range(n):
            writer.append(Entry(kind=RecordKind.REQUEST, subject=subject, latency_us=number))
            if number % 10 == 0:
                writer.flush()


def test_several_writers_log_at_once_and_what_is_taken_away_is_found(store):
    threads = [threading.Thread(target=write, args=(store, name, 50)) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heads = list_last_heads(store, "notes")
    result = verify_log(store, "notes", heads=heads)
    assert (result.n_chains, result.unfinished, result.findings) == (2, [], [])
    for name in ("ann", "bob"):
        records = scan_records(store, "notes", AuditQuery(subject=name))
        assert [record.entry.latency_us for record in records] == list(range(50))

    first, second = list_chains(store, "notes").values()
    store.delete(first[2].locate("notes"))
    store.delete(second[-1].locate("notes"))
    findings = verify_log(store, "notes", heads=heads).findings
    assert {(finding.writer, finding.sequence) for finding in findings} == {
        (first[0].writer, first[2].first),
        (second[0].writer, second[-1].last),
    }
