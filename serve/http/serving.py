"""What a server has: collections, models, and what callers may take; routes see parts of it (`feature`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from eagleray.contracts.callers import Caller
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.errors import NotPublishedError
from eagleray.models.tokenizing import Tokenize
from eagleray.rerankers import PairReader
from indexes.inspecting import CollectionMeasures
from indexes.writing.requests import Begun, Write
from serve.agents.pipelines import WITHOUT_MODEL, Pipelines
from serve.alias_publisher import Publisher
from serve.audit.counts import AuditCounts
from serve.audit.request_recorder import RequestRecorder
from serve.catalog import Catalog
from serve.engine.coalescing import CoalescedCalls
from serve.engine.exclusive_worker import ExclusiveWorker
from serve.engine.ports import AliasWatcherPort, AnswererPort, EncoderPort, RankerPort
from serve.engine.publications import Publications
from serve.engine.quotas import Quotas
from serve.engine.searching import SearchPort
from serve.engine.uncancellable import UncancellableWork
from serve.http.metrics import Metrics
from serve.http.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The embedding model that is served.

    Attributes:
        identity: its name, dimension and the tokens it reads.
        encoder: embeds passages with it.
        questions: embeds questions with it.
        tokenize: makes its tokens.
        pooling: how a text's vector is made of its tokens'.
        created_at: seconds since the epoch, when it began to be served.
    """

    identity: EmbedderIdentity
    encoder: EncoderPort
    questions: EncoderPort
    tokenize: Tokenize
    pooling: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedReranker:
    """The reranker that is served.

    Attributes:
        pairs: its name, and how it reads a question with a document.
        ranker: scores documents with it.
        created_at: seconds since the epoch, when it began to be served.
    """

    pairs: PairReader
    ranker: RankerPort
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWriter:
    """Takes documents.

    Attributes:
        begin: takes the name of a request's key, its digest and time, and says how it began; never blocks.
        free: gives the key of a request that was refused free for another; never blocks.
        write: carries a request out, and returns the id of the snapshot that holds it.
    """

    begin: Callable[[str, str, int], Awaitable[Begun]]
    free: Callable[[Begun], Awaitable[None]]
    write: Callable[[Write], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionAdministration:
    """What those who run a collection ask of it.

    Attributes:
        catalog: tells of its snapshots, aliases and runs; called in threads.
        publisher: moves its aliases.
        exclusive: does what takes long, one piece at a time.
    """

    catalog: Catalog
    publisher: Publisher
    exclusive: ExclusiveWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCollection:
    """A collection that is served.

    Attributes:
        name: of the collection.
        watcher: of its alias; started.
        publications: says which snapshots may be named, and what rules them.
        searches: answers questions on its snapshots.
        answerer: asks its snapshots anything else.
        recorder: keeps what was asked and how it ended, before the answer is given; called in threads.
        administration: tells of it, and moves its aliases.
        documents: takes documents; `None` where none are taken.
        uploads: keeps files and vector stores; `None` where none are taken.
    """

    name: str
    watcher: AliasWatcherPort
    publications: Publications
    searches: SearchPort
    answerer: AnswererPort
    recorder: RequestRecorder
    administration: CollectionAdministration
    documents: DocumentWriter | None = None
    uploads: Uploads | None = None

    def measure(self) -> CollectionMeasures:
        """Return how large and how fresh it is; reads the store."""
        return self.administration.catalog.measure()

    @property
    def counts(self) -> AuditCounts:
        """What its audit log has taken so far."""
        return self.recorder.counts

    def require_uploads(self) -> tuple[Uploads, DocumentWriter]:
        """Return what keeps files, and what takes their documents.

        Raises:
            NotPublishedError: nothing is taken here.
        """
        if self.uploads is None or self.documents is None:
            raise NotPublishedError(name="files", detail="no files are taken here")
        return self.uploads, self.documents


class ServedCollections:
    """The collections that are served, as callers may see them.

    Args:
        opened: name -> collection; others may come while the server runs.
        default: name of the one that requests are about whose path names none.
    """

    def __init__(self, opened: Mapping[str, ServedCollection], *, default: str) -> None:
        self._opened, self._default = opened, default

    @property
    def default(self) -> ServedCollection | None:
        """What requests are about whose path names no collection; `None` before it is published."""
        return self._opened.get(self._default)

    def list_all(self) -> tuple[ServedCollection, ...]:
        """Return all of them, also those that a caller may not see: the default one first, then by name."""
        names = sorted(self._opened, key=lambda name: (name != self._default, name))
        return tuple(self._opened[name] for name in names)

    def list_seen(self, caller: Caller) -> tuple[ServedCollection, ...]:
        """Return those that a caller may see: the default one first, then by name."""
        return tuple(found for found in self.list_all() if caller.may_see(found.name))

    def find(self, name: str, caller: Caller) -> ServedCollection:
        """Return the collection of a name.

        Raises:
            NotPublishedError: there is none of that name here, or not for this caller; the same either way.
        """
        if not self.is_seen(name, caller):
            raise NotPublishedError(name=name, detail="there is no such collection here")
        return self._opened[name]

    def is_seen(self, name: str, caller: Caller) -> bool:
        """Return whether a collection is there for a caller."""
        return name in self._opened and caller.may_see(name)

    def find_default(self, caller: Caller) -> ServedCollection:
        """Return what requests are about whose path names no collection.

        Raises:
            NotPublishedError: there is none, or not for this caller.
        """
        found = self.default
        if found is None or not caller.may_see(found.name):
            detail = "no collection here is asked where none is named; name one"
            raise NotPublishedError(name="collection", detail=detail)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server has; features choose of it what their routes are given.

    Attributes:
        collections: that are served.
        model: embeds texts for those who ask for vectors.
        probe: the question that tells readiness.
        authenticate: says who shows a credential, the empty one too; called in a thread.
        quotas: what each caller may take.
        metrics: of this application alone.
        pipelines: answer questions; the first of them where none is named.
        max_body_bytes: that the bodies of all requests at work may have together, and those of answers.
        reranker: scores documents for those who bring them; `None` where the settings name none.
        checks: makes the calls of those who show nothing.
        uncancellable: ends what was begun, also where its caller has gone; closed before what it needs.
    """

    collections: ServedCollections
    model: ServedModel
    probe: SearchRequest
    authenticate: Callable[[str], Caller]
    quotas: Quotas
    metrics: Metrics
    pipelines: Pipelines = WITHOUT_MODEL
    max_body_bytes: int = 256 << 20
    reranker: ServedReranker | None = None
    checks: CoalescedCalls = field(default_factory=CoalescedCalls)
    uncancellable: UncancellableWork = field(default_factory=UncancellableWork)
