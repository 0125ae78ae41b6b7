"""Which fields of a mapping find a value in a record, and in which of their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping_rules import DEFAULT_MAPPING, Mapping, RuleKind, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_values import find_origin

MAX_NAMES: Final = 64
"""Names of fields that are kept of a record."""

_OTHERS: Final = "other_attributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """A field of a mapping, and where it is looked for.

    Attributes:
        name: as the mapping file calls it; an attribute has its own name.
        places: in the order they are tried.
    """

    name: str
    places: tuple[ValueOrigin, ...]


class MatchCounter:
    """Counts, place by place, the records in which each field of a mapping finds its value.

    Attributes:
        n_records: that were counted.
        names: of the fields of the first of them, dotted, as a mapping would name them.
    """

    def __init__(self, mapping: Mapping | None) -> None:
        """Count the fields of a mapping; of none, nothing."""
        self._fields = () if mapping is None else list_mapped_fields(mapping)
        self._counts = [[0] * len(field.places) for field in self._fields]
        self.n_records = 0
        self.names = frozenset[str]()

    def add(self, record: RawRecord) -> None:
        """Count a record."""
        if self._fields and not self.n_records:
            self.names = frozenset(islice(_list_names(record.fields), MAX_NAMES))
        self.n_records += 1
        for field, counts in zip(self._fields, self._counts, strict=True):
            for place, origin in enumerate(field.places):
                if find_origin(origin, record) is not None:
                    counts[place] += 1
                    break

    def close(self) -> dict[str, tuple[int, ...]]:
        """Return field -> how many records each of its places gave a value."""
        counted = zip(self._fields, self._counts, strict=True)
        return {field.name: tuple(counts) for field, counts in counted}


def list_mapped_fields(mapping: Mapping) -> tuple[MappedField, ...]:
    """Return the fields that a mapping file names, and `known_from` always, which decides who sees what when.

    An attribute named like another field is called `attributes.NAME`.
    """
    usual = [rule for rule in DEFAULT_MAPPING.rules if rule.name != "known_from"]
    taken = {*Mapping.__dataclass_fields__}
    fields = []
    for rule in mapping.rules:
        is_attribute = rule.kind is RuleKind.ATTRIBUTE
        name = f"attributes.{rule.name}" if is_attribute and rule.name in taken else rule.name
        if rule not in usual:
            fields.append(MappedField(name=name, places=rule.origins))
    if mapping.other_attributes not in ("", DEFAULT_MAPPING.other_attributes):
        place = ValueOrigin(kind=ValueOriginKind.FIELD, name=mapping.other_attributes)
        fields.append(MappedField(name=_OTHERS, places=(place,)))
    return tuple(fields)


def describe_place(place: ValueOrigin) -> str:
    """Return a place as people read it: `field metadata.date`, `path '^(?P<value>…)'`, `constant`."""
    if place.kind is ValueOriginKind.CONSTANT:
        return place.kind.value
    shown = f"'{place.name}'" if place.kind is ValueOriginKind.PATH else place.name
    return f"{place.kind.value} {shown}"


def find_nearest_name(wanted: str, names: Iterable[str]) -> str:
    """Return the field that was meant: in another case, within another one, or spelt alike; else `""`."""
    known = {name.casefold(): name for name in sorted(names, reverse=True)}
    last = wanted.casefold().rpartition(".")[2]
    within = sorted(name for name in known if name.rpartition(".")[2] == last)
    near = within or get_close_matches(wanted.casefold(), known, n=1)
    return known[near[0]] if near else ""


def _list_names(fields: dict[str, Any], above: str = "") -> Iterator[str]:
    """Yield the names of fields that hold a value, and of what lies in those that are objects."""
    for name, value in fields.items():
        if isinstance(value, dict) and not above:
            yield from _list_names(value, f"{name}.")
        elif value is not None and isinstance(name, str):
            yield f"{above}{name}"
