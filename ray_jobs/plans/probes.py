"""Probes: sentences taken out of chunks, which lie among the vectors as users' questions do.

From them each segment learns how hard a search must try (`indexes.planning.efforts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eagleray.chunking.sentences import pick_sentence

MIN_PROBES: Final = 8
"""Probes of a shard and zone, if it has so many chunks."""

CHUNKS_PER_PROBE: Final = 16
"""Chunks for each probe: sentences are short, so they cost little beside the chunks."""


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
        probes += [
            ProbeText(zone=zone, text=pick_sentence(texts[place], chunk_ids[place])) for place in mine[:n]
        ]
    return probes
