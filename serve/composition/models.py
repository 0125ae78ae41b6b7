"""The models of a process, each loaded once: what embeds texts and questions, and what scores documents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from eagleray.chunking.token_counters import HuggingFaceCounter
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import Embedder
from eagleray.embedders import (
    find_tokenizer,
    open_counter,
    open_embedder,
    open_question_counter,
    open_tokenize,
    read_pooling,
)
from eagleray.logs import get_logger
from eagleray.rerankers import open_pair_reader, open_reranker
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.equal_batches import MAX_TEXTS, is_same_in_batches
from serve.engine.ports import EncoderPort, RankerPort
from serve.engine.ranker import Ranker, RankerLimits
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


class Models:
    """The models that settings name; each is loaded when it is first asked for.

    Args:
        settings: name the models, and say how many callers may wait for them, and how long.
        load: opens the embedder.
    """

    def __init__(
        self, settings: Settings, *, load: Callable[[EmbedderSettings], Embedder] = open_embedder
    ) -> None:
        self._embedder, self._reranker, self._limits = settings.embedder, settings.reranker, settings.serve
        self._load = load

    @cached_property
    def embedder(self) -> Embedder:
        """What embeds passages and questions.

        Raises:
            ModelError: it cannot be opened.
        """
        return self._load(self._embedder)

    def make_counter(self) -> HuggingFaceCounter:
        """Return what counts the embedder's tokens where texts are cut into passages."""
        return HuggingFaceCounter(find_tokenizer(self._embedder))

    def make_text_encoder(self, *, is_question: bool) -> Encoder:
        """Return what embeds the texts of callers as passages, or as questions."""
        embed = self.embedder.embed_queries if is_question else self.embedder.embed_passages
        limits = self.choose_encoder_limits(self.embedder.identity)
        return Encoder(embed, count=open_counter(self._embedder), limits=limits)

    def choose_encoder_limits(self, identity: EmbedderIdentity) -> EncoderLimits:
        """Return how much an encoder of the embedder, here or elsewhere, takes on."""
        return EncoderLimits(
            max_tokens=identity.max_tokens,
            max_batch_tokens=self._choose_batch_tokens(),
            max_waiting=self._limits.embed_max_waiting,
            timeout_s=self._limits.embed_timeout_s,
        )

    def _choose_batch_tokens(self) -> int:
        """Return the tokens of callers' texts that are embedded in one batch: a question waits for them."""
        most = self._embedder.max_batch_tokens
        return most if self._embedder.device != "cpu" else min(most, _BATCH_TOKENS)  # a GPU is soon done

    async def open_question_encoder(self) -> Encoder:
        """Return an encoder that gives each question the bits it has alone.

        Questions of equal length go together; each goes alone where a trial shows that their bits would
        differ, which depends on what this machine's kernels do.

        Raises:
            ModelError: the embedder cannot be loaded.
        """
        started, count = time.monotonic(), open_question_counter(self._embedder)
        embed = self.embedder.embed_queries
        is_same = await run_in_thread(Work.QUESTIONS, is_same_in_batches, embed, count)
        max_texts = MAX_TEXTS if is_same else 1
        elapsed_s = round(time.monotonic() - started, 3)
        _log.info("question_batches_tried", max_texts=max_texts, elapsed_s=elapsed_s)
        limits = EncoderLimits(
            max_tokens=None,
            max_batch_tokens=self._embedder.max_batch_tokens,
            max_batch_texts=max_texts,
            least_fill=1.0,
            max_waiting=self._limits.max_waiting,
            timeout_s=self._limits.timeout_s,
            leaves_room=False,  # one text each, and few: a desk may ask them all under one name
        )
        return Encoder(embed, count=count, limits=limits, counting=Work.QUESTIONS)

    def make_ranker(self) -> Ranker | None:
        """Return what scores documents with the reranker that the settings name, if they name one."""
        reranker = open_reranker(self._reranker)
        if reranker is None:
            return None
        pairs = open_pair_reader(self._reranker)
        limits = RankerLimits(
            max_tokens=pairs.max_tokens,
            max_waiting=self._limits.rerank_max_waiting,
            timeout_s=self._limits.rerank_timeout_s,
        )
        return Ranker(reranker.score, count=pairs.count, limits=limits)

    def describe_embedder(self, identity: EmbedderIdentity, encoders: TextEncoders) -> ServedModel:
        """Return the embedder as it is served, by encoders here or elsewhere."""
        return ServedModel(
            identity=identity,
            encoder=encoders.passages,
            questions=encoders.questions,
            tokenize=open_tokenize(self._embedder),
            pooling=read_pooling(self._embedder),
            created_at=int(time.time()),
        )

    def describe_reranker(self, ranker: RankerPort | None) -> ServedReranker | None:
        """Return the reranker as it is served, by a ranker here or elsewhere, if there is one."""
        if ranker is None:
            return None
        pairs = open_pair_reader(self._reranker)
        return ServedReranker(pairs=pairs, ranker=ranker, created_at=int(time.time()))
