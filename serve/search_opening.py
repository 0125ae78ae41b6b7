"""Opens what answers the searches of a process, and what of their vectors and answers is shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eagleray.contracts.ports import Embedder
from eagleray.settings import Settings
from serve.assembling import PROBE
from serve.engine.alias_watcher import AliasWatcher
from serve.engine.answering import Answerer, AnswererLimits
from serve.engine.question_vectors import QuestionVectors
from serve.engine.searching import ProbedSearches, Searches, SearchPort
from serve.engine.snapshot_pool import Engine
from serve.question_encoding import open_question_encoder

if TYPE_CHECKING:
    from serve.redis.opening import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSearches:
    """What answers, and what of it is closed with the process.

    Attributes:
        searches: answers questions, that of readiness in a thread of its own.
        vectors: of the questions.
        prober: asks the snapshots for readiness.
    """

    searches: SearchPort
    vectors: QuestionVectors
    prober: Answerer[Engine]

    async def close(self) -> None:
        """Wait for what is at work, and end the threads."""
        await self.vectors.close()
        await self.prober.close()


async def open_searches(
    settings: Settings,
    *,
    embedder: Embedder,
    watcher: AliasWatcher[Engine],
    answerer: Answerer[Engine],
    sharing: Sharing | None,
) -> OpenedSearches:
    """Return what answers searches.

    Args:
        settings: of the process.
        embedder: of questions.
        watcher: of the alias.
        answerer: asks the snapshots.
        sharing: makes what is shared with other processes; `None` for nothing.

    Raises:
        ModelError: a model cannot be loaded.
    """
    encoder, timeout_s = await open_question_encoder(settings, embedder), settings.serve.timeout_s
    identity = embedder.identity
    vectors = QuestionVectors(encoder, shared=None if sharing is None else sharing.share_vectors(identity))
    searches: SearchPort = Searches(answerer, vectors, timeout_s=timeout_s)
    if sharing is not None:
        searches = await sharing.share_answers(searches, watcher=watcher, identity=identity)
    prober = Answerer(watcher, AnswererLimits(n_threads=1, max_waiting=1, timeout_s=timeout_s))
    probing = Searches(prober, vectors, timeout_s=timeout_s)
    return OpenedSearches(
        searches=ProbedSearches(searches, probing, probe=PROBE), vectors=vectors, prober=prober
    )
