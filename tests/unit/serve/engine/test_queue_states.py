from __future__ import annotations

import asyncio
import threading

import numpy as np

from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.queue_states import Queue, QueueState, read_queue, sum_queues


def test_texts_that_wait_for_a_batch_are_counted_with_their_requests():
    begun, goes_on = threading.Event(), threading.Event()

    def embed(texts):
        begun.set()
        assert goes_on.wait(20)
        return np.zeros((len(texts), 4), dtype=np.float32)

    async def ask():
        limits = EncoderLimits(max_tokens=9, max_batch_texts=1)
        encoder = Encoder(embed, count=lambda texts: [1] * len(texts), limits=limits)
        waits = [asyncio.create_task(encoder.encode(["a"] * n)) for n in (1, 2, 3)]
        await asyncio.to_thread(begun.wait, 20)
        while (state := read_queue(Queue.PASSAGE_EMBEDDING, encoder)).n_requests < 2:
            await asyncio.sleep(0)
        goes_on.set()
        await asyncio.gather(*waits)
        empty = read_queue(Queue.PASSAGE_EMBEDDING, encoder)
        await encoder.close()
        return state, empty

    state, empty = asyncio.run(ask())
    assert (state.n_requests, state.n_items, state.n_processes) == (2, 5, 1)
    assert (empty.n_requests, empty.n_items) == (0, 0)


def test_queues_of_several_processes_are_added_up_each_with_its_like():
    states = [
        QueueState(queue=Queue.WRITING, n_requests=1, n_items=10),
        QueueState(queue=Queue.SEARCH, n_requests=2, n_items=2),
        QueueState(queue=Queue.WRITING, n_requests=4, n_items=5),
    ]
    assert sum_queues(states) == (
        QueueState(queue=Queue.SEARCH, n_requests=2, n_items=2),
        QueueState(queue=Queue.WRITING, n_requests=5, n_items=15, n_processes=2),
    )
    assert sum_queues([]) == ()


def test_writing_is_the_sum_of_the_collections():
    class Waiting:
        n_requests, n_waiting = 2, 7

    state = read_queue(Queue.WRITING, Waiting(), Waiting())
    assert (state.n_requests, state.n_items, state.n_processes) == (4, 14, 1)
