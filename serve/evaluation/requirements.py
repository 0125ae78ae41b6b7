"""What a result must reach, as a command says it: `strict>=.85`, `strict.low>=.8`, `tokens<=900`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Final

from eagleray.errors import InputError
from serve.evaluation.measures import MEASURES
from serve.evaluation.results import LATENCIES, EvaluationResult

_WRITTEN: Final = re.compile(r"\s*([A-Za-z0-9_]+)(?:\.([a-z_]+))?\s*(>=|<=)\s*(-?(?:\d+\.?\d*|\.\d+))\s*")
_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {">=": operator.ge, "<=": operator.le}
_ERRORS: Final = "errors"
_NAMES: Final = (*MEASURES, *LATENCIES, _ERRORS)
_OF_ESTIMATE: Final = ("value", "low", "high")
_OF_DIFFERENCE: Final = ("delta", "delta_low", "delta_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What one figure of a result must reach.

    Attributes:
        text: as it was written.
        name: of a measure, a latency, or `errors`.
        part: of the measure: its value, an end of its interval, or of its difference to the other run.
        sign: `>=` or `<=`.
        bound: that it must reach.
    """

    text: str
    name: str
    part: str
    sign: str
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementOutcome:
    """Whether a requirement is met. Attributes: it as written, and what was found; `None` for no value."""

    requirement: str
    found: float | None
    is_met: bool


def read_requirement(text: str, *, is_comparison: bool) -> Requirement:
    """Return what a text requires.

    Args:
        text: such as `strict>=.85`.
        is_comparison: whether there is another run to compare with.

    Raises:
        InputError: it is no such text, or names no measure.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise InputError(
            detail=f"--require {text!r}: expected a measure, >= or <=, and a number: strict>=.85"
        )
    name, part, sign, bound = match[1], match[2] or "value", match[3], float(match[4])
    if name not in _NAMES:
        raise InputError(detail=f"--require {text!r}: there is no measure {name!r}; {_suggest(name)}")
    if part not in (*_OF_ESTIMATE, *_OF_DIFFERENCE) or (name == _ERRORS and part != "value"):
        expected = ", ".join((*_OF_ESTIMATE, *_OF_DIFFERENCE))
        raise InputError(
            detail=f"--require {text!r}: expected one of {expected} of a measure, found {part!r}"
        )
    if part in _OF_DIFFERENCE and (name not in MEASURES or not is_comparison):
        detail = f"--require {text!r}: {part} is of a measure, and needs a run to compare with"
        raise InputError(detail=detail)
    return Requirement(text=text.strip(), name=name, part=part, sign=sign, bound=bound)


def check_requirement(requirement: Requirement, result: EvaluationResult) -> RequirementOutcome:
    """Return whether a result meets a requirement; a figure that there is none of does not."""
    found = _find(requirement, result)
    is_met = found is not None and _HOLDS[requirement.sign](found, requirement.bound)
    return RequirementOutcome(requirement=requirement.text, found=found, is_met=is_met)


def _find(requirement: Requirement, result: EvaluationResult) -> float | None:
    name, part = requirement.name, requirement.part
    if name == _ERRORS:
        return float(result.n_errors)
    if part in _OF_ESTIMATE:
        known: dict[str, Any] = asdict({**result.measures, **result.latencies}[name])
    elif result.comparison is None:
        return None
    else:
        known, part = asdict(result.comparison.measures[name]), part.removeprefix("delta_")
    value = known[part]
    return None if value is None else float(value)


def _suggest(name: str) -> str:
    near = get_close_matches(name, _NAMES, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_NAMES)}"
