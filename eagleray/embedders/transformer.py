"""Sentence-transformers models through torch: batches of like length within a token budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import FloatMatrix
from eagleray.embedders.layout import ModelLayout
from eagleray.errors import ModelError
from eagleray.models.batching import cut_batches
from eagleray.models.compute_turns import TurnKind
from eagleray.models.computing import require_device, take_turn
from eagleray.models.item_progress import tell_done
from eagleray.setting_groups.engine import EmbedderSettings

_DTYPES: Final = {"torch-fp32": torch.float32, "torch-bf16": torch.bfloat16}


class TransformerEmbedder:
    """One model on one device; the same list of texts gives the same bits on one kind of machine.

    A vector's bits depend on its batch, so batches are cut by length alone, within
    `max_batch_tokens`, and torch computes with `threads` threads while it embeds. Each batch is a turn
    of its own (`eagleray.models.compute_turns`): who waits changes when one is computed, never what is in it.

    Args:
        folder: the model's files.
        layout: what the folder says of itself.
        identity: what the bits depend on, as it is recorded.
        settings: `backend` names one backend.

    Raises:
        ModelError: the weights cannot be read, or the device is not there.
    """

    def __init__(
        self, folder: Path, *, layout: ModelLayout, identity: EmbedderIdentity, settings: EmbedderSettings
    ) -> None:
        self._layout = layout
        self._settings = settings
        self._identity = identity
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(layout.max_tokens)
        self._tokenizer.no_padding()
        self._model = _load_model(folder, settings)

    @property
    def identity(self) -> EmbedderIdentity:
        """What the bits depend on."""
        return self._identity

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return float32 [len(texts), dim], C-contiguous, unit L2 norm, in the order given.

        Raises:
            ModelError: the model gave a vector that is not finite or has no length.
        """
        return self._embed([self._layout.passage_prefix + text for text in texts], TurnKind.PASSAGE)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return what `embed_passages` returns, with the model's query prefix if it has one."""
        return self._embed([self._layout.query_prefix + text for text in texts], TurnKind.QUESTION)

    def _embed(self, texts: list[str], kind: TurnKind) -> FloatMatrix:
        vectors = np.zeros((len(texts), self._layout.dim), dtype=np.float32)
        encoded = [item.ids for item in self._tokenizer.encode_batch_fast(texts)]
        for rows in cut_batches([len(ids) for ids in encoded], self._settings.max_batch_tokens):
            with take_turn(kind, threads=self._settings.threads):
                vectors[rows] = self._embed_batch([encoded[row] for row in rows])
            if kind is TurnKind.PASSAGE:
                tell_done(len(rows))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        is_off = ~(np.isfinite(lengths) & (lengths > 0.0))
        if is_off.any():
            detail = f"it gave text {int(np.argmax(is_off))} of {len(texts)} a vector without a finite length"
            raise ModelError(model=self._identity.name, detail=detail)
        return np.ascontiguousarray(vectors / lengths)

    def _embed_batch(self, encoded: list[list[int]]) -> FloatMatrix:
        longest = max(len(ids) for ids in encoded)
        padded = np.zeros((2, len(encoded), longest), dtype=np.int64)
        for row, tokens in enumerate(encoded):
            padded[0, row, : len(tokens)] = tokens
            padded[1, row, : len(tokens)] = 1
        ids, mask = torch.from_numpy(padded).to(self._settings.device)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        if self._layout.pooling == "cls":
            pooled = states[:, 0]
        else:
            weights = mask.unsqueeze(-1).float()
            pooled = (states * weights).sum(1) / weights.sum(1)
        found: FloatMatrix = pooled.cpu().numpy()
        return found


def _load_model(folder: Path, settings: EmbedderSettings) -> Any:
    transformers.utils.logging.disable_progress_bar()
    require_device(settings.device, model=str(folder))
    try:
        model = transformers.AutoModel.from_pretrained(
            str(folder), dtype=_DTYPES[settings.backend], trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise ModelError(model=str(folder), detail=str(error)) from error
    return model.eval().to(settings.device)
