"""Which fields of a mapping find a value in a record, and in which of their places."""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping_rules import DEFAULT_MAPPING, Mapping, RuleKind, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_values import find_origin

_OTHERS = "other_attributes"


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
    """Counts, place by place, the records in which each field of a mapping finds its value."""

    def __init__(self, mapping: Mapping | None) -> None:
        """Count the fields of a mapping; of none, nothing."""
        self._fields = () if mapping is None else list_mapped_fields(mapping)
        self._counts = [[0] * len(field.places) for field in self._fields]
        self.n_records = 0

    def add(self, record: RawRecord) -> None:
        """Count a record."""
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
