"""Every kind of request that is recorded: one module each, listed here once.

Entries, replays, and what `eagleray audit` can be asked for are derived from this list.
"""

from __future__ import annotations

from typing import Final

from serve.audit.kinds.alias_moves import ALIAS_MOVE
from serve.audit.kinds.cited_answers import CITED_ANSWER
from serve.audit.kinds.documents import DOCUMENT
from serve.audit.kinds.facets import FACETS
from serve.audit.kinds.relabellings import RELABELLING
from serve.audit.kinds.searches import SEARCH
from serve.audit.kinds.stored_files import FILE_USE
from serve.audit.kinds.writes import WRITE
from serve.audit.request_kinds import RequestKinds

KINDS: Final = RequestKinds(SEARCH, CITED_ANSWER, FACETS, DOCUMENT, WRITE, ALIAS_MOVE, RELABELLING, FILE_USE)
