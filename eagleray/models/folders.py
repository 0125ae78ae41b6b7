"""What every model's folder says of itself; read without loading the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from eagleray.digests import digest_file, digest_json
from eagleray.errors import ModelError

_PARTS: Final = ("*.safetensors", "*.bin", "tokenizer.json", "config.json", "modules.json", "*/config.json")


def read_config(folder: Path, *, expected: str) -> dict[str, Any]:
    """Return the `config.json` of a model's folder, which has a tokenizer, too.

    Args:
        folder: the model's files.
        expected: what the folder should be, for the message.

    Raises:
        ModelError: one of the two is not there or cannot be read.
    """
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            detail = f"there is no {name}; expected the folder of {expected}"
            raise ModelError(model=str(folder), detail=detail)
    return read_json(folder / "config.json")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object a file holds; an empty one where there is no file.

    Raises:
        ModelError: it holds something else.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ModelError(model=str(path.parent), detail=f"{path.name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(model=str(path.parent), detail=f"{path.name} is not a JSON object")
    return found


def find_max_tokens(folder: Path) -> int:
    """Return the longest input of a model, special tokens included: the least limit its files name."""
    limits = (
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
        read_json(folder / "config.json").get("max_position_embeddings"),
    )
    return int(min([limit for limit in limits if limit], default=512))


def digest_folder(folder: Path) -> str:
    """Return the digest of everything in a model's folder that its results depend on."""
    files = sorted({path for pattern in _PARTS for path in folder.glob(pattern)})
    return digest_json([[path.relative_to(folder).as_posix(), digest_file(path)] for path in files])
