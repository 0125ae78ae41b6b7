"""Times that texts speak of: years, quarters, months and days; what may be read in two ways is a doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
    r"|(?P<relative>\b(?:prior|previous|preceding|last|comparable|corresponding)[ -](?:fiscal )?"
    r"(?:year|quarter|period)\b|\byear[ -](?:ago|earlier)\b)"
    r"|(?P<doubt>\bFY[ ']?\d\d\b(?!\d)|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b[1-4]Q\d\d\b)"
    r"|(?<![\d.,$\u20ac\u00a3-])(?:FY[ ]?)?(?P<year>(?:19|20)\d\d)(?![\d%]|[.,]\d"
    r"|[ -]?(?:thousand|million|billion|trillion|mn|mm|bn|tn|[kmb]\b|per ?cent|bps?\b|basis|x\b)|[ ]%)",
    re.IGNORECASE,
)

_SPAN: Final = re.compile(
    r"\b(?:(?P<count>three|six|nine|twelve|\d{1,2})[ -](?P<unit>month|week)s?(?: periods?)?"
    r"|(?P<quarter>quarters?))[ ]end(?:ed|ing)(?: on)?[ ]$",
    re.IGNORECASE,
)
_SPAN_REACH: Final = 48
_NUMBERS: Final = {"three": 3, "six": 6, "nine": 9, "twelve": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time that a text speaks of; what it does not say is 0.

    Attributes:
        year: such as 2019.
        quarter: 1 to 4.
        month: 1 to 12.
        day: of the month.
        n_months: that end then, where they are no year: 3 for `the three months ended June 30`.
        doubt: what is written, where it may be read in two ways; empty otherwise.
        start: first character in the text.
        end: one past the last.
    """

    year: int = 0
    quarter: int = 0
    month: int = 0
    day: int = 0
    n_months: int = 0
    doubt: str = ""
    start: int = 0
    end: int = 0

    def is_said_by(self, source: Period) -> bool:
        """Return whether a source says all that this says: `2019` is said by `September 30, 2019`.

        A quarter, or some months, are another time than their year.
        """
        if self.doubt or source.doubt:
            return self.doubt == source.doubt
        if self.n_months != source.n_months or (source.quarter and not self.quarter):
            return False
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
    found = []
    for match in _PERIOD.finditer(text):
        period = _read(match)
        if period is not None:
            found.append(replace(period, n_months=_count_months(text[: period.start])))
    return found


def _count_months(before: str) -> int:
    """Return how many months are said to end where a text goes on; 0 for a year, or where it does not say."""
    match = _SPAN.search(before[-_SPAN_REACH:])
    if match is None:
        return 0
    if match["quarter"]:
        return 3
    n_units = _NUMBERS.get(match["count"].lower()) or int(match["count"])
    n_months = n_units if match["unit"].lower() == "month" else round(n_units * 12 / 52)
    return 0 if n_months == 12 else n_months


def _read(match: re.Match[str]) -> Period | None:
    start, end = match.span()
    if match["doubt"] or match["relative"]:
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
