"""What decides the bits of an answer beside its snapshot and its request: code, libraries, models, processor.

Processes share answers only where all of it is equal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.digests import digest_json
from eagleray.embedders.processor import read_processor
from eagleray.rerankers import open_reranker
from eagleray.setting_groups.engine import RerankerSettings

_CODE: Final = ("eagleray", "indexes", "serve")
_LIBRARIES: Final = (
    "faiss-cpu",
    "numba",
    "numpy",
    "pyarrow",
    "pystemmer",
    "tokenizers",
    "torch",
    "transformers",
)


def describe_basis(identity: EmbedderIdentity, *, reranker: RerankerSettings, device: str) -> str:
    """Return 64 hex digits that stand for all of it.

    Args:
        identity: of the embedder.
        reranker: name the reranker, if there is one, and how its scores come about.
        device: that searches.

    Raises:
        ModelError: the reranker cannot be loaded.
    """
    scoring, chosen = open_reranker(reranker), reranker.model_dump(exclude={"model"})
    return digest_json(
        {
            "code": {name: _digest_sources(name) for name in _CODE},
            "libraries": {name: version(name) for name in _LIBRARIES},
            "python": sys.version,
            "processor": read_processor().instruction_set,
            "embedder": digest_json(asdict(identity)),
            "reranker": "" if scoring is None else digest_json([scoring.identity.digest, chosen]),
            "device": device,
        }
    )


def _digest_sources(package: str) -> str:
    made = sha256()
    for name, file in sorted(_walk(files(package), package)):
        made.update(name.encode())
        made.update(sha256(file.read_bytes()).digest())
    return made.hexdigest()


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        name = f"{path}/{item.name}"
        if item.is_dir():
            yield from _walk(item, name)
        elif item.name.endswith(".py"):
            yield name, item
