"""Rules of a mapping as frozen values, and the default mapping."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from eagleray.contracts.documents import AttributeType
from eagleray.digests import digest_json

Constant = str | int | float | bool | tuple[str, ...]


class ValueOriginKind(StrEnum):
    """Where a value may come from."""

    FIELD = "field"
    PATH = "path"
    FILE = "file"
    CONSTANT = "constant"
    SIDECAR = "sidecar"


class FileFact(StrEnum):
    """What is known of every file."""

    MODIFIED = "modified"
    PATH = "path"
    STEM = "stem"


class RuleKind(StrEnum):
    """What a rule's value must be."""

    TEXT = "text"
    TIME = "time"
    GROUPS = "groups"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueOrigin:
    """One place to look for a value.

    Attributes:
        kind: field, path, file, constant or sidecar.
        name: dotted field, regular expression over the path that rows are filed under, file fact, or column.
        constant: the value itself.
        zone: of times from here that name none; `""` takes the rule's.
        format: of times from here; `""` takes the rule's.
    """

    kind: ValueOriginKind
    name: str = ""
    constant: Constant = ""
    zone: str = ""
    format: str = ""


_ALWAYS_NEEDED: Final = ("doc_id", "text", "known_from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one part of a document is found.

    Attributes:
        name: the part, as the mapping file calls it.
        kind: what the value must be.
        origins: looked through in order; the first that holds a value counts.
        is_optional: whether a record without it is still a document.
        type: of an attribute; `string` for all other rules.
        zone: IANA zone of times that name none; `""` refuses them.
        format: of times: strptime's, `epoch_s`, `epoch_ms`, `epoch_us`, or `""` for ISO 8601.
    """

    name: str
    kind: RuleKind
    origins: tuple[ValueOrigin, ...]
    is_optional: bool = False
    type: AttributeType = AttributeType.STRING
    zone: str = ""
    format: str = ""

    @property
    def is_always_needed(self) -> bool:
        """Whether every document has this part, so that it cannot be optional."""
        return self.name in _ALWAYS_NEEDED and self.kind is not RuleKind.ATTRIBUTE

    def settle(self, origin: ValueOrigin) -> Rule:
        """Return the rule for values of one of its places, which may have a zone and a format of its own."""
        if not origin.zone and not origin.format:
            return self
        return replace(self, zone=origin.zone or self.zone, format=origin.format or self.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How records become documents.

    Attributes:
        known_to: `None` where nothing says when a document was superseded.
        event_time: `None` where nothing says what time the text is about.
        attributes: declared attributes, each with its type.
        other_attributes: dotted field whose entries all become attributes with the types they come
            with; `""` for none.
        sidecar: path of the table that rules take values from; `""` for none. Where it lies and what it says
            is no part of the digest: a row is part of the mark of its file.
    """

    doc_id: Rule
    title: Rule
    text: Rule
    known_from: Rule
    known_to: Rule | None
    event_time: Rule | None
    groups: Rule
    zone: Rule
    attributes: tuple[Rule, ...] = ()
    other_attributes: str = ""
    sidecar: str = ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, those of attributes last."""
        fixed = (self.doc_id, self.title, self.text, self.known_from, self.known_to, self.event_time)
        return (*(rule for rule in fixed if rule is not None), self.groups, self.zone, *self.attributes)

    @property
    def digest(self) -> str:
        """SHA-256 of the mapping's canonical JSON, 64 hex digits."""
        return digest_json(asdict(self, dict_factory=_show))


def _show(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return what a digest is of: what no mapping could say once is left out where it is not said."""
    shown = dict(items)
    if "constant" in shown:  # a place
        return {name: value for name, value in shown.items() if name not in ("zone", "format") or value}
    shown.pop("sidecar", None)
    return shown


def _field(*names: str) -> tuple[ValueOrigin, ...]:
    return tuple(ValueOrigin(kind=ValueOriginKind.FIELD, name=name) for name in names)


_MODIFIED: Final = ValueOrigin(kind=ValueOriginKind.FILE, name=FileFact.MODIFIED)

DEFAULT_MAPPING: Final = Mapping(
    doc_id=Rule(name="doc_id", kind=RuleKind.TEXT, origins=_field("_id")),
    title=Rule(name="title", kind=RuleKind.TEXT, origins=_field("title"), is_optional=True),
    text=Rule(name="text", kind=RuleKind.TEXT, origins=_field("text")),
    known_from=Rule(name="known_from", kind=RuleKind.TIME, origins=(*_field("known_from"), _MODIFIED)),
    known_to=Rule(name="known_to", kind=RuleKind.TIME, origins=_field("known_to"), is_optional=True),
    event_time=Rule(name="event_time", kind=RuleKind.TIME, origins=_field("event_time"), is_optional=True),
    groups=Rule(
        name="groups", kind=RuleKind.GROUPS, origins=_field("groups", "metadata.groups"), is_optional=True
    ),
    zone=Rule(name="zone", kind=RuleKind.TEXT, origins=_field("zone", "metadata.zone"), is_optional=True),
    other_attributes="metadata",
)
"""What is used where no mapping is given: the BEIR layout, and one document a file elsewhere."""
