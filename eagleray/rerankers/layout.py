"""What a cross-encoder's folder says of itself; read without loading the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eagleray.digests import digest_json
from eagleray.errors import ModelError
from eagleray.models.folders import digest_folder, find_max_tokens, read_config

_HEAD: Final = "ForSequenceClassification"
_EXPECTED: Final = "a cross-encoder: a Hugging Face model for sequence classification with one label"
_DEFAULT_LABELS: Final = 2
"""Labels a configuration that names none has.

Source: transformers, `configuration_utils.py`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoderLayout:
    """How a cross-encoder reads a pair.

    Attributes:
        max_tokens: longest pair, special tokens included.
        padding: number of the token that fills a shorter pair.
        has_segments: whether question and passage are told apart by token types.
    """

    max_tokens: int
    padding: int
    has_segments: bool


def read_cross_encoder(folder: Path) -> CrossEncoderLayout:
    """Return how the cross-encoder in a folder reads a pair.

    Raises:
        ModelError: the folder holds no model for sequence classification, one with several labels,
            or weights in another form than safetensors.
    """
    config = read_config(folder, expected=_EXPECTED)
    architectures = config.get("architectures") or ["none"]
    if not str(architectures[0]).endswith(_HEAD):
        detail = f"its architecture is {architectures[0]}; expected {_EXPECTED}"
        raise ModelError(model=str(folder), detail=detail)
    n_labels = _count_labels(config)
    if n_labels != 1:
        raise ModelError(model=str(folder), detail=f"it has {n_labels} labels; expected {_EXPECTED}")
    _check_weights(folder)
    return CrossEncoderLayout(
        max_tokens=find_max_tokens(folder),
        padding=int(config.get("pad_token_id") or 0),
        has_segments=int(config.get("type_vocab_size") or 0) > 1,
    )


def digest_cross_encoder(folder: Path) -> str:
    """Return the digest of everything in a cross-encoder's folder that its scores depend on."""
    return digest_json([digest_folder(folder), find_max_tokens(folder)])


def _count_labels(config: dict[str, Any]) -> int:
    named = config.get("id2label")
    return len(named) if named else int(config.get("num_labels", _DEFAULT_LABELS))


def _check_weights(folder: Path) -> None:
    """Refuse weights that are not safetensors: a pickle can run code when it is read."""
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    if pickles:
        detail = f"its weights are a pickle, {pickles[0]}, which is not read; save them as safetensors"
    else:
        detail = "there is no *.safetensors"
    raise ModelError(model=str(folder), detail=detail)
