"""Times that texts speak of: years, quarters, months and days; what may be read in two ways is a doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH: Final = "|".join([*_MONTHS, *(name[:3] for name in _MONTHS), "sept"])
_QUARTERS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_PERIOD: Final = re.compile(
    rf"(?P<month>\b(?:{_MONTH})\b)\.?[ ](?P<day>\d{{1,2}})?(?:,?[ ]?(?P<month_year>(?:19|20)\d\d)\b)?"
    rf"|\b(?P<day_first>\d{{1,2}})[ ](?P<month_after>{_MONTH})\b(?:,?[ ](?P<year_after>(?:19|20)\d\d)\b)?"
    r"|\bQ(?P<quarter>[1-4])(?:[ ,/-]{0,2}(?P<quarter_year>(?:19|20)\d\d)\b)?"
    r"|\b(?P<ordinal>first|second|third|fourth)[ -]quarter(?: of)?(?: fiscal)?"
    r"(?:[ ](?P<ordinal_year>(?:19|20)\d\d)\b)?"
    r"|\b(?P<iso>(?:19|20)\d\d-\d\d-\d\d)\b"
    r"|(?P<doubt>\bFY[ ']?\d\d\b(?!\d)|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b[1-4]Q\d\d\b)"
    r"|(?<![\d.,$\u20ac\u00a3-])(?:FY[ ]?)?(?P<year>(?:19|20)\d\d)(?![\d%]|[.,]\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time that a text speaks of; what it does not say is 0.

    Attributes:
        year: such as 2019.
        quarter: 1 to 4.
        month: 1 to 12.
        day: of the month.
        doubt: what is written, where it may be read in two ways; empty otherwise.
        start: first character in the text.
        end: one past the last.
    """

    year: int = 0
    quarter: int = 0
    month: int = 0
    day: int = 0
    doubt: str = ""
    start: int = 0
    end: int = 0

    def is_said_by(self, source: Period) -> bool:
        """Return whether a source says all that this says: `2019` is said by `September 30, 2019`."""
        if self.doubt or source.doubt:
            return self.doubt == source.doubt
        return all(
            not mine or mine == other
            for mine, other in (
                (self.year, source.year),
                (self.quarter, source.quarter),
                (self.month, source.month),
                (self.day, source.day),
            )
        )


def find_periods(text: str) -> list[Period]:
    """Return the periods of a text, in order."""
    return [period for match in _PERIOD.finditer(text) for period in [_read(match)] if period is not None]


def _read(match: re.Match[str]) -> Period | None:
    start, end = match.span()
    if match["doubt"]:
        return Period(doubt="".join(match.group().split()).lower(), start=start, end=end)
    if match["iso"]:
        iso = [int(part) for part in match["iso"].split("-")]
        return Period(year=iso[0], month=iso[1], day=iso[2], start=start, end=end)
    if match["year"]:
        return Period(year=int(match["year"]), start=start, end=end)
    if match["quarter"] or match["ordinal"]:
        quarter = int(match["quarter"]) if match["quarter"] else _QUARTERS[match["ordinal"].lower()]
        named = match["quarter_year"] or match["ordinal_year"] or 0
        return Period(year=int(named), quarter=quarter, start=start, end=end)
    name = (match["month"] or match["month_after"]).lower()
    named_day, named_year = match["day"] or match["day_first"], match["month_year"] or match["year_after"]
    if name in ("may", "mar") and not (named_day or named_year):
        return None  # "may" is mostly a verb
    number = next(place for place, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))
    day, year = int(named_day or 0), int(named_year or 0)
    return Period(year=year, month=number, day=day, start=start, end=end)
