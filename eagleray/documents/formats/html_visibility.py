"""What of an HTML page nobody reads: hidden elements, and the menus of a site.

An element is hidden by its `style`, by a rule of the page's style sheets, or by the attribute `hidden`, and
everything in it with it. `header`, `footer` and `nav` are judged by what they hold: a menu is mostly links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from eagleray.documents.formats.style_sheets import (
    AttributeTest,
    Declaration,
    Selector,
    StyleRules,
    drop_comments,
    is_for_screen,
    read_declarations,
)

_DROPPED_TAGS: Final = (
    "title script style noscript template svg math button select option datalist textarea input iframe "
    "object ix:header ix:hidden"
)
_DROPPED: Final = frozenset(_DROPPED_TAGS.split())
_NOT_LIVE: Final = ("template", "noscript")
_EDGES: Final = frozenset(("header", "footer", "nav"))
_CONTENT: Final = frozenset(("article", "main"))
_HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_MAX_EDGE_LINKS: Final = 5

_Step = tuple[Selector, int]
_Weight = tuple[bool, bool, tuple[int, int, int], int]


@dataclass(slots=True)
class _Counts:
    """Characters, links and headings up to some place of the page."""

    characters: int = 0
    linked: int = 0
    links: int = 0
    headings: int = 0


def find_unread(root: Any) -> set[Any]:
    """Return the elements nobody reads; what is in them is not listed again."""
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

    reader = _Reader(_read_rules(root))
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        if event == "start" and not reader.enter(node):
            walker.skip_subtree()
        elif event == "end":
            reader.leave(node)
    return reader.unread


def _read_rules(root: Any) -> StyleRules:
    rules = StyleRules(fold=str.lower if _is_quirky(root) else str)
    for node in _iterate_live(root):
        kind = (node.get("type") or "text/css").lower()
        if kind == "text/css" and is_for_screen(node.get("media") or ""):
            rules.add_sheet(node.text or "")
    return rules


def _is_quirky(root: Any) -> bool:
    """Return whether browsers compare names of classes and ids without case, as in pages without a doctype.

    Source: HTML Living Standard, 13.2.6.4.1; Selectors Level 4, sections 6.6 and 6.7.
    """
    return not root.getroottree().docinfo.doctype and root.get("xmlns") is None


def _iterate_live(root: Any) -> Iterator[Any]:
    """Yield the style blocks that are in force: not those of templates, nor of pages without scripts."""
    from lxml import etree

    walker = etree.iterwalk(root, events=("start",), tag=("style", *_NOT_LIVE))
    for _, node in walker:
        if node.tag == "style":
            yield node
        else:
            walker.skip_subtree()


class _Reader:
    """Goes through a page element by element."""

    def __init__(self, rules: StyleRules) -> None:
        self.unread: set[Any] = set()
        self._rules = rules
        self._counts = _Counts()
        self._begun: list[_Counts] = []  # of the open edges and headings
        self._n_open_links = 0
        self._n_open = dict.fromkeys(_CONTENT, 0)
        self._above: list[frozenset[_Step]] = [frozenset()]  # beginnings of selectors that ancestors match
        self._parent: list[frozenset[_Step]] = [frozenset()]

    def enter(self, node: Any) -> bool:
        """Return whether an element is read, as far as can be said before its content is known."""
        tag = node.tag
        matched = self._match(node)
        if tag in _DROPPED or _is_hidden(node, matched):
            self.unread.add(node)
            return False
        if tag in _EDGES or tag in _HEADINGS:
            self._begun.append(replace(self._counts))
        if tag == "a":
            self._n_open_links += 1
            self._counts.links += 1
        if tag in _CONTENT:
            self._n_open[tag] += 1
        self._count(node.text)
        return True

    def leave(self, node: Any) -> None:
        """Judge an element whose content is known by now."""
        tag = node.tag
        self._above.pop()
        self._parent.pop()
        if node not in self.unread:
            if tag in _CONTENT:
                self._n_open[tag] -= 1
            elif tag == "a":
                self._n_open_links -= 1
            elif tag in _EDGES or tag in _HEADINGS:
                self._judge(node, begun=self._begun.pop())
        self._count(node.tail)

    def _count(self, text: str | None) -> None:
        if text:
            n_characters = sum(map(len, text.split()))
            self._counts.characters += n_characters
            self._counts.linked += n_characters if self._n_open_links else 0

    def _judge(self, node: Any, *, begun: _Counts) -> None:
        counts = self._counts
        linked = counts.linked - begun.linked
        free = counts.characters - begun.characters - linked
        if node.tag in _HEADINGS:
            counts.headings += free > 0 or (linked > 0 and self._n_open["main"] > 0)
        elif linked > free and (node.tag == "nav" or self._is_menu(node.tag, begun)):
            self.unread.add(node)

    def _is_menu(self, tag: str, begun: _Counts) -> bool:
        if tag == "header" and (self._n_open["article"] or self._counts.headings > begun.headings):
            return False
        return self._counts.links - begun.links > _MAX_EDGE_LINKS

    def _match(self, node: Any) -> list[Selector]:
        """Return the selectors an element matches, and note those that elements in it may go on with."""
        above, parent = self._above[-1], self._parent[-1]
        matched: list[Selector] = []
        begun: list[_Step] = []
        for selector, number in self._find_candidates(node):
            step = selector.steps[number]
            if number and (selector, number - 1) not in (parent if step.is_child else above):
                continue
            if number == len(selector.steps) - 1:
                matched.append(selector)
            else:
                begun.append((selector, number))
        now = frozenset(begun)
        self._above.append(above if now <= above else above | now)
        self._parent.append(now)
        return matched

    def _find_candidates(self, node: Any) -> Iterator[_Step]:
        steps = self._rules.steps
        if not steps:
            return
        classes = set(self._rules.fold(node.get("class") or "").split())
        name = self._rules.fold(node.get("id") or "")
        for key in ("*", node.tag, f"#{name}", *(f".{item}" for item in classes)):
            for selector, number in steps.get(key, ()):
                step = selector.steps[number]
                if (
                    (not step.tag or step.tag == node.tag)
                    and (not step.id or step.id == name)
                    and step.classes <= classes
                    and all(_has(node, wanted) for wanted in step.attributes)
                ):
                    yield selector, number


def _is_hidden(node: Any, matched: list[Selector]) -> bool:
    """Return whether an element is hidden, by the heaviest of what is said of it."""
    winners: dict[bool, tuple[_Weight, bool]] = {}
    for selector in matched:
        for declaration in selector.declarations:
            weight = (declaration.is_important, False, selector.specificity, selector.order)
            _weigh(winners, declaration, weight)
    css = node.get("style")
    if css:
        for number, declaration in enumerate(read_declarations(drop_comments(css))):
            _weigh(winners, declaration, (declaration.is_important, True, (0, 0, 0), number))
    if False in winners and winners[False][1]:
        return True
    is_closed = node.get("hidden") is not None or (node.tag == "dialog" and node.get("open") is None)
    return winners[True][1] if True in winners else is_closed


def _weigh(winners: dict[bool, tuple[_Weight, bool]], declaration: Declaration, weight: _Weight) -> None:
    before = winners.get(declaration.is_display)
    if before is None or weight >= before[0]:
        winners[declaration.is_display] = (weight, declaration.is_hidden)


def _has(node: Any, wanted: AttributeTest) -> bool:
    held = node.get(wanted.name)
    return held is not None and wanted.holds_for(held)
