"""YAML as nodes that remember their lines; what the nodes mean lives in `mapping_file`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import yaml

from eagleray.documents.mapping_rules import Constant
from eagleray.errors import MappingError

_TAG = "tag:yaml.org,2002:"


class YamlFile:
    """One file; its readers raise `MappingError` with the line of the node they were given."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fault(self, node: yaml.Node | None, detail: str) -> MappingError:
        """Return the error for a node."""
        line = node.start_mark.line + 1 if node is not None else 1
        return MappingError(path=self.path, line=line, detail=detail)

    def compose(self) -> yaml.Node:
        """Return the file's root node."""
        try:
            root = yaml.compose(Path(self.path).read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
        except OSError as error:
            raise self.fault(None, f"the file cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise self.fault(None, f"byte {error.start} is not valid UTF-8") from error
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            hint = "; write regular expressions in single quotes" if "escape" in str(error.problem) else ""
            raise MappingError(
                path=self.path, line=line, detail=f"not valid YAML: {error.problem}{hint}"
            ) from error
        except yaml.YAMLError as error:
            raise self.fault(None, f"not valid YAML: {error}") from error
        except RecursionError as error:
            raise self.fault(None, "it is nested too deeply") from error
        if root is None:
            raise self.fault(None, "the file is empty; expected keys such as `known_from:`")
        return root

    def read_entries(self, node: yaml.Node, *, allowed: Iterable[str] | None) -> dict[str, yaml.Node]:
        """Return key -> value node; each key once and, where `allowed` is given, one of these."""
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, "expected `key: value` lines")
        names = None if allowed is None else list(allowed)
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.read_text(key)
            if name in entries:
                raise self.fault(key, f"{name!r} stands twice")
            if names is not None and name not in names:
                raise self.fault(key, f"unknown key {name!r}{_suggest(name, names)}")
            entries[name] = value
        return entries

    def read_text(self, node: yaml.Node) -> str:
        """Return a scalar as the text that stands in the file."""
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self.fault(node, "expected text")
        return str(node.value)

    def read_choice(self, node: yaml.Node, *, allowed: Iterable[str]) -> str:
        """Return a scalar that is one of `allowed`."""
        names, text = list(allowed), self.read_text(node)
        if text not in names:
            raise self.fault(node, f"unknown value {text!r}{_suggest(text, names)}")
        return text

    def read_boolean(self, node: yaml.Node) -> bool:
        """Return `true` or `false`."""
        return self.read_choice(node, allowed=("true", "false")) == "true"

    def read_constant(self, node: yaml.Node) -> Constant:
        """Return a string, number, boolean or list of strings; a date stays the text it is."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.read_text(item) for item in node.value)
        if isinstance(node, yaml.ScalarNode):
            text = str(node.value)
            if node.tag == f"{_TAG}bool":
                return self.read_boolean(node)
            try:
                if node.tag == f"{_TAG}int":
                    return int(text)
                if node.tag == f"{_TAG}float":
                    return float(text)
            except ValueError as error:
                raise self.fault(node, f"{text!r} is not a decimal number; put text into quotes") from error
            if node.tag != f"{_TAG}null":
                return text
        raise self.fault(node, "expected a string, number, boolean or list of strings")


def _suggest(name: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(name, allowed, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(allowed)}"
