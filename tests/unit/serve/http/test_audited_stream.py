"""A reply that takes time, as its route sees it: one beginning, one end, whatever happens between them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.asked_snapshots import ask_own
from eagleray.contracts.hits import SearchRequest
from eagleray.errors import AuditError, NotPublishedError
from serve.audit.entries import BEGUN, CANCELLED, OK
from serve.engine.uncancellable import UncancellableWork
from serve.http.audited_stream import IS_HEAD, AuditedReply, AuditedStream
from tests.audit_records import ListedRecords
from tests.unit.serve.audit.test_entries import RESPONSE

REQUEST = SearchRequest(query="swap")
NAMED = "b" * 64


class Log:
    """What was recorded: requests that were whole at once, and entries."""

    def __init__(self, then=lambda entry: None):
        self.whole, self.entries = [], []

        def keep(entry):
            then(entry)
            self.entries.append(entry)

        self.recorder = ListedRecords(self.whole, keep=keep)

    def open_reply(self, uncancellable=None, **more):
        return AuditedReply(self.recorder, uncancellable or UncancellableWork(), REQUEST, **more)

    @property
    def statuses(self):
        return [entry.status for entry in self.entries]


def test_a_named_snapshot_stands_in_both_entries():
    log = Log()

    async def find(name):
        return ask_own(name)

    async def run():
        async with log.open_reply(named=NAMED, find_snapshot=find) as reply:
            assert reply.snapshot == ask_own(NAMED)
            reply.count(7)
            await reply.end(RESPONSE)

    asyncio.run(run())
    assert log.statuses == [BEGUN, OK]
    assert [entry.snapshot for entry in log.entries] == [NAMED, RESPONSE.explanation.snapshot]
    assert '"bytes":7' in log.entries[1].body


def test_a_snapshot_that_is_refused_is_recorded_as_a_whole_request():
    log = Log()

    async def refuse(name):
        raise NotPublishedError(name=name, detail="not for you")

    async def run():
        async with log.open_reply(named=NAMED, find_snapshot=refuse):
            raise AssertionError("nothing may be given")

    with pytest.raises(NotPublishedError):
        asyncio.run(run())
    (ended,) = log.whole
    assert (type(ended.outcome), ended.snapshot) == (NotPublishedError, ask_own(NAMED))
    assert log.entries == []


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_stream_whose_head_alone_is_asked_for_is_recorded_as_not_read(ends_first):
    log, sent = Log(), []

    async def give(reply):
        reply.update(RESPONSE)
        if ends_first:
            await reply.end(RESPONSE)
        yield b"data: 1\n\n"
        raise AssertionError("nobody reads on")

    async def send(message):
        sent.append(message)

    async def run():
        reply = log.open_reply()
        await AuditedStream(reply, give(reply))({IS_HEAD: True}, asyncio.Event().wait, send)

    asyncio.run(run())
    assert log.statuses == [BEGUN, CANCELLED]
    assert log.entries[1].hits == ()
    assert '"bytes":0' in log.entries[1].body
    assert [message.get("body") for message in sent] == [None, b""]
    assert sent[0]["status"] == 200


def test_what_fails_after_the_end_was_recorded_is_not_recorded_again():
    log = Log()

    async def run():
        async with log.open_reply() as reply:
            await reply.end(RESPONSE)
            raise ValueError("the last words failed")

    with pytest.raises(ValueError, match="last words"):
        asyncio.run(run())
    assert log.statuses == [BEGUN, OK]


def test_a_reply_that_never_says_that_it_is_whole_has_failed():
    log = Log()

    async def run():
        async with log.open_reply() as reply:
            reply.update(RESPONSE)

    with pytest.raises(RuntimeError, match="expected a call of `end`"):
        asyncio.run(run())
    assert log.statuses == [BEGUN, "RuntimeError"]
    assert len(log.entries[1].hits) == len(RESPONSE.hits)


def test_a_caller_who_goes_while_the_beginning_is_stored_leaves_an_end():
    is_storing, may_go_on = threading.Event(), threading.Event()

    def hold(entry):
        if entry.status == BEGUN:
            is_storing.set()
            assert may_go_on.wait(20)

    log, work = Log(hold), UncancellableWork()

    async def enter():
        async with log.open_reply(work):
            raise AssertionError("nothing may be given")

    async def run():
        entering = asyncio.create_task(enter())
        assert await asyncio.to_thread(is_storing.wait, 20)
        entering.cancel()
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await entering
        await work.close()

    asyncio.run(run())
    assert log.statuses == [BEGUN, CANCELLED]


def test_nothing_is_given_of_what_cannot_be_recorded():
    def refuse(entry):
        raise AuditError(detail="the disk is full")

    log = Log(refuse)

    async def run():
        async with log.open_reply():
            raise AssertionError("nothing may be given")

    with pytest.raises(AuditError):
        asyncio.run(run())
    assert log.entries == []
