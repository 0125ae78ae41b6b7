"""What keeps the files and vector stores of callers, and which snapshots searches are answered from.

A file is `completed` only where its snapshot is one of those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from eagleray.chunking.config import ChunkLengths
from eagleray.contracts.manifests import ChunkerIdentity
from serve.engine.ports import AliasWatcherPort
from serve.uploads.keeping import OwnRecords
from serve.uploads.reading import UploadReader
from serve.uploads.responses import ResponseLimits

_MAX_KNOWN: Final = 65_536
_ANY_LATER: Final = ""
"""No snapshot's id: what settles on it has looked at the alias since it was asked."""


class LandedSnapshots:
    """Snapshots that searches were once answered from, or from a later one; runs in one event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    async def find(
        self, watcher: AliasWatcherPort, snapshots: Collection[str], *, timeout_s: float
    ) -> frozenset[str]:
        """Return those of some published snapshots that searches are answered from, or from a later one.

        Args:
            watcher: knows what answers.
            snapshots: ids; each was published.
            timeout_s: seconds to wait for those that do not answer yet.
        """
        unknown = [snapshot for snapshot in snapshots if snapshot not in self._known]
        if unknown and await watcher.settle(_ANY_LATER, timeout_s=timeout_s):
            self._known.update(dict.fromkeys(unknown))
            while len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return frozenset(snapshot for snapshot in snapshots if snapshot in self._known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Keeps files and vector stores.

    Attributes:
        open_own: returns the records of a subject; they may block.
        list_owners: returns the folders of all who keep anything; may block.
        open_folder: returns the records of such a folder.
        chunker: how the collection's texts are cut.
        reader: lets files be read.
        landed: snapshots that searches are known to be answered from.
        responses: how many responses are kept, and how long.
        patience_s: seconds that an answer waits for files to be attached, which goes on all the same.
    """

    open_own: Callable[[str], OwnRecords]
    list_owners: Callable[[], Sequence[str]]
    open_folder: Callable[[str], OwnRecords]
    chunker: ChunkerIdentity
    reader: UploadReader
    responses: ResponseLimits
    landed: LandedSnapshots = field(default_factory=LandedSnapshots)
    patience_s: float = 20.0

    @property
    def lengths(self) -> ChunkLengths:
        """How long chunks are where nobody says otherwise."""
        return ChunkLengths(max_tokens=self.chunker.target_tokens, overlap_tokens=self.chunker.overlap_tokens)
