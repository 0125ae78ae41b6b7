"""Writers of a stream as processes of their own: each line on standard input starts one, its id is printed.

First of all it prints how many seconds a commit takes.

A writer reads where the published snapshot stands, commits the next messages with their offset, and goes on
until it is killed, or another writer moves the stream: then it ends with code 3.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import Document
from eagleray.contracts.manifests import AliasEntry, ChunkerIdentity, CollectionSpec, SnapshotManifest
from eagleray.contracts.sources import StreamMove
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import StreamMovedError
from indexes.snapshots.aliases import AliasMove, move_alias
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.snapshots.streams import read_stream_position
from indexes.storage import open_store
from indexes.writing.committing import Writable, commit
from indexes.writing.requests import Begun, Write

NAME, STREAM, BATCH = "notes", "trades", 3
EMBEDDER = HashingEmbedder()
SPEC = CollectionSpec(
    name=NAME,
    embedder=EMBEDDER.identity.model,
    chunker=ChunkerIdentity(tokenizer="0" * 64, max_tokens=64, target_tokens=40, overlap_tokens=8, rules=1),
)


class WordCounter:
    """Counts the whole text as one token."""

    def find_offsets(self, text):
        """Return the place of the text."""
        return [(0, len(text))]


def make_collection(store) -> AliasEntry:
    """Publish an empty collection."""
    put_collection(store, SPEC)
    empty = SnapshotManifest(
        collection=SPEC, segments=(), patches=(), parent=None, n_rows=0, n_documents=0, attributes={}
    )
    move = AliasMove(expected=None, snapshot=put_snapshot(store, empty), reason="publish", now=1)
    return move_alias(Collection(store, NAME), "live", move=move)


def write_next(store, offset):
    """Commit the messages from an offset on, and return the next one."""
    after = offset + BATCH
    documents = tuple(
        Document(doc_id=f"m{number}", title="", text=f"message {number}", known_from=1 + number)
        for number in range(offset, after)
    )
    target = Writable(
        store=store,
        spec=SPEC,
        alias="live",
        embedder=EMBEDDER,
        counter=WordCounter(),
        open_snapshot=lambda snapshot: open_snapshot(Collection(store, NAME), snapshot),
    )
    begun = Begun(name=f"from-{offset}-{os.getpid()}", now=time.time_ns() // 1000)
    expected = {"0": str(offset)} if offset else {}
    move = StreamMove(stream=STREAM, expected=expected, position={"0": str(after)})
    commit(target, [Write(begun=begun, documents=documents)], moves=[move])
    return after


def read_offset(store):
    """Return the offset that the published snapshot holds."""
    manifest = open_snapshot(Collection(store, NAME), "live").manifest
    return int(read_stream_position(manifest, STREAM).get("0", "0"))


def run(folder):
    """Write until somebody ends this process."""
    store = open_store(folder)
    offset = read_offset(store)
    os.write(1, b".\n")
    while True:
        try:
            offset = write_next(store, offset)
        except StreamMovedError:
            os._exit(3)


def warm_up():
    """Commit to another store until a commit takes no longer than the next, and return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        make_collection(store)
        offset = write_next(store, 0)
        begun = time.monotonic()
        write_next(store, offset)
        return time.monotonic() - begun


def main():
    """Start a writer for each line; its process is warm already, so it begins at once."""
    os.write(1, f"{warm_up()}\n".encode())
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            try:
                run(Path(sys.argv[1]))
            finally:
                os._exit(1)
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
