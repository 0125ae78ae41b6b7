"""Texts a calibration embeds: a desk's prose, in the lengths that chunks have."""

from __future__ import annotations

from typing import Final

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
