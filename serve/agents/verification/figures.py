"""Figures of texts with their scale, unit, currency, sign, range and hedge, exact.

What a figure means is read from how it is written, never guessed: where it may mean two things, it says so.
Cells of tables are read in `cells`, which knows the rows that name them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Final

from serve.agents.arithmetic import round_to_step


class FigureUnit(StrEnum):
    """What a figure counts."""

    NUMBER = "number"
    PERCENT = "percent"
    POINTS = "percentage points"
    BASIS_POINTS = "basis points"
    MULTIPLE = "multiple"
    YEAR = "year"


class Hedge(StrEnum):
    """How sure a figure is said to be."""

    NONE = ""
    ABOUT = "about"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure as a text has it.

    Attributes:
        value: exact, with its scale; a share of one for rates.
        step: what the last digit that is shown is worth.
        unit: what it counts.
        scale: that its own words say; 1 for none.
        currency: such as `USD`; `$` where it is not said which dollar; empty for none.
        hedge: how sure it is said to be.
        range_number: number of the range that it is an end of; -1 for none.
        doubt: why it may mean two things; empty where it does not.
        start: first character in the text.
        end: one past the last.
        writing: how it is written, without blanks, in lower case.
    """

    value: Fraction
    step: Fraction
    unit: FigureUnit
    scale: Fraction = Fraction(1)
    currency: str = ""
    hedge: Hedge = Hedge.NONE
    range_number: int = -1
    doubt: str = ""
    start: int = 0
    end: int = 0
    writing: str = ""


_CURRENCIES: Final = {
    "us$": "USD",
    "usd": "USD",
    "u.s. dollars": "USD",
    "us dollars": "USD",
    "$": "$",
    "dollars": "$",
    "dollar": "$",
    "a$": "AUD",
    "c$": "CAD",
    "hk$": "HKD",
    "s$": "SGD",
    "\u20ac": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "\u00a3": "GBP",
    "gbp": "GBP",
    "pounds": "GBP",
    "\u00a5": "\u00a5",
    "jpy": "JPY",
    "yen": "JPY",
    "chf": "CHF",
    "rmb": "CNY",
    "cny": "CNY",
}
_SCALES: Final = {
    "thousand": 10**3,
    "thousands": 10**3,
    "k": 10**3,
    "'000": 10**3,
    "million": 10**6,
    "millions": 10**6,
    "m": 10**6,
    "mn": 10**6,
    "mm": 10**6,
    "billion": 10**9,
    "billions": 10**9,
    "bn": 10**9,
    "b": 10**9,
    "trillion": 10**12,
    "trillions": 10**12,
    "tn": 10**12,
}
_FIGURE: Final = re.compile(
    r"(?<![\w.,])(?P<open>\()?(?P<minus>[-\u2212\u2013](?=[\s$\u20ac\u00a3\u00a5]?[\d.]))?"
    r"(?P<before>US\$|A\$|C\$|HK\$|S\$|[$\u20ac\u00a3\u00a5]|(?:USD|EUR|GBP|JPY|CHF|RMB|CNY)(?=\s?[\d(.-]))?"
    r"[ \t]?"
    r"(?P<inner>[-\u2212(])?"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\d])"
    r"(?P<close>\))?"
    r"(?:[ \t]?(?P<unit>%|per\s?cent\b|percentage points?\b|ppts?\b|pp\b|bps?\b|basis points?\b|x\b)"
    r"|[ \t-]?(?P<scale>thousands?|millions?|billions?|trillions?|mn|mm|bn|tn|'000|[kmbKMB])\b)?"
    r"(?P<last>\))?"
    r"(?:[ \t](?P<after>U\.S\. dollars|US dollars|dollars?|euros?|pounds|yen|USD|EUR|GBP|JPY|CHF)\b)?",
)
_CURRENCY: Final = re.compile(
    r"us\$|usd|u\.s\. dollars|us dollars|eur\b|euros?|gbp|pounds|jpy|yen|dollars|[$\u20ac\u00a3\u00a5]"
)
_ABOUT: Final = (
    r"about|approximately|approx\.?|around|roughly|nearly|almost|circa|c\.|ca\.|some|~|close to"
    r"|(?:an )?estimated(?: at)?|in the (?:region|order) of"
)
_HEDGES: Final = (
    (Hedge.BELOW, r"(?:no|not) more than|not (?:over|above|exceed(?:ing)?)"),
    (Hedge.ABOVE, r"(?:no|not) (?:less|fewer) than|not (?:under|below)"),
    (Hedge.ABOUT, _ABOUT),
    (Hedge.ABOVE, r"over|more than|above|at least|exceed(?:s|ed|ing)?|greater than|in excess of"),
    (Hedge.BELOW, r"under|less than|below|up to|at most|fewer than|no more than"),
)
_HEDGE_REACH: Final = 24
_HEDGE_AFTER: Final = re.compile(
    r"\s*,?\s*or (?:(?P<so>so|thereabouts)|(?P<more>more)|(?P<less>less))\b", re.IGNORECASE
)
_SECOND_SCALE: Final = re.compile(
    r"[ -](?:hundreds?|thousands?|millions?|billions?|trillions?)\b", re.IGNORECASE
)
_RANGE_DASH: Final = re.compile(r"(?:\d|%|\bper ?cent)\s*$", re.IGNORECASE)
_RANGE: Final = re.compile(r"\s*(?:-|\u2013|\u2014|to|and)\s*", re.IGNORECASE)
_FROM: Final = re.compile(
    r"(?<!\bof )(?<!\brange )(?<!\branges )(?<!\branged )(?<!\branging )\bfrom\s*$", re.IGNORECASE
)
_BETWEEN: Final = re.compile(r"\bbetween\s*$", re.IGNORECASE)
_YEARS: Final = range(1900, 2101)


def find_figures(text: str) -> list[Figure]:
    """Return the figures of a text, in order."""
    found = [_read(match, text) for match in _FIGURE.finditer(text)]
    return _find_ranges(found, text)


def equals(claimed: Figure, source: Figure) -> bool:
    """Return whether a figure that is claimed is one that a source has, rounded to the digits it shows.

    The source rounded to the claim's shown digits must be the claim; there is no tolerance.
    """
    if not _has_unit_of(claimed, source) or not _has_currency_of(claimed, source):
        return False
    if claimed.unit is FigureUnit.YEAR:
        return claimed.value == source.value
    if source.hedge is not Hedge.NONE and claimed.hedge is not source.hedge:
        return False
    if source.hedge is Hedge.NONE and claimed.hedge in (Hedge.ABOVE, Hedge.BELOW):
        above = source.value - claimed.value
        within = claimed.hedge is Hedge.ABOVE and 0 < above < claimed.step
        return within or (claimed.hedge is Hedge.BELOW and 0 < -above < claimed.step)
    return round_to_step(source.value, claimed.step) == claimed.value


def read_scale(note: str) -> tuple[Fraction, str]:
    """Return the scale that a note says, 1 for none, and its currency, empty for none."""
    lowered = note.lower()
    scale = 1
    for word, pattern in (
        (10**9, r"billion|\b[$\u20ac\u00a3\u00a5]?bn\b"),
        (10**6, r"million|[$\u20ac\u00a3\u00a5](?:m|mn|mm)\b|\bmn\b|\bmm\b"),
        (10**3, r"thousand|000|[$\u20ac\u00a3\u00a5]k\b"),
    ):
        if re.search(pattern, lowered):
            scale = word
            break
    named = _CURRENCY.search(lowered)
    return Fraction(scale), "" if named is None else _CURRENCIES.get(named.group(), "")


def make_zero(start: int, end: int) -> Figure:
    """Return what a dash in a cell means."""
    return Figure(
        value=Fraction(0), step=Fraction(1), unit=FigureUnit.NUMBER, start=start, end=end, writing="-"
    )


def _read(match: re.Match[str], text: str) -> Figure:
    written = match["number"]
    digits = len(written.partition(".")[2])
    value, step = Fraction(written.replace(",", "")), Fraction(1, 10**digits)
    unit = _read_unit(match)
    scale, doubt = _read_scale_word(match)
    factor = {FigureUnit.PERCENT: Fraction(1, 100), FigureUnit.POINTS: Fraction(1, 100)}.get(unit, scale)
    factor = Fraction(1, 10_000) if unit is FigureUnit.BASIS_POINTS else factor
    second = _SECOND_SCALE.match(text, match.end())
    is_dash = bool(match["minus"]) and _RANGE_DASH.search(text[max(0, match.start() - 12) : match.start()])
    is_negative = bool(
        (match["minus"] and not is_dash) or match["inner"] == "-" or match["inner"] == "\u2212"
    )
    is_bracketed = bool((match["open"] or match["inner"] == "(") and (match["close"] or match["last"]))
    currency = _CURRENCIES.get((match["before"] or match["after"] or "").lower(), "")
    if unit is FigureUnit.NUMBER and scale == 1 and not currency and not digits and "," not in written:
        unit = FigureUnit.YEAR if len(written) == 4 and int(written) in _YEARS else unit
    if unit is FigureUnit.YEAR:
        is_negative = is_bracketed = False
    return Figure(
        value=(-value if is_negative or is_bracketed else value) * factor,
        step=step * factor,
        unit=unit,
        scale=scale,
        currency=currency,
        hedge=_find_hedge(text, match.start(), match.end()),
        doubt=doubt or ("it has two scales" if second else ""),
        start=match.end("minus") if is_dash else match.start(),
        end=match.end(),
        writing="".join(text[match.start() : second.end() if second else match.end()].split())
        .lower()
        .strip("()"),
    )


def _read_unit(match: re.Match[str]) -> FigureUnit:
    written = "".join((match["unit"] or "").lower().split())
    if written in ("%", "percent"):
        return FigureUnit.PERCENT
    if written.startswith(("percentagepoint", "pp")):
        return FigureUnit.POINTS
    if written.startswith(("bp", "basis")):
        return FigureUnit.BASIS_POINTS
    return FigureUnit.MULTIPLE if written == "x" else FigureUnit.NUMBER


def _read_scale_word(match: re.Match[str]) -> tuple[Fraction, str]:
    """Return a figure's own scale, and why it may be another one."""
    written = match["scale"] or ""
    scale = Fraction(_SCALES.get(written.lower(), 1))
    if written in ("M", "B", "K") or (written == "m" and not (match["before"] or match["after"])):
        doubt = "" if written in ("B", "K") else f"{written!r} may be thousands, millions or months"
        return scale, doubt
    return scale, ""


def _find_hedge(text: str, start: int, end: int) -> Hedge:
    after = _HEDGE_AFTER.match(text, end)
    if after is not None:
        return Hedge.ABOUT if after["so"] else Hedge.ABOVE if after["more"] else Hedge.BELOW
    before = text[max(0, start - _HEDGE_REACH) : start].rstrip()
    for hedge, words in _HEDGES:
        if re.search(rf"(?<![\w])(?:{words})$", before, re.IGNORECASE):
            return hedge
    return Hedge.NONE


def _find_ranges(figures: list[Figure], text: str) -> list[Figure]:
    """Return the figures with the ranges that they are ends of: `10 to 12 %`, not `from 10 to 12 %`."""
    found, number = list(figures), 0
    for place in range(len(figures) - 1):
        first, second = found[place], found[place + 1]
        between = text[first.end : second.start]
        if first.range_number >= 0 or _RANGE.fullmatch(between) is None:
            continue
        before = text[max(0, first.start - 24) : first.start]
        is_and = between.strip().lower() == "and"
        if (is_and and not _BETWEEN.search(before)) or (not is_and and _FROM.search(before)):
            continue
        if first.unit is FigureUnit.YEAR or second.unit is FigureUnit.YEAR:
            continue
        found[place] = replace(_share_unit(first, second), range_number=number)
        found[place + 1] = replace(second, range_number=number)
        number += 1
    return found


def _share_unit(first: Figure, second: Figure) -> Figure:
    """Return the first end of a range with the unit and scale that only the second one says."""
    if first.unit is not FigureUnit.NUMBER or first.scale != 1:
        return first
    factor = {
        FigureUnit.PERCENT: Fraction(1, 100),
        FigureUnit.POINTS: Fraction(1, 100),
        FigureUnit.BASIS_POINTS: Fraction(1, 10_000),
    }.get(second.unit, second.scale)
    return replace(
        first,
        value=first.value * factor,
        step=first.step * factor,
        unit=second.unit,
        scale=second.scale,
        currency=first.currency or second.currency,
    )


def _has_unit_of(claimed: Figure, source: Figure) -> bool:
    if claimed.unit is source.unit:
        return True
    rates = {claimed.unit, source.unit}
    return FigureUnit.BASIS_POINTS in rates and rates <= {
        FigureUnit.BASIS_POINTS,
        FigureUnit.PERCENT,
        FigureUnit.POINTS,
    }


def _has_currency_of(claimed: Figure, source: Figure) -> bool:
    """Return whether the source has the currency that is claimed; a claim without one claims less."""
    return not claimed.currency or claimed.currency == source.currency or source.writing == "-"
