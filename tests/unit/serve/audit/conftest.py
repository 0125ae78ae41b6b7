from __future__ import annotations

import threading

import pytest

from eagleray.contracts.asked_snapshots import ask_own
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import StoreError
from eagleray.setting_groups.serving import AuditSettings
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from tests.audit_records import record_one

COLLECTION = "notes"


class FailingStore:
    """A store that is away while `is_away` is set; may lose the answer to a write it has made."""

    def __init__(self, inner):
        self.inner, self.is_away, self.loses_answers = inner, False, 0

    def create(self, path, data):
        self._check(path)
        is_new = self.inner.create(path, data)
        if self.loses_answers:
            self.loses_answers -= 1
            raise StoreError(path=path, detail="the answer was lost")
        return is_new

    def _check(self, path):
        if self.is_away:
            raise StoreError(path=path, detail="no space left on device")

    def __getattr__(self, name):
        def call(*args):
            self._check(str(args[0]))
            return getattr(self.inner, name)(*args)

        return call


class Clock:
    """Microseconds that pass by one a call."""

    def __init__(self):
        self.now, self._lock = 1_000_000, threading.Lock()

    def __call__(self):
        with self._lock:
            self.now += 1
            return self.now


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


@pytest.fixture
def make_writer(store):
    made = []

    def make(store=store, **settings):
        writer = AuditWriter(store, COLLECTION, settings=AuditSettings(**settings), now=Clock())
        made.append(writer)
        return writer

    return make


def make_entry(number=0, *, subject="ann", questions="text", outcome=None):
    request = SearchRequest(query=f"question {number}", principal=Principal(subject=subject))
    outcome, snapshot = outcome or ValueError("x"), ask_own(f"{number % 3}" * 64)
    return record_one(request, outcome, questions=questions, latency_us=number, snapshot=snapshot)
