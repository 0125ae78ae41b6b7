"""From settings to a reranker.

The model itself is loaded when it first scores: a search that does not rerank pays nothing. How it reads
pairs is known without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eagleray.contracts.ports import Reranker, RerankerIdentity, ScoreVector
from eagleray.errors import ModelError
from eagleray.models.libraries import import_library
from eagleray.models.tokenizing import Tokenize, read_counter, read_tokenizer
from eagleray.rerankers.layout import digest_cross_encoder, read_cross_encoder
from eagleray.setting_groups.engine import RerankerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReader:
    """What is known of a cross-encoder beside its scores.

    Attributes:
        name: of the model.
        max_tokens: longest pair it reads, special tokens included.
        count: a question and passages in, tokens of each pair out; nothing is cut off.
        tokenize: makes the tokens of one text.
    """

    name: str
    max_tokens: int
    count: Callable[[str, Sequence[str]], list[int]]
    tokenize: Tokenize


def open_pair_reader(settings: RerankerSettings) -> PairReader:
    """Return how the cross-encoder that the settings name reads pairs.

    Raises:
        ModelError: there is no such folder, or it holds no cross-encoder.
        MissingExtraError: a library the model needs is not installed.
    """
    folder = find_cross_encoder(settings)
    layout = read_cross_encoder(folder)
    counter = read_counter(folder / "tokenizer.json")
    return PairReader(
        name=folder.name,
        max_tokens=layout.max_tokens,
        count=counter.count_pairs,
        tokenize=read_tokenizer(folder / "tokenizer.json"),
    )


class DeferredReranker:
    """Stands for the reranker that `load` returns; safe to share between threads.

    Args:
        load: called once, by the first call of a method.
    """

    def __init__(self, load: Callable[[], Reranker]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Reranker | None = None

    @property
    def identity(self) -> RerankerIdentity:
        """The model's name and digest."""
        return self._find().identity

    def score(self, query: str, passages: Sequence[str]) -> ScoreVector:
        """Return float32 [len(passages)], in the order given; grows with relevance."""
        return self._find().score(query, passages)

    def _find(self) -> Reranker:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


@lru_cache(maxsize=2)
def open_reranker(settings: RerankerSettings) -> Reranker | None:
    """Return the reranker the settings name, one a process for equal settings; `None` where they name none.

    Its folder is read when it first scores, and so are the errors of `load_reranker` raised.
    """
    return DeferredReranker(lambda: load_reranker(settings)) if settings.model else None


def load_reranker(settings: RerankerSettings) -> Reranker:
    """Return the reranker the settings name, its model loaded.

    Raises:
        ModelError: there is no such folder (nothing is ever downloaded), it holds no cross-encoder, or
            the device is not there.
        MissingExtraError: torch is not installed.
    """
    folder = find_cross_encoder(settings)
    layout = read_cross_encoder(folder)
    reranker: Reranker = import_library("eagleray.rerankers.cross_encoder").CrossEncoder(
        folder,
        layout=layout,
        identity=RerankerIdentity(name=folder.name, digest=digest_cross_encoder(folder)),
        settings=settings,
    )
    return reranker


def find_cross_encoder(settings: RerankerSettings) -> Path:
    """Return the folder of the cross-encoder the settings name.

    Raises:
        ModelError: there is no such folder; nothing is ever downloaded.
    """
    folder = Path(settings.model).expanduser()
    if not settings.model or not folder.is_dir():
        detail = "set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder; nothing is downloaded"
        raise ModelError(model=settings.model, detail=detail)
    return folder.resolve()
