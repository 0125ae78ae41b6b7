"""Which backend a job embeds with: measured once a machine, recorded, and the same ever after.

A backend's bits differ from another's, so the choice must not waver from run to run: the record
is kept in the cache, and the reference stays unless another backend is faster by far.

What is embedded is a desk's prose, in the lengths that chunks have.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from eagleray.contracts.ports import Embedder, FloatMatrix
from eagleray.digests import canonical_json, digest_json
from eagleray.embedders.configured_embedder import HASHING, REFERENCE, describe_embedder, load_embedder
from eagleray.embedders.processor import read_processor
from eagleray.setting_groups.engine import EmbedderSettings

MIN_COSINE: Final = 0.999
"""Least cosine a backend's vectors may have to the reference's."""

MIN_SPEEDUP: Final = 1.25
"""How much faster than the reference a backend must be: far above the noise of a measurement."""

_REPETITIONS: Final = 2


_SENTENCES: Final = (
    "The coupon resets quarterly at three-month compounded SOFR plus 145 basis points, floored at zero.",
    "Net sales rose 7.4% to $1,284.6 million, helped by pricing in transportation and a weaker euro.",
    "An authorised person must notify the regulator within five business days of the change.",
    "We keep our steepener and move the stop to 38 basis points; the risk is an early end to buying.",
    "If the worst-performing index closes below 60% of its initial level, principal is at risk.",
    "Goodwill of the segment was written down by $52 million after the loss of a framework contract.",
    "Options on the December contract trade at an implied volatility of 18.5, two points above realised.",
    "The issuer may redeem the notes in whole at par on 15 March 2027, or at any time for tax reasons.",
)

_LENGTHS: Final = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10)
"""Sentences of each text: about 20 to 230 tokens, more short ones than long ones."""

PROBES: Final = tuple(
    " ".join(_SENTENCES[(start + step) % len(_SENTENCES)] for step in range(length))
    for start in range(0, len(_SENTENCES), 2)
    for length in _LENGTHS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One backend on this machine.

    Attributes:
        texts_per_s: best of the repetitions.
        min_cosine: least cosine of a probe's vector to the reference's.
    """

    backend: str
    texts_per_s: float
    min_cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The backend chosen and what was measured; nothing where there was no choice."""

    backend: str
    measured: tuple[Measurement, ...]


def settle_backend(settings: EmbedderSettings, *, cache: Path) -> EmbedderSettings:
    """Return the settings with `auto` replaced by this machine's backend, measuring it if need be.

    Args:
        settings: of the embedder.
        cache: folder where measurements are kept.

    Raises:
        ModelError: there is no such model, or the device is not there.
        MissingExtraError: a library the model needs is not installed.
    """
    if settings.backend != "auto" or settings.model == HASHING:
        return settings
    return settings.model_copy(update={"backend": find_calibration(settings, cache=cache).backend})


def find_calibration(settings: EmbedderSettings, *, cache: Path) -> Calibration:
    """Return the recorded calibration for this model and machine, made now if there is none."""
    candidates = list_candidates(settings)
    if len(candidates) == 1:
        return Calibration(backend=candidates[0], measured=())
    path = cache / "calibrations" / f"{_name_calibration(settings, candidates)}.json"
    found = _read(path)
    if found is None:
        found = choose_backend(_measure(settings, candidates))
        _write(found, path)
    return found


def list_candidates(settings: EmbedderSettings) -> tuple[str, ...]:
    """Return the backends worth measuring here, the reference first.

    bfloat16 is left out on processors that only emulate it: it cannot be faster there.
    """
    if settings.device == "cuda" or read_processor().multiplies_bf16:
        return (REFERENCE, "torch-bf16")
    return (REFERENCE,)


def choose_backend(measured: Sequence[Measurement]) -> Calibration:
    """Return the fastest backend that is near enough to the reference and faster by far.

    Args:
        measured: the reference first.
    """
    reference = measured[0]
    fit = [
        item
        for item in measured[1:]
        if item.min_cosine >= MIN_COSINE and item.texts_per_s >= MIN_SPEEDUP * reference.texts_per_s
    ]
    best = max(fit, key=lambda item: item.texts_per_s, default=reference)
    return Calibration(backend=best.backend, measured=tuple(measured))


def measure_backend(embedder: Embedder, reference: FloatMatrix | None) -> tuple[Measurement, FloatMatrix]:
    """Return how fast an embedder is on the probes, and its vectors.

    Args:
        embedder: its model is loaded by the first repetition, which does not count.
        reference: float32 [n_probes, dim], the reference's vectors; `None` for itself.
    """
    vectors = embedder.embed_passages(PROBES)
    seconds = []
    for _ in range(_REPETITIONS):
        started = time.perf_counter()
        embedder.embed_passages(PROBES)
        seconds.append(time.perf_counter() - started)
    cosines = np.einsum("ij,ij->i", vectors, vectors if reference is None else reference)
    measurement = Measurement(
        backend=embedder.identity.backend,
        texts_per_s=round(len(PROBES) / min(seconds), 1),
        min_cosine=round(float(cosines.min()), 6),
    )
    return measurement, vectors


def _measure(settings: EmbedderSettings, candidates: Sequence[str]) -> list[Measurement]:
    measured: list[Measurement] = []
    reference: FloatMatrix | None = None
    for backend in candidates:
        embedder = load_embedder(settings.model_copy(update={"backend": backend}))
        measurement, vectors = measure_backend(embedder, reference)
        reference = vectors if reference is None else reference
        measured.append(measurement)
    return measured


def _name_calibration(settings: EmbedderSettings, candidates: Sequence[str]) -> str:
    identity = describe_embedder(settings)
    return digest_json([asdict(identity), read_processor().model, list(candidates)])[:32]


def _read(path: Path) -> Calibration | None:
    """Return a record, or `None` where there is none that can be read: it is measured again then."""
    try:
        found = json.loads(path.read_bytes())
        measured = tuple(Measurement(**item) for item in found["measured"])
        return Calibration(backend=str(found["backend"]), measured=measured)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(calibration: Calibration, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(canonical_json(asdict(calibration)))
    temporary.replace(path)
