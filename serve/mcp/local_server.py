"""The tools over standard input and output, on the collections of a store that are opened in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import lru_cache, partial
from typing import TypeVar

from mcp.server.stdio import stdio_server

from eagleray.contracts.cited_answers import AskRequest, CitedAnswer
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.errors import NotPublishedError
from eagleray.settings import Settings
from indexes.service import LocalIndexService
from indexes.snapshots.aliases import read_alias
from indexes.snapshots.catalog import list_collections, resolve
from indexes.storage import open_store
from serve.agents.pipelines import Pipelines, find_pipeline
from serve.answer_service import open_pipelines
from serve.mcp.ports import OnStatement, SeenCollection
from serve.mcp.protocol import make_protocol_server

Made = TypeVar("Made")

_MAX_OPEN = 4
"""Snapshots that stay open."""

_MOST_AT_ONCE = 4
"""Searches, documents and computations that are worked on at once."""


class LocalMcpService:
    """Serves the tools to whoever started this process."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; the store is opened when the tools are served."""
        self._settings = settings

    def serve_stdio(self, *, groups: frozenset[str], alias: str) -> None:
        """Serve until standard input ends.

        Args:
            groups: of the caller.
            alias: whose snapshots answer, where none is named.
        """
        principal = Principal(subject="command-line", groups=groups)
        asyncio.run(_serve(self._settings, principal=principal, alias=alias))


async def _serve(settings: Settings, *, principal: Principal, alias: str) -> None:
    async with open_pipelines(settings.llm) as pipelines, stdio_server() as (taken, given):
        reader = LocalReader(settings, pipelines, principal=principal, alias=alias)
        server = make_protocol_server(lambda _: reader)
        await server.run(taken, given, server.create_initialization_options())


class LocalReader:
    """Reads the collections of a store, each by its alias as it stands when it is asked."""

    def __init__(self, settings: Settings, pipelines: Pipelines, *, principal: Principal, alias: str) -> None:
        """Take the parts.

        Args:
            settings: name the store; their collection comes first.
            pipelines: answer questions.
            principal: who asks.
            alias: whose snapshots answer, where none is named.
        """
        self._settings, self._pipelines = settings, pipelines
        self._principal, self._alias = principal, alias
        self._store: Store = open_store(settings.store, s3=settings.s3)
        self._open_engine = lru_cache(_MAX_OPEN)(self._open)
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="mcp")

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self._principal

    async def list_collections(self) -> Sequence[SeenCollection]:
        """Return the collections that the alias is published of, that of the settings first."""
        return await self.compute(self._list)

    async def search(self, collection: str, request: SearchRequest, *, snapshot: str) -> SearchResponse:
        """Return the hits of a question."""
        return await (await self._find(collection, snapshot)).search(request)

    async def show_document(
        self, collection: str, request: DocumentRequest, *, snapshot: str
    ) -> ShownDocument:
        """Return a document by the chunks that the caller may see."""
        found = await self._find(collection, snapshot)
        return await self.compute(partial(found.engine.show_document, request))

    async def ask(
        self, collection: str, request: AskRequest, *, snapshot: str, on_statement: OnStatement
    ) -> CitedAnswer:
        """Return an answer with citations."""
        searcher = await self._find(collection, snapshot)
        async with aclosing(find_pipeline(request, self._pipelines).answer(request, searcher)) as parts:
            async for part in parts:
                if isinstance(part, CitedAnswer):
                    return part
                await on_statement(part)
        raise TypeError(f"pipeline {request.pipeline!r} ended without an answer")

    async def compute(self, work: Callable[[], Made]) -> Made:
        """Return what work gives, done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _list(self) -> tuple[SeenCollection, ...]:
        names = list_collections(self._store)
        published = [name for name in names if read_alias(Collection(self._store, name), self._alias)]
        published.sort(key=lambda name: (name != self._settings.collection, name))
        return tuple(
            SeenCollection(name=name, snapshot=resolve(Collection(self._store, name), self._alias))
            for name in published
        )

    async def _find(self, collection: str, snapshot: str) -> _OpenCollection:
        return await self.compute(partial(self._find_now, collection, snapshot))

    def _find_now(self, name: str, snapshot: str) -> _OpenCollection:
        seen = {one.name: one for one in self._list()}
        found = seen.get(name) if name else next(iter(seen.values()), None)
        if found is None:
            raise NotPublishedError(name=name or "default", detail="there is no such collection here")
        engine = self._open_engine(found.name, snapshot or self._alias, snapshot or found.snapshot)
        return _OpenCollection(engine, self, collection=found.name)

    def _open(self, name: str, asked: str, _: str) -> SearchEngine:
        """Return an engine; the last argument, an id, lets a moved alias be opened anew."""
        settings = self._settings.model_copy(update={"collection": name})
        return LocalIndexService(settings).open_engine(snapshot=asked)


class _OpenCollection:
    """Asks an engine in a thread, so that messages are read meanwhile."""

    def __init__(self, engine: SearchEngine, reader: LocalReader, *, collection: str) -> None:
        self.engine, self._reader, self.collection = engine, reader, collection

    def find_left_s(self) -> None:
        """Return nothing: the answer may take any time."""

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Return the hits of a question."""
        return await self.compute(partial(self.engine.search, request))

    async def compute(self, work: Callable[[], Made]) -> Made:
        """Return what work gives."""
        return await self._reader.compute(work)
