"""One form for texts that look alike: which characters are left out, and how the rest is composed.

Filters compare texts in this form. The words of a text have rules of their own (`indexes.lexical`), made of
the same characters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

INVISIBLE: Final = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters without a look of their own, as the inside of a class of a pattern: soft hyphens, joiners and
spaces of no width, marks of direction, byte-order marks, variation selectors, fillers.

Source: Unicode 14, `Default_Ignorable_Code_Point` and the general category `Cf`.
"""

_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]+")


def normalise(text: str) -> str:
    """Return a text in the form in which texts are compared.

    Invisible characters are left out, and canonically equal sequences become one (NFC): `é` is the same as
    `e` with a combining accent. Case, accents, ligatures and widths stay as they are.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
