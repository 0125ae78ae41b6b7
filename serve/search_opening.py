"""Opens what answers the searches of a process, and what of their vectors and answers is shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eagleray.contracts.ports import Embedder
from eagleray.settings import Settings
from serve.assembling import PROBE
from serve.engine.answering import Answerer
from serve.engine.following import Follower
from serve.engine.question_vectors import QuestionVectors
from serve.engine.searching import FindsHits, Searches
from serve.engine.shelf import Engine
from serve.question_encoding import open_question_encoder

if TYPE_CHECKING:
    from serve.redis.opening import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSearches:
    """What answers, and the vectors that it closes last."""

    searches: FindsHits
    vectors: QuestionVectors


async def open_searches(
    settings: Settings,
    *,
    embedder: Embedder,
    follower: Follower[Engine],
    answerer: Answerer[Engine],
    sharing: Sharing | None,
) -> OpenedSearches:
    """Return what answers searches.

    Args:
        settings: of the process.
        embedder: of questions.
        follower: of the alias.
        answerer: asks the snapshots.
        sharing: makes what is shared with other processes; `None` for nothing.

    Raises:
        ModelError: a model cannot be loaded.
    """
    encoder, timeout_s = await open_question_encoder(settings, embedder), settings.serve.timeout_s
    if sharing is None:
        vectors = QuestionVectors(encoder)
        return OpenedSearches(searches=Searches(answerer, vectors, timeout_s=timeout_s), vectors=vectors)
    identity = embedder.identity
    vectors = QuestionVectors(encoder, shared=sharing.share_vectors(identity))
    searches = await sharing.share_answers(
        Searches(answerer, vectors, timeout_s=timeout_s), follower=follower, identity=identity, probe=PROBE
    )
    return OpenedSearches(searches=searches, vectors=vectors)
