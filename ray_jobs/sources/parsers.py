"""The parsers of a worker: one pool for equal settings, kept from one split to the next."""

from __future__ import annotations

from functools import lru_cache

from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.setting_groups.parsing import ParsingSettings


@lru_cache(maxsize=2)
def open_parsers(settings: ParsingSettings) -> ParserPool:
    """Return the parsers of this process."""
    return ParserPool(choose_limits(settings))
