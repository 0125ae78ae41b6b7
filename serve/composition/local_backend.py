"""What computes for a server in its own process; documents are written in another one beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.settings import Settings
from indexes.engine_factory import make_engine_factory
from serve.composition.backend import CollectionBackend
from serve.composition.models import Models, TextEncoders
from serve.composition.searches import SearchProcess, choose_limits, open_search_process
from serve.composition.stored_collections import find_collections, for_collection
from serve.composition.writing_process import WritingProcess, make_writing_process
from serve.engine.encoding import Encoder
from serve.engine.group_writing import GroupWriter
from serve.engine.ports import RankerPort
from serve.engine.queue_states import Queue, QueueState, read_queue
from serve.engine.ranker import Ranker
from serve.engine.snapshot_pool import Engine
from serve.engine.threads import Work, run_in_thread

if TYPE_CHECKING:
    from serve.redis.redis_sharing import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalQueues:
    """What requests wait for besides searches; a writer for each collection that is open or being closed."""

    passages: Encoder
    questions: Encoder
    ranker: Ranker | None
    writers: set[GroupWriter] = field(default_factory=set)

    def read(self) -> tuple[QueueState, ...]:
        """Return what waits in each."""
        reranking = () if self.ranker is None else (read_queue(Queue.RERANKING, self.ranker),)
        return (
            read_queue(Queue.PASSAGE_EMBEDDING, self.passages),
            read_queue(Queue.QUESTION_EMBEDDING, self.questions),
            *reranking,
            read_queue(Queue.WRITING, *self.writers),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBackend:
    """Implements `Backend` in this process; every collection has the same models, loaded once.

    Attributes:
        searching: opens what answers on collections.
        writing: carries out the writes of all collections.
    """

    identity: EmbedderIdentity
    encoders: TextEncoders
    ranker: RankerPort | None
    searching: SearchProcess
    writing: WritingProcess
    queues: LocalQueues

    async def read_queues(self) -> tuple[QueueState, ...]:
        """Return what waits in each queue of this process."""
        return (*self.searching.read_queues(), *self.queues.read())

    @asynccontextmanager
    async def open_collection(self, name: str) -> AsyncIterator[CollectionBackend]:
        """Open what answers on a collection."""
        async with self.searching.open_searches(name) as opened:
            group = GroupWriter(partial(self.writing.commit, name))
            self.queues.writers.add(group)
            try:
                yield CollectionBackend(
                    watcher=opened.watcher,
                    searches=opened.searches,
                    answerer=opened.answerer,
                    write=group.write,
                )
            finally:
                await group.close()
                self.queues.writers.discard(group)
                await run_in_thread(Work.COMMITS, self.writing.forget, name)


@asynccontextmanager
async def open_local_backend(
    settings: Settings, *, alias: str, sharing: Sharing | None
) -> AsyncIterator[LocalBackend]:
    """Open the models of this process, for the length of a block.

    Raises:
        ModelError: a model cannot be loaded.
    """
    models = Models(settings)

    def open_engine(name: str, snapshot: str) -> Engine:
        engines = make_engine_factory(for_collection(settings, name))
        return engines.open_searcher(snapshot, embedder=models.embedder)

    async with AsyncExitStack() as stack:
        passages = models.make_text_encoder(is_question=False)
        stack.push_async_callback(passages.close)
        questions = models.make_text_encoder(is_question=True)
        stack.push_async_callback(questions.close)
        ranker = models.make_ranker()
        if ranker is not None:
            stack.push_async_callback(ranker.close)
        opening = open_search_process(
            find_collections(settings, alias=alias),
            models,
            open_engine=open_engine,
            limits=choose_limits(settings.serve),
            sharing=sharing,
        )
        searching = await stack.enter_async_context(opening)
        writing = make_writing_process(settings, alias=alias)
        stack.push_async_callback(run_in_thread, Work.COMMITS, writing.close)
        yield LocalBackend(
            identity=models.embedder.identity,
            encoders=TextEncoders(passages=passages, questions=questions),
            ranker=ranker,
            searching=searching,
            writing=writing,
            queues=LocalQueues(passages=passages, questions=questions, ranker=ranker),
        )
