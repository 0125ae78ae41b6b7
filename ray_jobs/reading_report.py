"""What a run tells of its reading: files by format and reason, fields of the mapping, and what to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from eagleray.documents.mapping_matches import MappedField, describe_place, find_nearest_name
from eagleray.documents.mapping_rules import ValueOriginKind
from indexes.runs.unread import SourceRecord
from ray_jobs.source_reading import Reading, ReadSource

NO_SUFFIX: Final = "none"
"""What the format of a file is called whose name has no suffix."""

MAX_EXAMPLES: Final = 5
"""Files that are named for each reason of dead letters, and fields of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingReport:
    """The report of a reading.

    Attributes:
        source: that was read.
        reading: what was read of it.
        record: what is known of the source after that.
    """

    source: ReadSource
    reading: Reading
    record: SourceRecord

    def show(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        reading, passed_over = self.reading, dict(self.source.passed_over)
        return {
            "files": self.count_files(),
            "formats": _count_formats(reading),
            "refused": _count_reasons(reading),
            "fields": {field.name: self._show_field(field) for field in self._counted_fields},
            "warnings": [*self._warn_of_files(), *map(self._warn_of_field, self.find_unmatched())],
            **({"passed_over": passed_over} if passed_over else {}),
        }

    def count_files(self) -> dict[str, int]:
        """Return what became of the files of the source, in this run and before."""
        source, reading, unread = self.source, self.reading, self.record.unread
        known = set() if source.is_stream else source.after.keys() - reading.parts
        refused = reading.faults.keys() - reading.documents.keys()
        return {
            "found": len(reading.parts) + len(known),
            "read": len(reading.parts) - len(reading.faults),
            "read_in_part": len(reading.faults) - len(refused),
            "refused": len(refused),
            "unchanged": len(known),
            "unread": sum(not part.has_documents for part in unread.values()),
            "unread_in_part": sum(part.has_documents for part in unread.values()),
            "passed_over": sum(source.passed_over.values()),
        }

    def find_unmatched(self) -> tuple[MappedField, ...]:
        """Return the fields of the mapping of which no document has a value, in this run or one before."""
        matched = self.record.matched
        is_known = self.reading.tally.n_records or matched
        return tuple(field for field in self.source.fields if is_known and field.name not in matched)

    def find_excess(self, allowed: float) -> tuple[str, ...]:
        """Return what is more than a strict run allows, one clause each.

        Args:
            allowed: share of files, and of records, that may be refused, from 0 to 1; of 0, no file may be
                read in part, either.
        """
        counts, n_set_aside = self.count_files(), self._count_records_set_aside()
        n_records = n_set_aside + self.reading.n_documents
        n_unread = counts["unread"] + (0 if allowed else counts["unread_in_part"])
        limit = f", more than the share of {allowed:g} that is allowed" if allowed else ""
        found = []
        if n_unread > allowed * counts["found"]:
            in_full = "" if allowed else " in full"
            found.append(f"{n_unread} of {counts['found']} files cannot be read{in_full}{limit}")
        elif n_set_aside > allowed * n_records:
            found.append(f"{n_set_aside} of {n_records} records were set aside{limit}")
        return (*found, *(f"{field.name} matched no document" for field in self.find_unmatched()))

    def _count_records_set_aside(self) -> int:
        """Return the records set aside; a file that is refused as one piece counts among files alone.

        Otherwise a run that reads nothing but one new file of a large folder could not refuse it.
        """
        reading, n = self.reading, self.reading.n_dead_letters
        if self.source.is_stream:
            return n
        refused = (reading.faults[part] for part in reading.faults.keys() - reading.documents.keys())
        return n - sum(sum(reasons.values()) == 1 for reasons in refused)

    @property
    def _counted_fields(self) -> tuple[MappedField, ...]:
        return self.source.fields if self.reading.tally.n_records else ()

    def _count_places(self, field: MappedField) -> tuple[int, ...]:
        return self.reading.tally.matches.get(field.name, (0,) * len(field.places))

    def _show_field(self, field: MappedField) -> dict[str, Any]:
        counts = self._count_places(field)
        places = zip(field.places, counts, strict=True)
        return {
            "matched": sum(counts),
            "of": self.reading.tally.n_records,
            "places": [{"place": describe_place(place), "matched": n} for place, n in places],
        }

    def _warn_of_files(self) -> list[dict[str, str]]:
        counts = self.count_files()
        told = [
            f"{counts[name]} of {counts['found']} files {what}"
            for name, what in (("unread", "cannot be read"), ("unread_in_part", "can be read only in part"))
            if counts[name]
        ]
        return [{"kind": "unread_files", "message": ", ".join(told)}] if told else []

    def _warn_of_field(self, field: MappedField) -> dict[str, str]:
        looked = ", ".join(map(describe_place, field.places))
        tally = self.reading.tally
        n = f"none of {tally.n_records} documents" if tally.n_records else "no document"
        message = f"{field.name} matched {n}; looked for in {looked}"
        if tally.n_records and any(place.kind is ValueOriginKind.PATH for place in field.places):
            message += f"; a path is, for instance, {min(tally.documents.keys() | tally.faults.keys())}"
        message += _hint_at_names(field, tally.names)
        return {"kind": "unmatched_field", "field": field.name, "message": message}


def _hint_at_names(field: MappedField, names: Sequence[str]) -> str:
    """Return what may have been meant by the field of records that a mapping names."""
    wanted = [place.name for place in field.places if place.kind is ValueOriginKind.FIELD]
    if not wanted or not names:
        return ""
    near = next(filter(None, (find_nearest_name(name, names) for name in wanted)), "")
    if near:
        return f"; did you mean the field {near}?"
    more = f" and {len(names) - MAX_EXAMPLES} more" if len(names) > MAX_EXAMPLES else ""
    return f"; records have the fields {', '.join(names[:MAX_EXAMPLES])}{more}"


def _count_formats(reading: Reading) -> dict[str, dict[str, int]]:
    formats: dict[str, Counter[str]] = {}
    for part in reading.parts:
        suffix = PurePosixPath(part).suffix.lower() or NO_SUFFIX
        is_whole = part not in reading.faults
        name = "read" if is_whole else "read_in_part" if part in reading.documents else "refused"
        formats.setdefault(suffix, Counter())[name] += 1
        formats[suffix]["documents"] += reading.documents.get(part, 0)
    names = ("read", "read_in_part", "refused", "documents")
    return {suffix: {name: formats[suffix][name] for name in names} for suffix in sorted(formats)}


def _count_reasons(reading: Reading) -> dict[str, dict[str, Any]]:
    """Return reason -> files it was met in, pieces that were set aside for it, and the first such files."""
    found: dict[str, dict[str, Any]] = {}
    for part in sorted(reading.faults):
        for reason, n in reading.faults[part].items():
            shown = found.setdefault(reason, {"files": 0, "pieces": 0, "examples": []})
            shown["files"] += 1
            shown["pieces"] += n
            if len(shown["examples"]) < MAX_EXAMPLES:
                shown["examples"].append(part)
    return dict(sorted(found.items()))
