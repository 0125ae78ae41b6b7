"""Mapping files: YAML checked key by key, so that every fault names its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import yaml

from eagleray.contracts.documents import AttributeType
from eagleray.documents.mapping_attributes import NAME_RULE, is_attribute_name
from eagleray.documents.mapping_records import check_value
from eagleray.documents.mapping_rules import (
    DEFAULT_MAPPING,
    FileFact,
    Mapping,
    Rule,
    RuleKind,
    ValueOrigin,
    ValueOriginKind,
)
from eagleray.documents.mapping_times import convert_time, find_format_fault
from eagleray.documents.mapping_values import RuleError
from eagleray.documents.sidecar import FILE_COLUMN
from eagleray.documents.yaml_nodes import YamlFile
from eagleray.text_forms import normalise

_KINDS: Final = {
    "doc_id": RuleKind.TEXT,
    "title": RuleKind.TEXT,
    "text": RuleKind.TEXT,
    "known_from": RuleKind.TIME,
    "known_to": RuleKind.TIME,
    "event_time": RuleKind.TIME,
    "groups": RuleKind.GROUPS,
    "zone": RuleKind.TEXT,
}
KEYS: Final = (*_KINDS, "attributes", "other_attributes", "sidecar")
"""What a mapping file may say."""

_ORIGINS: Final = tuple(kind.value for kind in ValueOriginKind)
_OPTIONAL_UNLESS_SAID: Final = ("title",)


def load_mapping(path: Path | str) -> Mapping:
    """Return the mapping a YAML file declares; what it leaves out is as in `DEFAULT_MAPPING`.

    Raises:
        MappingError: the file cannot be read or says something a mapping cannot; with the line.
    """
    file = YamlFile(str(path))
    entries = file.read_entries(file.compose(), allowed=KEYS)
    rules = {name: _read_rule(file, name, node=node) for name, node in entries.items() if name in _KINDS}
    mapping = replace(DEFAULT_MAPPING, **cast(dict[str, Any], rules))
    if "attributes" in entries:
        attributes = file.read_entries(entries["attributes"], allowed=None)
        declared = tuple(_read_attribute(file, name, node=node) for name, node in attributes.items())
        mapping = replace(mapping, attributes=declared, other_attributes="")
    if "other_attributes" in entries:
        origin = file.read_entries(entries["other_attributes"], allowed=("field",))
        if "field" not in origin:
            raise file.fault(entries["other_attributes"], "expected {field: NAME}")
        mapping = replace(mapping, other_attributes=file.read_text(origin["field"]))
    return _read_sidecar(file, entries.get("sidecar"), mapping)


def _read_sidecar(file: YamlFile, node: yaml.Node | None, mapping: Mapping) -> Mapping:
    """Return a mapping with the path of its table, which a file names from where it lies itself."""
    takers = [
        rule.name
        for rule in mapping.rules
        for origin in rule.origins
        if origin.kind is ValueOriginKind.SIDECAR
    ]
    if node is None:
        if takers:
            raise file.fault(
                None, f"{takers[0]!r} takes a value from a sidecar; name it with `sidecar: FILE.csv`"
            )
        return mapping
    if not takers:
        raise file.fault(
            node, "no field takes a value from the sidecar; write {sidecar: COLUMN} where one does"
        )
    path = Path(file.path).parent / Path(file.read_text(node)).expanduser()
    return replace(mapping, sidecar=str(path))


def _read_rule(file: YamlFile, name: str, *, node: yaml.Node) -> Rule:
    kind = _KINDS[name]
    options = ("optional", "zone", "format") if kind is RuleKind.TIME else ("optional",)
    rule = Rule(name=name, kind=kind, origins=(), is_optional=name in _OPTIONAL_UNLESS_SAID)
    return _fill_rule(file, rule, node, options=options)


def _read_attribute(file: YamlFile, name: str, *, node: yaml.Node) -> Rule:
    types = tuple(kind.value for kind in AttributeType)
    name = normalise(name)
    if not is_attribute_name(name):
        raise file.fault(node, f"expected {NAME_RULE} as the name of an attribute")
    rule = Rule(name=name, kind=RuleKind.ATTRIBUTE, origins=(), is_optional=True)
    if isinstance(node, yaml.MappingNode):
        entries = file.read_entries(node, allowed=None)
        if "type" in entries:
            text = file.read_choice(entries["type"], allowed=types)
            rule = replace(rule, type=AttributeType(text))
        elif "from" in entries or any(origin in entries for origin in _ORIGINS):
            raise file.fault(node, f"attribute {name!r} needs `type:`, one of {', '.join(types)}")
    return _fill_rule(file, rule, node, options=("type", "optional", "zone", "format"))


def _fill_rule(file: YamlFile, rule: Rule, node: yaml.Node, *, options: Iterable[str]) -> Rule:
    if not isinstance(node, yaml.MappingNode):
        raise file.fault(
            node, f"expected {{field: NAME}} or another of {', '.join(_ORIGINS)} for {rule.name!r}"
        )
    entries = file.read_entries(node, allowed=(*_ORIGINS, "from", *options))
    if "optional" in entries:
        rule = replace(rule, is_optional=file.read_boolean(entries["optional"]))
        if rule.is_optional and rule.is_always_needed:
            raise file.fault(entries["optional"], f"{rule.name} cannot be optional: every document has one")
    if "zone" in entries:
        rule = replace(rule, zone=file.read_text(entries["zone"]))
        _check_zone(file, rule, node=entries["zone"])
    if "format" in entries:
        rule = replace(rule, format=_read_format(file, entries["format"]))
    rule = replace(rule, origins=_read_origins(file, rule, node=node))
    _check_constants(file, rule, node=node)
    return rule


def _read_origins(file: YamlFile, rule: Rule, *, node: yaml.Node) -> tuple[ValueOrigin, ...]:
    entries = file.read_entries(node, allowed=None)
    if "from" in entries:
        if any(name in entries for name in _ORIGINS):
            raise file.fault(node, f"{rule.name!r} has both `from:` and {' or '.join(_ORIGINS)}; keep one")
        parts = entries["from"]
        nodes = parts.value if isinstance(parts, yaml.SequenceNode) else [parts]
        if not nodes:
            raise file.fault(parts, "expected at least one place to look")
        options = ("zone", "format") if _is_time(rule) else ()
        for part in nodes:
            file.read_entries(part, allowed=(*_ORIGINS, *options))
        return tuple(_read_place(file, rule, node=part) for part in nodes)
    return (_read_origin(file, rule, node=node),)


def _read_place(file: YamlFile, rule: Rule, *, node: yaml.Node) -> ValueOrigin:
    """Return one place of a list, which may have a zone and a format of its own."""
    entries = file.read_entries(node, allowed=None)
    origin = _read_origin(file, rule, node=node)
    if "format" in entries:
        origin = replace(origin, format=_read_format(file, entries["format"]))
    if "zone" in entries:
        origin = replace(origin, zone=file.read_text(entries["zone"]))
        _check_zone(file, rule.settle(origin), node=entries["zone"])
    return origin


def _read_origin(file: YamlFile, rule: Rule, *, node: yaml.Node) -> ValueOrigin:
    entries = file.read_entries(node, allowed=None)
    given = [name for name in _ORIGINS if name in entries]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise file.fault(node, f"{rule.name!r} needs exactly one of {', '.join(_ORIGINS)}; found {found}")
    kind, value = ValueOriginKind(given[0]), entries[given[0]]
    if kind is ValueOriginKind.CONSTANT:
        if rule.name == "doc_id" and rule.kind is RuleKind.TEXT:
            raise file.fault(value, "a constant would give every document the same doc_id")
        return ValueOrigin(kind=kind, constant=file.read_constant(value))
    name = file.read_text(value)
    if kind is ValueOriginKind.SIDECAR and name == FILE_COLUMN:
        raise file.fault(value, f"the column {FILE_COLUMN!r} names files; take another, or {{file: path}}")
    if kind is ValueOriginKind.PATH:
        _check_pattern(file, name, node=value)
    elif kind is ValueOriginKind.FILE:
        facts = [FileFact.MODIFIED.value] if _is_time(rule) else [FileFact.PATH.value, FileFact.STEM.value]
        file.read_choice(value, allowed=facts)
    return ValueOrigin(kind=kind, name=name)


def _is_time(rule: Rule) -> bool:
    return rule.kind is RuleKind.TIME or rule.type is AttributeType.TIME


def _check_pattern(file: YamlFile, pattern: str, *, node: yaml.Node) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise file.fault(node, f"{pattern!r} is not a regular expression: {error}") from error
    if "value" not in compiled.groupindex:
        raise file.fault(node, f"{pattern!r} needs a group named value, such as (?P<value>\\d+)")


def _read_format(file: YamlFile, node: yaml.Node) -> str:
    text = file.read_text(node)
    fault = find_format_fault(text)
    if fault:
        raise file.fault(node, fault)
    return text


def _check_zone(file: YamlFile, rule: Rule, *, node: yaml.Node) -> None:
    probe = ValueOrigin(kind=ValueOriginKind.CONSTANT)
    try:
        convert_time("2000-01-01T00:00:00", replace(rule, format=""), origin=probe)
    except RuleError as fault:
        detail = f"{rule.zone!r} is not an IANA time zone, such as America/New_York"
        raise file.fault(node, detail) from fault


def _check_constants(file: YamlFile, rule: Rule, *, node: yaml.Node) -> None:
    for origin in rule.origins:
        if origin.kind is ValueOriginKind.CONSTANT:
            try:
                check_value(origin.constant, rule, origin=origin)
            except RuleError as fault:
                raise file.fault(node, fault.detail) from fault
