"""Entries of the audit log in tests: of whole requests, and of what a served application records."""

from __future__ import annotations

from serve.audit.request_entries import EndedRequest, record_request
from serve.audit.request_recorder import RequestRecorder


def record_one(request, outcome, *, questions="text", latency_us=1, **more):
    """Return the entry of a request and its reply, or the error it ended with."""
    ended = EndedRequest(request=request, outcome=outcome, latency_us=latency_us, **more)
    return record_request(ended, questions=questions)


class ListedRecords(RequestRecorder):
    """Lists requests that ended as they are, and gives the entries of others to a function.

    Args:
        listed: takes what ended; `None` where nothing can be recorded.
        keep: takes an entry, or raises.
        counts: what the log says that it has taken.
    """

    def __init__(self, listed, *, keep, counts=None):
        super().__init__(_EntryWriter(keep, counts), questions="text")
        self._listed, self._keep = listed, keep

    def record(self, ended):
        if self._listed is None:
            self._keep(ended)
        self._listed.extend(ended)


class _EntryWriter:
    def __init__(self, keep, counts):
        self._keep, self._n, self.counts = keep, 0, counts

    def begin(self, entry):
        self._keep(entry)
        self._n += 1
        return self._n

    def end(self, entry, *, is_stored=False):
        self._keep(entry)
        self._n += 1
