"""Sentence-transformers models through torch: batches of like length within a token budget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix
from eagleray.digests import digest_file, digest_json
from eagleray.errors import ModelError
from eagleray.settings import EmbedderSettings

_WEIGHTS = ("*.safetensors", "*.bin", "tokenizer.json", "config.json", "modules.json", "*/config.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLayout:
    """What a model's folder says of how its vectors are made.

    Attributes:
        pooling: `mean` or `cls`.
        query_prefix: text in front of queries.
    """

    max_tokens: int
    pooling: str
    query_prefix: str


class TransformerEmbedder:
    """One model on one device; the same list of texts gives the same bits on one kind of machine.

    A vector's bits depend on its batch, so batches are cut by length alone, within
    `max_batch_tokens`, and torch computes with `threads` threads while it embeds.
    """

    def __init__(self, folder: Path, *, name: str, settings: EmbedderSettings) -> None:
        self._layout = read_layout(folder)
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(self._layout.max_tokens)
        self._tokenizer.no_padding()
        self._dtype = torch.bfloat16 if settings.backend == "torch-bf16" else torch.float32
        self._model = _load_model(folder, settings, self._dtype)
        self._identity = self._describe(folder, name)

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        return self._identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm, in the order given.

        Raises:
            ModelError: the model gave a vector that is not finite or has no length.
        """
        vectors = np.zeros((len(texts), self._identity.dim), dtype=np.float32)
        encoded = [item.ids for item in self._tokenizer.encode_batch_fast(list(texts))]
        with _threads(self._settings.threads), torch.inference_mode():
            for rows in cut_batches([len(ids) for ids in encoded], self._settings.max_batch_tokens):
                vectors[rows] = self._embed_batch([encoded[row] for row in rows])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths <= 0.0).any():
            raise ModelError(model=self._identity.name, detail="it gave a vector without a finite length")
        return np.ascontiguousarray(vectors / lengths)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns, with the model's query prefix if it has one."""
        return self.embed_passages([self._layout.query_prefix + text for text in texts])

    def _embed_batch(self, encoded: list[list[int]]) -> FloatMatrix:
        longest = max(len(ids) for ids in encoded)
        ids = torch.zeros((len(encoded), longest), dtype=torch.long)
        mask = torch.zeros((len(encoded), longest), dtype=torch.long)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        ids, mask = ids.to(self._settings.device), mask.to(self._settings.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        if self._layout.pooling == "cls":
            pooled = states[:, 0]
        else:
            weights = mask.unsqueeze(-1).float()
            pooled = (states * weights).sum(1) / weights.sum(1)
        found: FloatMatrix = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return found

    def _describe(self, folder: Path, name: str) -> EmbedderIdentity:
        files = sorted({path for pattern in _WEIGHTS for path in folder.glob(pattern)})
        digests = [[path.relative_to(folder).as_posix(), digest_file(path)] for path in files]
        return EmbedderIdentity(
            name=name,
            weights=digest_json(digests),
            dim=int(self._model.config.hidden_size),
            max_tokens=self._layout.max_tokens,
            backend=self._settings.backend,
            instruction_set=torch.backends.cpu.get_cpu_capability(),
            libraries={"torch": torch.__version__, "transformers": transformers.__version__},
            settings={
                "max_batch_tokens": self._settings.max_batch_tokens,
                "threads": self._settings.threads,
                "device": self._settings.device,
            },
        )


def cut_batches(lengths: Sequence[int], max_batch_tokens: int) -> Iterator[list[int]]:
    """Yield the rows of each batch: by length, ties by place, padded length within the budget."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
        if batch and (len(batch) + 1) * lengths[row] > max_batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def read_layout(folder: Path) -> ModelLayout:
    """Return how the model in a folder makes vectors.

    Raises:
        ModelError: the folder is no sentence-transformers or Hugging Face encoder.
    """
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise ModelError(
                model=str(folder), detail=f"there is no {name}; expected the folder of an encoder"
            )
    config = _read_json(folder / "config.json")
    sentence = _read_json(folder / "sentence_bert_config.json")
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return ModelLayout(
        max_tokens=int(sentence.get("max_seq_length") or config.get("max_position_embeddings", 512)),
        pooling="cls" if pooling.get("pooling_mode_cls_token") else "mean",
        query_prefix=str(prompts.get("query") or ""),
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _load_model(folder: Path, settings: EmbedderSettings, dtype: torch.dtype) -> Any:
    transformers.utils.logging.disable_progress_bar()
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ModelError(model=str(folder), detail="device is cuda, but torch sees no GPU; set device to cpu")
    try:
        model = transformers.AutoModel.from_pretrained(
            str(folder), dtype=dtype, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise ModelError(model=str(folder), detail=str(error)) from error
    return model.eval().to(settings.device)


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    """Let torch compute with that many threads for the length of a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
