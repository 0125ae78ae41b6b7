"""Probes: sentences taken out of chunks, which lie among the vectors as users' questions do.

From them each segment learns how hard a search must try (`indexes.planning.efforts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from eagleray.chunking.sentences import find_sentence_starts

MIN_PROBES: Final = 8
"""Probes of a shard and zone, if it has so many chunks."""

CHUNKS_PER_PROBE: Final = 16
"""Chunks for each probe: sentences are short, so they cost little beside the chunks."""

_MIN_CHARACTERS: Final = 24
_MAX_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeText:
    """A text to be embedded as a question, and the zone it comes from."""

    zone: str
    text: str


def draw_probes(chunk_ids: Sequence[int], zones: Sequence[str], texts: Sequence[str]) -> list[ProbeText]:
    """Return the probes of some chunks; the same for the same chunks in any order.

    Chunk ids are digests, so those with the least ids are a sample by chance.
    """
    probes = []
    for zone in sorted(set(zones)):
        mine = sorted(place for place, other in enumerate(zones) if other == zone)
        mine.sort(key=lambda place: chunk_ids[place])
        n = max(MIN_PROBES, len(mine) // CHUNKS_PER_PROBE)
        probes += [ProbeText(zone=zone, text=_pick(texts[place], chunk_ids[place])) for place in mine[:n]]
    return probes


def _pick(text: str, number: int) -> str:
    """Return one of the sentences that are long enough, or the beginning of the text."""
    starts = [*find_sentence_starts(text, start=0, end=len(text)), len(text)]
    pieces = [text[start:end].strip() for start, end in pairwise(starts)]
    sentences = [piece for piece in pieces if len(piece) >= _MIN_CHARACTERS] or [text]
    return sentences[number % len(sentences)][:_MAX_CHARACTERS]
