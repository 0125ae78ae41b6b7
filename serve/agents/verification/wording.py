"""The words of statements and of what they cite: content, names, qualifiers, negation and direction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from indexes.lexical.analysis import ENGLISH
from indexes.searching.stop_words import STOP_SURFACES

_NEGATING: Final = (
    "not no never none neither nor without cannot nobody nothing unable fails failed lacks lacked except"
)
_RISING: Final = (
    "increase increased increases increasing rise rose rises risen rising grew grow grows growth higher gain "
    "gained gains improved improve improvement up climbed expanded"
)
_FALLING: Final = (
    "decrease decreased decreases decreasing fall fell falls fallen falling decline declined declines "
    "declining lower reduced reduce reduction drop dropped down shrank contracted"
)
_QUALIFYING: Final = (
    "basic diluted gross net adjusted organic gaap operating total current deferred domestic foreign minimum "
    "all every each some most many few several only both half "
    "maximum average median before after excluding including per annual quarterly monthly first second third "
    "fourth thousands millions billions trillions"
)
_SUPPOSED: Final = (
    "may might could would should expect expects expected anticipate anticipates anticipated believe "
    "believes forecast forecasts plan plans planned intend intends likely unlikely possible possibly if "
    "unless"
)
_REPORTING: Final = (
    "called calls said says stated states noted "
    "amount amounted amounts report reported reports come came stand stood figure value company year quarter "
    "fiscal period ended end according table show shows showed shown record recorded equal equals "
    "respectively respective level about approximately around roughly nearly almost over under than "
    "more less most least versus vs compared compare prior previous us usd eur gbp million millions "
    "billion billions thousand "
    "thousands percent percentage points basis bn mn mm bp bps point dollar dollars euros pounds from to"
)

_SUPPOSING: Final = frozenset(_SUPPOSED.split())
NEGATIONS: Final = frozenset(_NEGATING.split())
UP: Final = frozenset(_RISING.split())
DOWN: Final = frozenset(_FALLING.split())
QUALIFIERS: Final = frozenset(_QUALIFYING.split())
"""Words that make another figure of the same name."""

_PASSED: Final = frozenset(_REPORTING.split()) | UP | DOWN | NEGATIONS | STOP_SURFACES
"""Words that a statement may add: they say nothing of their own, or are looked at apart."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NAME: Final = re.compile(
    r"\b[A-Z][\w&.'\u2019-]*(?:[ ](?:of|the|for|de|&)?[ ]?[A-Z][\w&'\u2019-]*)*|\b[A-Z]{2,}\b"
)
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?:;]\s+|\n\s*)$")
_QUOTED: Final = re.compile(r"[\"\u201c\u00ab]([^\"\u201c\u201d\u00ab\u00bb]{2,})[\"\u201d\u00bb]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a text says besides its figures.

    Attributes:
        content: stems of the words that say something.
        qualifiers: words that make another figure of the same name.
        denied: stems of what is denied: the words that say something after each negation.
        supposed: stems of what only may be: the words that say something after `may`, `expect` and the like.
        rises: words that say that something grew.
        falls: words that say that something fell.
        names: names, in lower case, in their order; no first words of sentences.
        openings: first words of sentences, in lower case, that may be names or not.
        quoted: what stands in quotation marks.
    """

    content: frozenset[str]
    qualifiers: frozenset[str]
    denied: frozenset[str]
    supposed: frozenset[str]
    rises: frozenset[str]
    falls: frozenset[str]
    names: tuple[str, ...]
    openings: tuple[str, ...]
    quoted: tuple[str, ...]


def read_wording(text: str) -> Wording:
    """Return what a text says besides its figures."""
    names, openings = find_names(text)
    words = split_words(text)
    said = frozenset(words)
    return Wording(
        content=find_content(words),
        qualifiers=said & QUALIFIERS,
        denied=frozenset(_find_denied(words)),
        supposed=frozenset(_find_supposed(words)),
        rises=said & UP,
        falls=said & DOWN,
        names=tuple(names),
        openings=tuple(openings),
        quoted=tuple(_QUOTED.findall(text)),
    )


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, in their order; parts between hyphens are words."""
    found = _WORD.findall(text.lower().replace("\u2019", "'"))
    return [part for word in found for part in word.split("-")]


def find_content(words: Iterable[str]) -> frozenset[str]:
    """Return the stems of the words that say something."""
    return frozenset(term for word in {*words} if _says_something(word) for term in ENGLISH.find_terms(word))


def _says_something(word: str) -> bool:
    return len(word) > 1 and word not in _PASSED


def _find_denied(words: Sequence[str]) -> Iterator[str]:
    """Yield the stems of what stands right after each negation."""
    for place, word in enumerate(words):
        if word in NEGATIONS or word.endswith("n't"):
            after = (part for part in words[place + 1 :] if part in NEGATIONS or _says_something(part))
            denied = next(after, word)
            yield from find_content([denied]) or (denied,)


def _find_supposed(words: Sequence[str]) -> Iterator[str]:
    """Yield the stems of what stands right after each word that makes it a possibility."""
    for place, word in enumerate(words):
        if word in _SUPPOSING:
            after = (part for part in words[place + 1 :] if _says_something(part) or part in UP | DOWN)
            yield from ENGLISH.find_terms(next(after, word))


def find_names(text: str) -> tuple[list[str], list[str]]:
    """Return the names of a text, and the first words of its sentences that may be some; in lower case."""
    names, openings = list[str](), list[str]()
    for match in _NAME.finditer(text):
        name = re.sub(r"['\u2019]s$", "", match.group().strip(".'\u2019"))
        lowered = " ".join(name.lower().split())
        if lowered in _PASSED:
            continue
        begins = _SENTENCE_START.search(text[: match.start()]) is not None
        is_word = begins and " " not in name and not name.isupper()
        (openings if is_word else names).append(lowered)
    return names, openings


def find_name(name: str, text: str) -> int:
    """Return where a name stands in a text, or its last word does; -1 for nowhere."""
    place = _find_word(name, text)
    if place >= 0:
        return place
    spots = [_find_word(word, text) for word in name.split() if len(word) > 2]
    return max(spots) if spots and min(spots) >= 0 else -1


def _find_word(word: str, text: str) -> int:
    """Return where whole words stand in a text; -1 for nowhere."""
    place = text.find(word)
    while place >= 0:
        end = place + len(word)
        if not (place and text[place - 1].isalnum()) and not text[end : end + 1].isalnum():
            return place
        place = text.find(word, place + 1)
    return -1
