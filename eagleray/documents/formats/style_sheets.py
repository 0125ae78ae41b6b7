"""Style sheets of a page, as far as they say what is shown: rules for `display` and `visibility`.

Selectors may be made of elements, classes, ids and attributes, with descendants and children. A rule
whose selector says more (`:hover`, `+`) is passed over, so that in doubt text is kept. The screen is one of
ordinary width.

Source: CSS Cascading Level 4, section 6; Selectors Level 4, sections 3 and 16; Media Queries Level 4,
section 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_WRAPPERS: Final = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>")
_TOKEN: Final = re.compile(r""""(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[{};]""")
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_NAME: Final = r"(?:[-\w\u0080-\U0010ffff]|\\.)+"
_PART: Final = re.compile(
    rf"""(?P<child>\s*>\s*)|(?P<below>\s+)|(?P<tag>\*|[A-Za-z]{_NAME}|[A-Za-z])|\.(?P<class>{_NAME})|\#(?P<id>{_NAME})
      |\[\s*(?P<attribute>[-\w]+)\s*(?:(?P<operator>[~|^$*]?=)\s*(?P<value>"[^"]*"|'[^']*'|[-\w]+)\s*(?P<flag>[iIsS]\s*)?)?\]""",
    re.VERBOSE,
)
_FEATURE: Final = re.compile(r"\(\s*(min|max)-width\s*:\s*(\d{1,5})(?:\.\d{1,3})?(px|em|rem)\s*\)")
_MEDIA_NAME: Final = re.compile(r"(?:only\s+)?(?:screen|all)")
_HIDING: Final = {"display": {"none"}, "visibility": {"hidden", "collapse"}}
_SCREEN_PX: Final = 1280
_EM_PX: Final = 16
_OPENED: Final = ("@supports", "@layer", "@container")

_MAX_SELECTORS: Final = 4096
_MAX_PATHS: Final = 64
_MAX_STEPS: Final = 8
_MAX_PER_NAME: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one declaration says: whether `is_display` (or else visibility) hides, and with what weight."""

    is_display: bool
    is_hidden: bool
    is_important: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeTest:
    """What a selector says of an attribute.

    Attributes:
        operator: of its comparison with `value`; empty where it must only be there.
        ignores_case: of ASCII letters in values.
    """

    name: str
    operator: str
    value: str
    ignores_case: bool

    def holds_for(self, value: str) -> bool:
        """Return whether it holds for the value of such an attribute."""
        held, wanted = (value.lower(), self.value.lower()) if self.ignores_case else (value, self.value)
        if self.operator in {"", "="}:
            return not self.operator or held == wanted
        if self.operator == "|=":
            return held == wanted or held.startswith(f"{wanted}-")
        if self.operator == "~=":
            return wanted in held.split()
        compare = {"^=": held.startswith, "$=": held.endswith, "*=": held.__contains__}[self.operator]
        return bool(wanted) and compare(wanted)


@dataclass(slots=True, kw_only=True)
class Compound:
    """One element of a selector.

    Attributes:
        is_child: whether it must be a child of the compound before, rather than anywhere below.
    """

    is_child: bool = False
    tag: str = ""
    id: str = ""
    classes: set[str] = field(default_factory=set)
    attributes: list[AttributeTest] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The rarest name an element must have to match."""
        if self.id:
            return f"#{self.id}"
        return f".{min(self.classes)}" if self.classes else self.tag or "*"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selector:
    """A selector with its declarations.

    Attributes:
        steps: compounds, outermost first.
        specificity: ids, classes and attributes, tags.
        order: number of its rule in the page.
    """

    steps: tuple[Compound, ...]
    specificity: tuple[int, int, int]
    order: int
    declarations: tuple[Declaration, ...]


class StyleRules:
    """The rules of a page's style sheets, by the names of the elements they may match.

    Attributes:
        fold: gives the form in which names of classes and ids are compared.
    """

    def __init__(self, *, fold: Callable[[str], str]) -> None:
        self.fold = fold
        self.steps: dict[str, list[tuple[Selector, int]]] = {}
        self._n_selectors = 0
        self._n_paths = 0

    def add_sheet(self, css: str) -> None:
        """Add the rules of one `<style>` block; beyond a fixed number, rules are passed over."""
        for prelude, body in _find_rules(drop_comments(css)):
            declarations = tuple(read_declarations(body))
            for written in _split_selectors(prelude) if declarations else ():
                if self._n_selectors >= _MAX_SELECTORS:
                    return
                self._add(written, declarations)

    def _add(self, written: str, declarations: tuple[Declaration, ...]) -> None:
        steps = _read_steps(written, self.fold)
        is_path = len(steps) > 1
        if not steps or (is_path and self._n_paths >= _MAX_PATHS):
            return
        names = [self.steps.setdefault(step.key, []) for step in steps]
        if max(len(held) for held in names) >= _MAX_PER_NAME:
            return
        self._n_selectors += 1
        self._n_paths += is_path
        selector = Selector(
            steps=steps,
            specificity=(
                sum(bool(step.id) for step in steps),
                sum(len(step.classes) + len(step.attributes) for step in steps),
                sum(bool(step.tag) for step in steps),
            ),
            order=self._n_selectors,
            declarations=declarations,
        )
        for number, held in enumerate(names):
            held.append((selector, number))


def is_for_screen(media: str) -> bool:
    """Return whether one of a list of media queries fits a screen."""
    return any(_fits_screen(query.strip()) for query in media.lower().split(",")) if media.strip() else True


def read_declarations(body: str) -> Iterator[Declaration]:
    """Yield what the declarations of a rule or of a `style` attribute say of `display` and `visibility`."""
    for declaration in body.lower().split(";"):
        name, _, value = declaration.partition(":")
        name = name.strip()
        if name in _HIDING:
            words = value.replace("!", " ! ").split()
            is_important = words[-2:] == ["!", "important"]
            words = words[:-2] if is_important else words
            is_hidden = bool(words) and words[0] in _HIDING[name]
            if words and not (is_hidden and len(words) > 1):  # with another word it means nothing
                yield Declaration(
                    is_display=name == "display", is_hidden=is_hidden, is_important=is_important
                )


def drop_comments(css: str) -> str:
    """Return CSS with a space for each comment, and for the marks that hide it from old parsers."""
    return _WRAPPERS.sub(" ", _COMMENT.sub(" ", css))


def _find_rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations) of the rules that apply; blocks inside a rule are passed over."""
    open_blocks: list[str | None] = [""]  # "" holds rules, a selector holds declarations, None is passed over
    begin, body = 0, list[str]()
    for token in _TOKEN.finditer(css):
        if token.group() not in {"{", "}", ";"}:
            continue
        piece, block = css[begin : token.start()], open_blocks[-1]
        begin = token.end()
        if token.group() == "{":
            open_blocks.append(_open_block(piece.strip()) if block == "" else None)
            if block == "":
                body.clear()
            continue
        if block:
            body.append(piece)
        if token.group() == "}" and len(open_blocks) > 1:
            open_blocks.pop()
            if block:
                yield block, ";".join(body)
                body.clear()


def _open_block(prelude: str) -> str | None:
    if not prelude.startswith("@"):
        return prelude or None
    name = prelude[:64].split("(")[0].split()[0].lower()
    if name == "@media":
        return "" if is_for_screen(prelude[len("@media") :]) else None
    return "" if name in _OPENED else None


def _fits_screen(query: str) -> bool:
    name, *conditions = [part.strip() for part in f" {query} ".split(" and ")]
    if name.startswith("("):
        conditions.insert(0, name)
    elif not _MEDIA_NAME.fullmatch(name):
        return False
    for condition in conditions:
        feature = _FEATURE.fullmatch(condition)
        if feature is None:
            return False
        width = int(feature.group(2)) * (1 if feature.group(3) == "px" else _EM_PX)
        if (width > _SCREEN_PX) if feature.group(1) == "min" else (width < _SCREEN_PX):
            return False
    return True


def _split_selectors(prelude: str) -> list[str]:
    plain = _BRACKETS.sub("", _BRACKETS.sub("", prelude))
    return [] if "(" in plain else [part.strip() for part in plain.split(",")]


def _read_steps(written: str, fold: Callable[[str], str]) -> tuple[Compound, ...]:
    """Return the compounds of a selector; none where it says what is not understood."""
    steps = [Compound()]
    at = 0
    while at < len(written):
        part = _PART.match(written, at)
        if part is None or len(steps) > _MAX_STEPS:
            return ()
        at = part.end()
        kind = part.lastgroup
        if kind in {"child", "below"}:
            steps.append(Compound(is_child=kind == "child"))
        else:
            _add_part(steps[-1], part, fold)
    return tuple(steps)


def _add_part(step: Compound, part: re.Match[str], fold: Callable[[str], str]) -> None:
    if part.group("tag"):
        step.tag = "" if part.group("tag") == "*" else part.group("tag").lower()
    elif part.group("class"):
        step.classes.add(fold(part.group("class").replace("\\", "")))
    elif part.group("id"):
        step.id = fold(part.group("id").replace("\\", ""))
    else:
        value = part.group("value") or ""
        step.attributes.append(
            AttributeTest(
                name=part.group("attribute").lower(),
                operator=part.group("operator") or "",
                value=value[1:-1] if value[:1] in {'"', "'"} else value,
                ignores_case=(part.group("flag") or "").strip() in {"i", "I"},
            )
        )
