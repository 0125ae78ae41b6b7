"""The dense index of a segment: its kind, and the effort a search of it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TextField(StrEnum):
    """A part of a row that has its own postings.

    The body is the heading, a newline and the text, as embedded; it always counts.
    """

    BODY = "body"
    TITLE = "title"
    HEADING = "heading"


class IndexKind(StrEnum):
    """How the vectors of a segment are searched.

    `flat` compares with the stored vectors, one by one. The others keep codes in inverted lists and
    compare the best of those with the stored vectors again: `ivf_flat` keeps the vectors themselves,
    `ivf_sq8` a byte a number, `ivf_pq` four bits for two numbers, `ivf_rabitq1` and `ivf_rabitq4` one
    and four bits a number.

    Source: IVF and PQ, Jegou, Douze and Schmid (2011); fast-scan, Andre, Kermarrec and Le Scouarnec
        (2015); RaBitQ, Gao and Long (2024), and its extension to more bits, Gao et al. (2025).
    """

    FLAT = "flat"
    IVF_FLAT = "ivf_flat"
    IVF_SQ8 = "ivf_sq8"
    IVF_PQ = "ivf_pq"
    IVF_RABITQ1 = "ivf_rabitq1"
    IVF_RABITQ4 = "ivf_rabitq4"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntEffort:
    """What a search took to reach its recall, for masks that let through at least a share of the rows.

    Attributes:
        share: of the segment's rows.
        probed: share of the lists with selected rows that is scanned, the nearest first.
        n_candidates: rows compared again for each of `k` wanted.
        recall: lower bound (Wilson, 95 %) of the recall at 10 that was measured with it.
    """

    share: float
    probed: float
    n_candidates: int
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseManifest:
    """The inverted lists of a segment, beside its vectors.

    Attributes:
        codebook: digest of the codebook its codes were made with.
        efforts: learnt for this segment, the greatest share first.
    """

    kind: IndexKind
    codebook: str
    efforts: tuple[LearntEffort, ...]
