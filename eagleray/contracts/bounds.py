"""How much text one request may bring: the same whether it comes over HTTP or from Python.

What a body may have in bytes is decided beside the routes; how many documents or questions, beside the
bodies that ask for them.
"""

from __future__ import annotations

from typing import Final

MAX_QUESTION: Final = 16_384
"""Characters of a question, or of a filter that is written as text."""

MAX_NAME: Final = 1_024
"""Characters of the name of a document or a column."""

MAX_FILTER_DEPTH: Final = 64
"""How deep the conditions of a filter may nest."""

MAX_CONDITIONS: Final = 256
"""Conditions of one filter."""

MAX_LISTED: Final = 10_000
"""Values of all lists of one filter together."""

MAX_LITERAL: Final = 4_096
"""Characters of a value that a filter compares with."""

MAX_MATCH: Final = 1_024
"""Characters of what a text is to match."""

MAX_TEXTS: Final = 2_048
"""Texts that are embedded or cut into tokens together."""

MAX_TEXT: Final = 65_536
"""Characters of a text that is embedded, cut into tokens, or scored against a question."""

MAX_TEXTS_TOGETHER: Final = 8 << 20
"""Characters of all texts of a request that are embedded."""

MAX_TOKENIZED: Final = 262_144
"""Characters of all texts of a request that are cut into tokens, which take ten times the room to show."""

MAX_TOKENS: Final = 8_192
"""Token ids of a text that comes as such."""

MAX_HITS: Final = 1_000
"""Hits that a server gives to one question, or candidates that it scores again."""
