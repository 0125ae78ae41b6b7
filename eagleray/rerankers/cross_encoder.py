"""Cross-encoders through torch: a question and a passage are read together and give one score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer

from eagleray.contracts.ports import RerankerIdentity, ScoreVector
from eagleray.errors import ModelError
from eagleray.models.batching import cut_batches, slice_texts
from eagleray.models.compute_turns import TurnKind
from eagleray.models.computing import require_device, take_turn
from eagleray.rerankers.layout import CrossEncoderLayout
from eagleray.setting_groups.engine import RerankerSettings


class _Tokens(NamedTuple):
    """What the model reads of a pair; what was cut off is not kept."""

    ids: list[int]
    types: list[int]
    mask: list[int]


class CrossEncoder:
    """One model on one device; the same question and list give the same bits on one kind of machine.

    A score's last bits depend on its batch, so batches are cut by length alone, within
    `max_batch_tokens`, and torch computes with `threads` threads. In another list a passage's score
    differs by float noise at most. Equal passages of one list are scored once: their scores are equal.

    A pair beyond the model's limit loses tokens from the end of its longer part first: of the passage,
    unless the question alone takes more than half of the limit.

    A score is the model's logit, without the sigmoid that some libraries put on it: the order is the
    same, and no two great scores become equal.

    Args:
        folder: the model's files.
        layout: what the folder says of itself.
        identity: the model's name and digest.
        settings: device, batches and threads.

    Raises:
        ModelError: the weights cannot be read or are not all there, or the device is not there.

    Source: Nogueira and Cho, Passage Re-ranking with BERT (2019).
    """

    def __init__(
        self,
        folder: Path,
        *,
        layout: CrossEncoderLayout,
        identity: RerankerIdentity,
        settings: RerankerSettings,
    ) -> None:
        self._layout = layout
        self._identity = identity
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(layout.max_tokens, strategy="longest_first")
        self._tokenizer.no_padding()
        self._model = _load_model(folder, settings)

    @property
    def identity(self) -> RerankerIdentity:
        """The model's name and digest."""
        return self._identity

    def score(self, query: str, passages: Sequence[str]) -> ScoreVector:
        """Return float32 [len(passages)], in the order given; grows with relevance.

        Raises:
            ModelError: the model gave a score that is not finite.
        """
        distinct = {passage: row for row, passage in enumerate(dict.fromkeys(passages))}
        scores = self._score([(query, passage) for passage in distinct])
        is_off = ~np.isfinite(scores)
        if is_off.any():
            detail = f"it gave passage {int(np.argmax(is_off))} of {len(scores)} a score that is not finite"
            raise ModelError(model=self._identity.name, detail=detail)
        found: ScoreVector = scores[[distinct[passage] for passage in passages]]
        return found

    def _score(self, pairs: list[tuple[str, str]]) -> ScoreVector:
        scores = np.zeros(len(pairs), dtype=np.float32)
        encoded = [
            _Tokens(pair.ids, pair.type_ids, pair.attention_mask)
            for part in slice_texts(pairs)
            for pair in self._tokenizer.encode_batch_fast(part)
        ]
        for rows in cut_batches([len(pair.ids) for pair in encoded], self._settings.max_batch_tokens):
            with take_turn(TurnKind.QUESTION, threads=self._settings.threads):
                scores[rows] = self._score_batch([encoded[row] for row in rows])
        return scores

    def _score_batch(self, encoded: list[_Tokens]) -> ScoreVector:
        longest = max(len(pair.ids) for pair in encoded)
        padded = np.zeros((3, len(encoded), longest), dtype=np.int64)
        padded[0] = self._layout.padding
        for row, pair in enumerate(encoded):
            padded[:, row, : len(pair.ids)] = pair
        ids, types, mask = torch.from_numpy(padded).to(self._settings.device)
        more = {"token_type_ids": types} if self._layout.has_segments else {}
        logits = self._model(input_ids=ids, attention_mask=mask, **more).logits
        scores: ScoreVector = logits.float().reshape(len(encoded)).cpu().numpy()
        return scores


def _load_model(folder: Path, settings: RerankerSettings) -> Any:
    transformers.utils.logging.disable_progress_bar()
    require_device(settings.device, model=str(folder))
    try:
        model, found = transformers.AutoModelForSequenceClassification.from_pretrained(
            str(folder),
            dtype=torch.float32,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ModelError(model=str(folder), detail=str(error)) from error
    if found["missing_keys"]:
        detail = f"its weights lack {min(found['missing_keys'])}; it was saved without its head, or in part"
        raise ModelError(model=str(folder), detail=detail)
    return model.eval().to(settings.device)
