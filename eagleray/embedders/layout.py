"""What a model's folder says of itself; read without loading the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eagleray.errors import ModelError
from eagleray.models.folders import find_max_tokens, read_config, read_json

_KNOWN_MODULES: Final = frozenset({"Transformer", "Pooling", "Normalize"})

_LEGACY_POOLING: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Names of the flags that older model folders have instead of `pooling_mode`.

Source: sentence-transformers, `sentence_transformer/modules/pooling.py`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLayout:
    """How a model makes vectors.

    Attributes:
        dim: numbers a vector has.
        max_tokens: longest input, special tokens included.
        pooling: `mean` or `cls`.
        query_prefix: text in front of queries.
        passage_prefix: text in front of passages.
    """

    dim: int
    max_tokens: int
    pooling: str
    query_prefix: str = ""
    passage_prefix: str = ""


def read_layout(folder: Path) -> ModelLayout:
    """Return how the model in a folder makes vectors.

    Raises:
        ModelError: the folder is no sentence-transformers model or Hugging Face encoder, or it
            makes vectors in a way that is not known here.
    """
    config = read_config(folder, expected="a sentence-transformers model or encoder")
    if not isinstance(config.get("hidden_size"), int):
        raise ModelError(model=str(folder), detail="its config.json has no hidden_size")
    _check_modules(folder)
    prompts = read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return ModelLayout(
        dim=config["hidden_size"],
        max_tokens=find_max_tokens(folder),
        pooling=_read_pooling(folder),
        query_prefix=str(prompts.get("query") or ""),
        passage_prefix=str(prompts.get("document") or prompts.get("passage") or ""),
    )


def _check_modules(folder: Path) -> None:
    """Refuse a model with steps this embedder does not take, such as a projection."""
    path = folder / "modules.json"
    modules = json.loads(path.read_text()) if path.is_file() else []
    odd = [name for module in modules if (name := module["type"].rsplit(".", 1)[-1]) not in _KNOWN_MODULES]
    if odd:
        detail = f"it has a module {odd[0]}; known are {', '.join(sorted(_KNOWN_MODULES))}"
        raise ModelError(model=str(folder), detail=detail)


def _read_pooling(folder: Path) -> str:
    """Return `mean` or `cls`; a folder that says nothing means `mean`, as sentence-transformers has it."""
    pooling = read_json(folder / "1_Pooling" / "config.json")
    modes = [mode for name, mode in _LEGACY_POOLING.items() if pooling.get(name)]
    found = pooling.get("pooling_mode", "+".join(modes) or "mean")
    if found not in ("mean", "cls"):
        raise ModelError(model=str(folder), detail=f"it pools by {found}; known are mean and cls")
    return str(found)
