"""What is attached: attempts to put files into vector stores, each a few objects that are made once.

`attached/STORE/FILE.ATTEMPT.MARK`, where MARK is `begun`, `planned-N` before N documents are written,
`written-SNAPSHOT` after, `failed`, `cancelled`, `removed`, `closed`; `attributes` alone is written over. An
attempt whose `begun` is gone does not exist, whatever is written beside it later. No object of an attempt is
removed while its documents may be open or may yet be written (`list_remains`), so that a crash at any point
leaves enough to close them by.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from serve.uploads.gone import Gone
from serve.uploads.objects import Objects
from serve.uploads.records import Attached, Attribute, is_name, read_clock, tell_missing

_FOLDER: Final = "attached"
_LATER: Final = frozenset(
    ["n_documents", "snapshot", "error_code", "error_detail", "is_cancelled", "is_removed", "is_closed"]
)
"""What is not yet known when an attempt begins."""

_BEGUN: Final = tuple(field.name for field in fields(Attached) if field.name not in _LATER)
_PATH: Final = re.compile(
    rf"{_FOLDER}/(?P<store>vs_[0-9a-f]{{32}})/(?P<file>file-[0-9a-f]{{32}})"
    r"\.(?P<attempt>[0-9]+-[0-9a-f]+)\.(?P<mark>[a-z]+(?:-[0-9a-z]+)?)"
)
LEFT: Final = "the server ended while it wrote this file; attach it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """Attempts that are not, or no longer, to be found.

    Attributes:
        to_close: those whose documents may be open.
        to_erase: those of which nothing is kept once their documents are closed.
        to_fail: those that a crash left, in a vector store that is there.
    """

    to_close: tuple[Attached, ...]
    to_erase: tuple[Attached, ...]
    to_fail: tuple[Attached, ...]


class Attachments:
    """The attempts of one owner; every method may block."""

    def __init__(self, objects: Objects, gone: Gone) -> None:
        self._objects, self._gone = objects, gone

    def begin(self, attached: Attached) -> None:
        """Note that an attempt begins."""
        shown = asdict(attached)
        self._objects.create(_locate(attached, "begun"), {name: shown[name] for name in _BEGUN})

    def plan(self, attached: Attached, n_documents: int) -> Attached:
        """Note that documents are about to be written; return the record as it is then."""
        self._objects.create(_locate(attached, f"planned-{n_documents}"))
        return replace(attached, n_documents=n_documents)

    def finish(self, attached: Attached, snapshot: str) -> Attached:
        """Note that a snapshot holds the documents; return the record as it is then."""
        self._objects.create(_locate(attached, f"written-{snapshot}"))
        return replace(attached, snapshot=snapshot)

    def fail(self, attached: Attached, code: str, detail: str) -> Attached:
        """Note why a file cannot be found; return the record as it is then."""
        self._objects.create(_locate(attached, "failed"), {"code": code, "detail": detail})
        return replace(attached, error_code=code, error_detail=detail)

    def cancel(self, attached: Attached) -> Attached:
        """Note that an attempt is not wanted any more, but to be shown."""
        self._objects.create(_locate(attached, "cancelled"))
        return replace(attached, is_cancelled=True)

    def remove(self, attached: Attached) -> None:
        """Note that a file is taken out; from here on nobody sees it."""
        self._objects.create(_locate(attached, "removed"))

    def close(self, attached: Attached) -> None:
        """Note that the documents are closed, and that no more can come."""
        self._objects.create(_locate(attached, "closed"))

    def put_attributes(self, attached: Attached, attributes: Mapping[str, Attribute]) -> Attached:
        """Write other attributes; return the record as it is then."""
        self._objects.write(_locate(attached, "attributes"), {"values": dict(attributes)})
        return replace(attached, attributes=attributes)

    def erase(self, attempts: Iterable[Attached]) -> None:
        """Remove all that is kept of some attempts, of each its existence first.

        Their places are remembered for a while.
        """
        erased: dict[str, set[str]] = defaultdict(set)
        for attached in attempts:
            self._gone.note(_name_gone(attached.store_id, attached.file_id), attached.created)
            erased[attached.store_id].add(_locate(attached, ""))
        for store_id, beginnings in erased.items():
            paths = [path for path, _ in self._objects.list(f"{_FOLDER}/{store_id}")]
            for path in sorted(paths, key=lambda path: not path.endswith(".begun")):
                if f"{path.rpartition('.')[0]}." in beginnings:
                    self._objects.delete(path)

    def is_wanted(self, attached: Attached) -> bool:
        """Return whether an attempt is there now, and was neither taken out nor cancelled."""
        is_there, *is_over = (
            self._objects.exists(_locate(attached, mark)) for mark in ("begun", "removed", "cancelled")
        )
        return is_there and not any(is_over)

    def list_attempts(self, store_id: str = "", *, files: Collection[str] | None = None) -> list[Attached]:
        """Return all attempts, or those of a vector store and of files, in the order they were begun."""
        if store_id and not is_name(store_id):
            return []
        folder = f"{_FOLDER}/{store_id}" if store_id else _FOLDER
        marks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for path, _ in self._objects.list(folder):
            named = _PATH.fullmatch(path)  # earlier versions kept other records here
            if named and (files is None or named["file"] in files):
                marks[named["store"], named["file"], named["attempt"]].add(named["mark"])
        found = [self._read(*names, held) for names, held in marks.items()]
        return sorted(
            (attached for attached in found if attached is not None),
            key=lambda attached: (attached.attempt, attached.file_id),
        )

    def list_shown(self, store_id: str = "", *, files: Collection[str]) -> list[Attached]:
        """Return what is attached, as it is shown: for each file that is there one attempt.

        That is the newest one, or where that failed or was cancelled the newest whose documents can be found.

        Args:
            store_id: of a vector store; all by default.
            files: names of the files that are there.
        """
        return choose_shown(self.list_attempts(store_id, files=files))

    def find(self, store_id: str, file_id: str) -> Attached:
        """Return what is shown of a file in a vector store.

        Raises:
            NotPublishedError: it is not attached.
        """
        for attached in self.list_shown(store_id, files={file_id}):
            return attached
        raise tell_missing(file_id)

    def find_gone(self, store_id: str, file_id: str) -> int | None:
        """Return when a file was attached that is shown no more, microseconds; `None` for what never was."""
        if not (is_name(store_id) and is_name(file_id)):
            return None
        created = [item.created for item in self.list_attempts(store_id, files={file_id})]
        return max(created, default=None) or self._gone.find(_name_gone(store_id, file_id))

    def _read(self, store_id: str, file_id: str, attempt: str, marks: Collection[str]) -> Attached | None:
        path = f"{_FOLDER}/{store_id}/{file_id}.{attempt}"
        begun = self._objects.read(f"{path}.begun") if "begun" in marks else None
        if begun is None and "begun" in marks:
            return None  # erased since it was listed
        known: dict[str, Any] = begun or _make_stub(store_id, file_id, attempt)
        failed = (self._objects.read(f"{path}.failed") or {}) if "failed" in marks else {}
        changed = (self._objects.read(f"{path}.attributes") or {}) if "attributes" in marks else {}
        try:
            return Attached(
                **{**known, "attributes": changed.get("values", known["attributes"])},
                n_documents=_find_value(marks, "planned", int),
                snapshot=_find_value(marks, "written", str) or "",
                error_code=failed.get("code", ""),
                error_detail=failed.get("detail", ""),
                is_cancelled="cancelled" in marks,
                is_removed="removed" in marks or begun is None,
                is_closed="closed" in marks,
            )
        except (TypeError, KeyError, ValueError) as error:
            raise self._objects.tell_damage(path) from error


def choose_shown(attempts: Iterable[Attached]) -> list[Attached]:
    """Return for each vector store and file the attempt that is shown; see `Attachments.list_shown`."""
    now, chosen = read_clock(), dict[tuple[str, str], Attached]()
    for attached in attempts:
        if not attached.is_kept(now):
            continue
        names = (attached.store_id, attached.file_id)
        told = _end_left(attached, now)
        before = chosen.get(names)
        if not (before and before.is_findable and (told.error_code or told.is_cancelled)):
            chosen[names] = told
    return list(chosen.values())


def choose_findable(attempts: Iterable[Attached]) -> list[Attached]:
    """Return for each vector store and file the newest attempt whose documents can be found."""
    now = read_clock()
    wanted = (item for item in attempts if item.is_findable and item.is_kept(now))
    return list({(item.store_id, item.file_id): item for item in wanted}.values())


def list_remains(
    attempts: Collection[Attached], *, stores: Collection[str], files: Collection[str], now: int
) -> Remains:
    """Return what is to be done about attempts that are not to be found.

    Args:
        attempts: in the order they were begun.
        stores: names of the vector stores that are there and have not expired.
        files: names of the files that are there.
        now: microseconds.
    """
    newest = {(item.store_id, item.file_id): item.attempt for item in attempts if item.is_findable}
    to_close, to_erase, to_fail = [], [], []
    for item in attempts:
        names = (item.store_id, item.file_id)
        is_older = item.attempt < newest.get(names, "")
        is_there = item.is_kept(now) and item.store_id in stores and item.file_id in files
        is_gone = is_older or not is_there
        is_left = not item.snapshot and item.is_over(now)
        if not (is_gone or item.is_cancelled or item.error_code or is_left):
            continue
        if item.n_documents and not item.is_closed:
            to_close.append(item)
        if is_gone and item.is_over(now):
            to_erase.append(item)
        elif is_left and not (item.error_code or item.is_cancelled):
            to_fail.append(item)
    return Remains(to_close=tuple(to_close), to_erase=tuple(to_erase), to_fail=tuple(to_fail))


def _end_left(attached: Attached, now: int) -> Attached:
    """Return the record as it is at a time: failed where whatever wrote it must have ended."""
    if attached.snapshot or attached.error_code or attached.is_cancelled or not attached.is_over(now):
        return attached
    return replace(attached, error_code="server_error", error_detail=LEFT)


def _make_stub(store_id: str, file_id: str, attempt: str) -> dict[str, Any]:
    """Return what is known of an attempt that does not exist, but left something."""
    return {
        "store_id": store_id,
        "file_id": file_id,
        "attempt": attempt,
        "created": int(attempt.partition("-")[0]),
        "filename": "",
        "n_bytes": 0,
        "max_tokens": 0,
        "overlap_tokens": 0,
        "attributes": {},
    }


def _find_value(marks: Collection[str], mark: str, kind: type[Any]) -> Any:
    """Return what stands in the name of a mark after a dash; `None` where there is no such mark."""
    found = sorted(held.partition("-")[2] for held in marks if held.startswith(f"{mark}-"))
    return kind(found[-1]) if found else None


def _name_gone(store_id: str, file_id: str) -> str:
    return f"{store_id}.{file_id}"


def _locate(attached: Attached, mark: str) -> str:
    return f"{_FOLDER}/{attached.store_id}/{attached.file_id}.{attached.attempt}.{mark}"
