"""Opens the encoder of questions: how many go together depends on what this machine's kernels do."""

from __future__ import annotations

import time

from eagleray.contracts.ports import Embedder
from eagleray.embedders import open_question_counter
from eagleray.logs import get_logger
from eagleray.settings import Settings
from serve.engine.encoding import Encoder, EncoderLimits
from serve.engine.equal_batches import MAX_TEXTS, is_same_in_batches
from serve.engine.threads import Work, run_in_thread

_log = get_logger()


async def open_question_encoder(settings: Settings, embedder: Embedder) -> Encoder:
    """Return an encoder that gives each question the bits it has alone.

    Questions of equal length go together; each goes alone where a trial shows that their bits would differ.

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
