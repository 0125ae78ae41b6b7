"""Writes one process's chain: records are buffered a bounded time, and stored segment by segment.

One thread stores; a segment that could not be stored is tried again with the same bytes, so nothing is stored
twice. Each process has a writer of its own, made after it was forked.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from eagleray.contracts.ports import Store
from eagleray.errors import AuditError, EagleRayError, IntegrityError
from eagleray.logs import get_logger
from eagleray.setting_groups.serving import AuditSettings
from serve.audit.anchors import Anchors, make_genesis_entry, make_heads_entry
from serve.audit.buffer import Buffer
from serve.audit.counts import AuditCounts
from serve.audit.entries import ReplyDetails, make_end_entry
from serve.audit.layout import Head, SegmentName
from serve.audit.record import Entry, RecordKind
from serve.audit.segments import encode_segment

_MAX_WAIT_S: Final = 5.0
"""Seconds between two tries while the store fails: twice as many each time, up to these."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A segment whose bytes are made and perhaps stored already."""

    name: SegmentName
    data: bytes


class AuditWriter:
    """The audit log of one process; safe to share between threads."""

    def __init__(
        self,
        store: Store,
        collection: str,
        *,
        settings: AuditSettings,
        facts: Mapping[str, str] | None = None,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Take the parts; `open` begins.

        Args:
            store: that takes the log.
            collection: whose log it is.
            settings: how long records may wait, and what happens where they cannot be stored.
            facts: what the process is; stands in the chain's first record.
            now: returns microseconds since the epoch.
        """
        self._store, self._collection, self._settings, self._now = store, collection, settings, now
        self._facts = dict(facts or {})
        self.writer: Final = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex}"
        self._anchors = Anchors(store, collection, self.writer)
        self._buffer = Buffer(self.writer)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="eagleray-audit", daemon=True)
        self._segment: _Segment | None = None
        self._head: Head | None = None
        self._told: Head | None = None
        self._anchored_at = time.monotonic()
        self._failure, self._n_failures, self._wait_s = "", 0, settings.flush_s
        self._is_urgent, self._is_open = False, False
        self._n_written, self._n_refused, self._n_dropped = 0, 0, 0

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def failure(self) -> str:
        """Why the store does not take records now; empty if all is well."""
        return self._failure

    @property
    def counts(self) -> AuditCounts:
        """What was done so far."""
        return AuditCounts(
            n_written=self._n_written,
            n_refused=self._n_refused,
            n_dropped=self._n_dropped,
            n_pending=len(self._buffer),
            is_failing=bool(self._failure),
        )

    @property
    def n_pending_bytes(self) -> int:
        """Memory of the records that wait to be stored; none is taken once it reaches `max_pending_bytes`."""
        return self._buffer.n_bytes

    def open(self) -> None:
        """Begin the chain.

        Raises:
            AuditError: the store does not take it, and the policy is to refuse.
        """
        try:
            heads = self._anchors.look()
        except EagleRayError as error:
            heads = ()
            if self._is_refusing:
                raise AuditError(detail=f"it cannot begin: {error}") from error
        genesis = make_genesis_entry(self._collection, heads, self._facts)
        self._buffer.add(genesis, now=self._now())
        self._is_open = True
        self._thread.start()
        try:
            self.flush()
        except AuditError:
            if self._is_refusing:
                self._stop()
                raise

    def append(self, *entries: Entry, is_stored: bool = False) -> None:
        """Put entries into the log; when this returns, the answer may be given.

        Args:
            *entries: what happened.
            is_stored: whether to wait until they are stored, whatever the settings say.

        Raises:
            AuditError: the log cannot take it and the policy is to refuse, or the log is closed.
        """
        with self._changed:
            try:
                if self._take(entries):
                    self._settle(is_stored=is_stored)
            except AuditError:
                self._n_refused += len(entries)
                raise

    def begin(self, entry: Entry) -> int:
        """Put in the entry of a request whose reply takes time, and wait until it is stored.

        Returns:
            Number of its record, for the entry that ends it; 0 where there was no room, and the policy is to
            go on.

        Raises:
            AuditError: the log cannot take it and the policy is to refuse, or the log is closed. Where the
                entry is in the chain all the same, one that ends it is, too.
        """
        with self._changed:
            sequence = 0
            try:
                if self._take((entry,)):
                    sequence = self._buffer.sequence
                    self._settle(is_stored=True)
            except AuditError as error:
                self._n_refused += 1
                if sequence:
                    refused = make_end_entry(
                        entry, ReplyDetails(), status=type(error).__name__, sequence=sequence
                    )
                    self._buffer.add(refused, now=self._now())
                raise
            return sequence

    def end(self, entry: Entry, *, is_stored: bool = False) -> None:
        """Put in the entry that ends a begun request: always, for room was made when that began.

        Args:
            entry: how it ended.
            is_stored: whether to wait until it is stored, whatever the settings say.

        Raises:
            AuditError: as for `append`; then nothing more of the reply may be given, and the entry says so.
        """
        with self._changed:
            try:
                if not self._is_open:
                    raise self._refuse()
                self._end(entry)
                self._settle(is_stored=is_stored)
            except AuditError:
                self._n_refused += 1
                raise

    def flush(self) -> None:
        """Store every record that was appended before.

        Raises:
            AuditError: the store does not take them; they stay, and are tried again.
        """
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            if not self._wait_stored(self._buffer.sequence):
                raise self._refuse()

    def close(self) -> None:
        """Store what is left, with a record that the chain ends here.

        Raises:
            AuditError: the store does not take it; the records that were left are lost.
        """
        with self._changed:
            if not self._is_open:
                return
            self._buffer.add(Entry(kind=RecordKind.END), now=self._now())
        self._stop()
        if len(self._buffer):
            _log.error("audit_records_lost", collection=self._collection, n_records=len(self._buffer))
            raise AuditError(detail=f"{len(self._buffer)} records are lost: {self._failure}")

    @property
    def _is_refusing(self) -> bool:
        return self._settings.on_failure == "refuse"

    def _take(self, entries: Sequence[Entry]) -> bool:
        """Take entries, with the lock held; return whether there was room for them."""
        if not self._is_open or (self._is_refusing and self._failure):
            raise self._refuse()
        if self._buffer.n_bytes >= self._settings.max_pending_bytes:
            if self._is_refusing:
                raise AuditError(detail="no answer is given: more records wait to be stored than may")
            for _ in entries:
                self._buffer.drop(now=self._now())
            self._n_dropped += len(entries)
            return False
        try:
            for entry in entries:
                self._buffer.add(entry, now=self._now())
        except ValueError as error:
            raise AuditError(detail=f"no record can be made: {error}") from error
        return True

    def _end(self, entry: Entry) -> None:
        """Take the entry that ends a request, with the lock held; where that is refused, it says so."""
        is_failing = self._is_refusing and bool(self._failure)
        refused = replace(entry, status=AuditError.__name__)
        try:
            self._buffer.add(refused if is_failing else entry, now=self._now())
        except ValueError as error:
            self._buffer.add(replace(refused, hits=(), plan=""), now=self._now())
            raise AuditError(detail=f"no record can be made: {error}") from error
        if is_failing:
            raise self._refuse()

    def _settle(self, *, is_stored: bool) -> None:
        """Do, with the lock held, what is due once entries are taken: wait until they are stored, or not."""
        if (is_stored or self._settings.sync) and not self._failure:
            self._is_urgent = True
            self._changed.notify_all()
            if not self._wait_stored(self._buffer.sequence) and self._is_refusing:
                raise self._refuse()
        elif len(self._buffer) >= self._settings.max_segment_records:
            self._changed.notify_all()

    def _stop(self) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._thread.join()

    def _refuse(self) -> AuditError:
        if self._failure:
            detail = f"no answer is given without a record, and the store takes none: {self._failure}"
            return AuditError(detail=detail)
        return AuditError(detail="it is not open")

    def _wait_stored(self, sequence: int) -> bool:
        """Wait, with the lock held, until a record is stored or a try has failed; return which."""
        n_failures = self._n_failures

        def is_stored() -> bool:
            return self._head is not None and self._head.sequence >= sequence

        self._changed.wait_for(
            lambda: is_stored() or self._n_failures > n_failures or not self._thread.is_alive()
        )
        return is_stored()

    def _is_due(self) -> bool:
        is_full = len(self._buffer) >= self._settings.max_segment_records
        return not self._is_open or self._is_urgent or (is_full and not self._failure)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            with self._changed:
                self._changed.wait_for(self._is_due, timeout=self._wait_s)
                is_last, self._is_urgent = not self._is_open, False
            try:
                self._store_pending()
                self._anchor(is_last=is_last)
            except Exception as error:  # noqa: BLE001 - raised by the next append; the thread must go on
                self._fail(error)
        with self._changed:
            self._changed.notify_all()

    def _store_pending(self) -> None:
        while True:
            with self._changed:
                records = self._buffer.peek(self._settings.max_segment_records)
            if self._segment is None and records:
                last = records[-1]
                name = SegmentName(
                    writer=self.writer, first=records[0].sequence, last=last.sequence, hash=last.hash
                )
                self._segment = _Segment(name=name, data=encode_segment(records))
            if self._segment is None:
                self._failure = ""
                return
            self._put(self._segment)
            with self._changed:
                name, self._segment = self._segment.name, None
                self._buffer.forget(name.last - name.first + 1)
                self._n_written += name.last - name.first + 1
                self._head = name.head
                self._failure, self._wait_s = "", self._settings.flush_s
                self._changed.notify_all()

    def _put(self, segment: _Segment) -> None:
        path = segment.name.locate(self._collection)
        # A service may make the object and lose the answer; the retry then meets our own bytes.
        if not self._store.create(path, segment.data) and self._store.read(path) != segment.data:
            raise IntegrityError(path=path, expected="the segment this process wrote", found="other bytes")

    def _anchor(self, *, is_last: bool) -> None:
        """Tell others this chain's head, and name theirs; not having done so is no failure of the log."""
        is_due = self._told is None or time.monotonic() - self._anchored_at >= self._settings.anchor_s
        if self._head is None or not (is_due or is_last):
            return
        try:
            if self._told != self._head:
                self._anchors.tell(self._head)
                self._told = self._head
            heads = () if is_last else self._anchors.look()
        except Exception as error:  # noqa: BLE001 - the log goes on without
            _log.warning("audit_not_anchored", collection=self._collection, error=type(error).__name__)
            return
        self._anchored_at = time.monotonic()
        if heads:
            with self._changed:
                if self._is_open:
                    self._buffer.add(make_heads_entry(heads), now=self._now())

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._failure = str(error) or type(error).__name__
            self._n_failures += 1
            self._wait_s = min(2.0 * self._wait_s, max(_MAX_WAIT_S, self._settings.flush_s))
            self._changed.notify_all()
        _log.warning("audit_not_stored", collection=self._collection, error=type(error).__name__)
