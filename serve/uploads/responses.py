"""Responses that are kept for their caller: `responses/RESPONSE.json`, made once and removed once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from serve.uploads.objects import Objects
from serve.uploads.records import ResponseRecord, is_name, read_clock, tell_missing

_FOLDER: Final = "responses"
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLimits:
    """How many responses are kept, and how long.

    Attributes:
        n_days: for which each is kept.
        most: that are kept for one caller, the newest ones; 0 keeps none.
    """

    n_days: int = 30
    most: int = 1_000

    def find_end(self, created: int) -> int:
        """Return when a response of a time expires; both in microseconds."""
        return created + self.n_days * _DAY_US


class ResponseRecords:
    """The responses of one owner; every method may block."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def add(self, record: ResponseRecord, *, most: int) -> None:
        """Keep a response; where there are more than `most` then, the oldest ones go."""
        made = _locate(record.response_id)
        self._objects.create(made, asdict(record))
        others = [(changed, path) for path, changed in self._objects.list(_FOLDER) if path != made]
        for _, path in sorted(others, reverse=True)[max(most - 1, 0) :]:
            self._objects.delete(path)

    def find(self, response_id: str) -> ResponseRecord:
        """Return a response that has not expired.

        Raises:
            NotPublishedError: this caller has none of the name; others may.
            IntegrityError: its record is damaged.
        """
        record = self._read(_locate(response_id)) if is_name(response_id) else None
        if record is None or read_clock() >= record.expires:
            raise tell_missing(response_id)
        return record

    def delete(self, response_id: str) -> None:
        """Remove a response.

        Raises:
            NotPublishedError: this caller has none of the name; others may.
        """
        self.find(response_id)
        self._objects.delete(_locate(response_id))

    def remove_expired(self) -> None:
        """Remove the responses whose time is up."""
        now = read_clock()
        for path, _ in list(self._objects.list(_FOLDER)):
            record = self._read(path)
            if record is not None and now >= record.expires:
                self._objects.delete(path)

    def _read(self, path: str) -> ResponseRecord | None:
        fields = self._objects.read(path)
        try:
            return None if fields is None else ResponseRecord(**fields)
        except TypeError as error:
            raise self._objects.tell_damage(path) from error


def _locate(response_id: str) -> str:
    return f"{_FOLDER}/{response_id}.json"
