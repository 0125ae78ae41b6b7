"""The models of a process, each loaded once: what embeds texts and questions, and what scores documents."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder
from eagleray.embedders import open_counter, open_question_counter, open_tokenize, read_pooling
from eagleray.logs import get_logger
from eagleray.rerankers import open_pair_reader, open_reranker
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.equal_batches import MAX_TEXTS, is_same_in_batches
from serve.engine.ports import EncoderPort, RankerPort
from serve.engine.reranking import Ranker, RankerLimits
from serve.engine.threads import Work, run_in_thread
from serve.http.serving import ServedModel, ServedReranker

_BATCH_TOKENS: Final = 384
"""Tokens of one batch of passages: about 80 ms of a core with MiniLM."""

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoders:
    """What embeds the texts of callers, here or elsewhere.

    Attributes:
        passages: as passages of a collection are.
        questions: as questions are.
    """

    passages: EncoderPort
    questions: EncoderPort


def make_text_encoder(settings: Settings, embedder: Embedder, *, is_question: bool) -> Encoder:
    """Return what embeds the texts of callers as passages, or as questions."""
    embed = embedder.embed_queries if is_question else embedder.embed_passages
    limits = choose_encoder_limits(settings, embedder.identity)
    return Encoder(embed, count=open_counter(settings.embedder), limits=limits)


def choose_encoder_limits(settings: Settings, identity: EmbedderIdentity) -> EncoderLimits:
    """Return how much an encoder of a model takes on."""
    return EncoderLimits(
        max_tokens=identity.max_tokens,
        max_batch_tokens=_choose_batch_tokens(settings.embedder),
        max_waiting=settings.serve.embed_max_waiting,
        timeout_s=settings.serve.embed_timeout_s,
    )


def _choose_batch_tokens(settings: EmbedderSettings) -> int:
    """Return how many tokens of callers' texts are embedded in one batch: a question waits for that many."""
    if settings.device != "cpu":
        return settings.max_batch_tokens  # a GPU is soon done with many
    return min(settings.max_batch_tokens, _BATCH_TOKENS)


async def open_question_encoder(settings: Settings, embedder: Embedder) -> Encoder:
    """Return an encoder that gives each question the bits it has alone.

    Questions of equal length go together; each goes alone where a trial shows that their bits would differ,
    which depends on what this machine's kernels do.

    Args:
        settings: say how many may wait, and how long.
        embedder: of the questions; its model is loaded, if it was not.

    Raises:
        ModelError: the model cannot be loaded.
    """
    started, count = time.monotonic(), open_question_counter(settings.embedder)
    is_same = await run_in_thread(Work.QUESTIONS, is_same_in_batches, embedder.embed_queries, count)
    max_texts = MAX_TEXTS if is_same else 1
    _log.info("question_batches_tried", max_texts=max_texts, elapsed_s=round(time.monotonic() - started, 3))
    limits = EncoderLimits(
        max_tokens=None,
        max_batch_tokens=settings.embedder.max_batch_tokens,
        max_batch_texts=max_texts,
        least_fill=1.0,
        max_waiting=settings.serve.max_waiting,
        timeout_s=settings.serve.timeout_s,
        leaves_room=False,  # one text each, and few: a desk may ask them all under one name
    )
    return Encoder(embedder.embed_queries, count=count, limits=limits, counting=Work.QUESTIONS)


def make_model(settings: Settings, identity: EmbedderIdentity, encoders: TextEncoders) -> ServedModel:
    """Return the embedding model that is served."""
    return ServedModel(
        identity=identity,
        encoder=encoders.passages,
        questions=encoders.questions,
        tokenize=open_tokenize(settings.embedder),
        pooling=read_pooling(settings.embedder),
        created_at=int(time.time()),
    )


def make_ranker(settings: Settings) -> Ranker | None:
    """Return what scores documents with the reranker that the settings name, if they name one."""
    reranker = open_reranker(settings.reranker)
    if reranker is None:
        return None
    pairs = open_pair_reader(settings.reranker)
    limits = RankerLimits(
        max_tokens=pairs.max_tokens,
        max_waiting=settings.serve.rerank_max_waiting,
        timeout_s=settings.serve.rerank_timeout_s,
    )
    return Ranker(reranker.score, count=pairs.count, limits=limits)


def make_reranker(settings: Settings, ranker: RankerPort | None) -> ServedReranker | None:
    """Return the reranker that is served, if there is one."""
    if ranker is None:
        return None
    pairs = open_pair_reader(settings.reranker)
    return ServedReranker(pairs=pairs, ranker=ranker, created_at=int(time.time()))
