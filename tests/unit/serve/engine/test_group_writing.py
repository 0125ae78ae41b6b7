from __future__ import annotations

import asyncio
import threading

import pytest

from eagleray.contracts.documents import Document
from eagleray.errors import DeadlineError, InputError, OverloadedError
from indexes.writing.requests import Begun, Write
from serve.engine.group_writing import GroupWriter
from tests.waiting import wait_until


def write(name, *doc_ids):
    documents = tuple(Document(doc_id=doc_id, title="", text="x", known_from=1) for doc_id in doc_ids)
    return Write(begun=Begun(name=name, now=1), documents=documents)


class Rounds:
    """Keeps what each round was given; the first one waits until it is let go."""

    def __init__(self, faulty=()):
        self.rounds, self.faulty, self.is_free = [], faulty, threading.Event()

    def commit(self, writes):
        names = [item.begun.name for item in writes]
        self.rounds.append(names)
        assert self.is_free.wait(timeout=10)
        if set(names) & set(self.faulty):
            raise InputError(detail="faulty")
        return {name: f"s{len(self.rounds)}" for name in names}


async def run(rounds, writes, **more):
    group = GroupWriter(rounds.commit, **more)
    tasks = [asyncio.create_task(group.write(item)) for item in writes]
    await wait_until(lambda: rounds.rounds)
    rounds.is_free.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await group.close()
    return answers


def test_what_comes_together_is_written_together_and_one_document_once_a_round():
    rounds = Rounds()
    writes = [write("1", "a"), write("2", "b"), write("3", "a", "c"), write("4", "c"), write("5", "d")]
    answers = asyncio.run(run(rounds, writes))
    assert rounds.rounds == [["1", "2", "5"], ["3"], ["4"]]
    assert answers == ["s1", "s1", "s2", "s3", "s1"]


def test_a_fault_of_one_request_is_told_to_it_alone():
    answers = asyncio.run(run(Rounds(faulty="2"), [write("1", "a"), write("2", "b"), write("3", "c")]))
    assert isinstance(answers[1], InputError)
    assert [answers[0], answers[2]] == ["s2", "s4"]


def test_too_many_that_wait_are_told_to_come_again():
    rounds = Rounds()
    answers = asyncio.run(run(rounds, [write(str(n), f"d{n}") for n in range(4)], max_waiting=2))
    assert [type(answer) for answer in answers[2:]] == [OverloadedError, OverloadedError]
    with pytest.raises(OverloadedError):
        raise answers[3]


def test_what_waits_past_its_time_is_not_written_unless_its_round_had_begun():
    rounds = Rounds()

    async def body():
        group = GroupWriter(rounds.commit)
        begun = asyncio.create_task(group.write(write("begun", "a"), timeout_s=0.05))
        await wait_until(lambda: rounds.rounds)
        waiting = asyncio.create_task(group.write(write("waiting", "b"), timeout_s=0.05))
        patient = asyncio.create_task(group.write(write("patient", "c"), timeout_s=30.0))
        for late in (begun, waiting):
            with pytest.raises(DeadlineError):
                await late
        rounds.is_free.set()
        assert await patient == "s2"
        await group.close()

    asyncio.run(body())
    assert rounds.rounds == [["begun"], ["patient"]]
