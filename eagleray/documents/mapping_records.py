"""A document out of a record, by a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from eagleray.contracts.bounds import MAX_NAME
from eagleray.contracts.documents import AttributeValue, DeadLetter, DeadLetterReason, Document
from eagleray.contracts.sources import RawRecord
from eagleray.contracts.times import OPEN_END
from eagleray.documents.decoding import find_unstorable
from eagleray.documents.elements import find_elements
from eagleray.documents.mapping_attributes import check_attributes, convert_attribute, convert_open_attribute
from eagleray.documents.mapping_rules import Mapping, Rule, RuleKind, ValueOrigin, ValueOriginKind
from eagleray.documents.mapping_times import ConvertTime, convert_end, convert_finite_time, convert_time
from eagleray.documents.mapping_values import (
    RuleError,
    convert_groups,
    convert_text,
    find_field,
    find_value,
    name_type,
)
from eagleray.text_forms import normalise

_TIMES: Final[dict[str, ConvertTime]] = {"known_to": convert_end, "event_time": convert_finite_time}
"""Rules whose times may be infinite -> how these are read."""


def apply_mapping(mapping: Mapping, record: RawRecord) -> Document | DeadLetter:
    """Return the document a record stands for, or the dead letter that says why it is none."""
    doc_id = ""
    try:
        found = _read_text(mapping.doc_id, record)
        doc_id = found.encode("utf-8", "backslashreplace").decode()  # dead letters are UTF-8
        document = _make_document(mapping, record, doc_id=found)
        _check_storable(document)
        return document
    except RuleError as fault:
        return record.reject(fault.reason, fault.detail, doc_id=doc_id)
    except Exception as error:  # noqa: BLE001 - a record may be anything, and it alone must not become a document
        detail = f"no document can be made of it ({type(error).__name__})"
        return record.reject(DeadLetterReason.PARSER_FAILED, detail, doc_id=doc_id)


def check_value(value: Any, rule: Rule, *, origin: ValueOrigin) -> None:
    """Check that a rule can take a value from one of its places.

    Raises:
        RuleError: it cannot.
    """
    if rule.kind is RuleKind.TIME:
        _TIMES.get(rule.name, convert_time)(value, rule, origin=origin)
    elif rule.kind is RuleKind.GROUPS:
        convert_groups(value, rule)
    elif rule.kind is RuleKind.TEXT:
        convert_text(value, rule)
    else:
        convert_attribute(value, rule, origin=origin)


def _make_document(mapping: Mapping, record: RawRecord, *, doc_id: str) -> Document:
    text = _read_text(mapping.text, record)
    if not doc_id.strip() or not text.strip():
        name = "text" if doc_id.strip() else "doc_id"
        raise RuleError(
            reason=DeadLetterReason.EMPTY_TEXT if name == "text" else DeadLetterReason.MISSING_FIELD,
            detail=f"{name}: expected at least one character that is not a space, found none",
        )
    if len(doc_id) > MAX_NAME:
        detail = f"doc_id: expected at most {MAX_NAME} characters, found {len(doc_id)}; map a shorter one"
        raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
    known_from = _read_time(mapping.known_from, record, convert_time)
    known_to = _read_time(mapping.known_to, record, convert_end)
    if known_from is None or (known_to is not None and known_to <= known_from):
        detail = "known_to: expected a time after known_from, found an earlier or equal one"
        raise RuleError(reason=DeadLetterReason.INVALID_TIME, detail=detail)
    is_parsed = bool(record.elements) and text is record.fields.get("text")
    return Document(
        doc_id=doc_id,
        title=" ".join(_read_text(mapping.title, record).split()),
        text=text,
        known_from=known_from,
        elements=record.elements if is_parsed else find_elements(text),
        attributes=_read_attributes(mapping, record),
        groups=_read_groups(mapping.groups, record),
        zone=_read_text(mapping.zone, record).strip() or "default",
        event_time=_read_time(mapping.event_time, record, convert_finite_time),
        known_to=OPEN_END if known_to is None else known_to,
        source=record.origin.uri,
        position=record.origin.position,
    )


def _check_storable(document: Document) -> None:
    values: dict[str, AttributeValue] = {
        "doc_id": document.doc_id,
        "title": document.title,
        "text": document.text,
        "groups": document.groups,
        "zone": document.zone,
        **{f"attribute {name!r}": value for name, value in document.attributes.items()},
        "names of attributes": tuple(document.attributes),
    }
    for name, value in values.items():
        for text in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
            fault = find_unstorable(text)
            if fault:
                raise RuleError(reason=DeadLetterReason.INVALID_ENCODING, detail=f"{name}: {fault}")


def _read_text(rule: Rule, record: RawRecord) -> str:
    found = find_value(rule, record)
    return "" if found is None else convert_text(found[0], rule)


def _read_groups(rule: Rule, record: RawRecord) -> tuple[str, ...]:
    found = find_value(rule, record)
    return () if found is None else convert_groups(found[0], rule)


def _read_time(rule: Rule | None, record: RawRecord, convert: ConvertTime) -> int | None:
    found = find_value(rule, record) if rule is not None else None
    return None if found is None or rule is None else convert(found[0], rule, origin=found[1])


def _read_attributes(mapping: Mapping, record: RawRecord) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {}
    if mapping.other_attributes:
        taken = {
            origin.name
            for rule in (mapping.groups, mapping.zone)
            for origin in rule.origins
            if origin.kind is ValueOriginKind.FIELD
        }
        prefix = mapping.other_attributes
        for name, value in _flatten(_find_object(record, prefix)):
            converted = None if f"{prefix}.{name}" in taken else convert_open_attribute(value, name)
            if converted is not None:
                attributes[normalise(name)] = converted
    for rule in mapping.attributes:
        found = find_value(rule, record)
        attributes.pop(rule.name, None)
        if found is not None:
            converted = convert_attribute(found[0], rule, origin=found[1])
            if converted is not None:
                attributes[rule.name] = converted
    check_attributes(attributes)
    return dict(sorted(attributes.items()))


def _find_object(record: RawRecord, name: str) -> dict[str, Any]:
    """Return the object below a field; whatever else stands there may hold groups that nobody would see."""
    value = find_field(record.fields, name)
    if isinstance(value, dict):
        return value
    if value is None or value == []:  # as an empty map of a table comes
        return {}
    detail = f"{name}: expected an object, found {name_type(value)}"
    raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)


def _flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of every entry that is no object."""
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _flatten(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item
