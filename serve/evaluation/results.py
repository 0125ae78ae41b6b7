"""The result of an evaluation: everything that was found, as JSON that is the same for the same answers.

Whatever is measured by a clock stands in the one member `times`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from eagleray.errors import InputError
from serve.evaluation.measures import Estimate, PairedDifference, compare_paired, estimate
from serve.evaluation.runs import EvaluationRun, JudgedAnswer, read_answers, show_answers

FORMAT: Final = 1
"""Of a result's file; others are refused."""

MAX_SLICE_VALUES: Final = 50
"""That a column may have; one with more is passed over, and named."""

LATENCIES: Final[Mapping[str, float]] = {"p50_s": 0.5, "p95_s": 0.95}
"""Seconds within which a share of the questions was answered: name -> share."""

_N_DRAWS: Final = 1_000
_MAX_DRAWN: Final = 1_000_000
"""Times that are drawn at once."""

_LEVEL: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceResult:
    """The questions with one value of a column. Attributes: as those of the whole result."""

    column: str
    value: str
    n: int
    measures: Mapping[str, Estimate]
    latencies: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """The same questions in two runs.

    Attributes:
        compared: how the run was asked that this one is compared with, as JSON values.
        n: questions that both have.
        n_left_out: that only one of them has.
        measures: how each differs.
        seconds: by latency: before, and after.
        gained: ids of questions whose answer is held by its citations in this run alone.
        lost: of those where it is so in the other run alone.
    """

    compared: Mapping[str, Any]
    n: int
    n_left_out: int
    measures: Mapping[str, PairedDifference]
    seconds: Mapping[str, tuple[float, float]]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        labels: name of the file of questions, and the digest of its bytes.
        seed: of the samples that intervals are made of.
        n_errors: questions that ended with an error.
        left_out: column that has too many values for slices -> how many.
        started: when it began, ISO 8601.
    """

    labels: Mapping[str, str]
    seed: int
    run: EvaluationRun
    n_errors: int
    measures: Mapping[str, Estimate]
    latencies: Mapping[str, Estimate]
    slices: Sequence[SliceResult]
    left_out: Mapping[str, int] = field(default_factory=dict)
    comparison: RunComparison | None = None
    started: str = ""


def make_result(
    run: EvaluationRun,
    *,
    labels: Mapping[str, str],
    seed: int,
    started: str,
    compared: EvaluationRun | None = None,
) -> EvaluationResult:
    """Return all measures of a run, of its slices, and against another run.

    Args:
        run: that is measured.
        labels: name and digest of the file of questions.
        seed: of the samples that intervals are made of.
        started: when it began.
        compared: the run that it is compared with.

    Raises:
        InputError: the two runs have no question in common.
    """
    values = _list_slices(run.answers)
    left_out = {column: len(found) for column, found in values.items() if len(found) > MAX_SLICE_VALUES}
    slices = [
        _measure_slice(column, value, answers, seed=seed)
        for column, found in sorted(values.items())
        if column not in left_out
        for value, answers in sorted(found.items())
    ]
    return EvaluationResult(
        labels=dict(labels),
        seed=seed,
        run=run,
        n_errors=sum(bool(item.error) for item in run.answers),
        measures=estimate(run.judgements, seed=seed),
        latencies=_measure_times(run.answers, seed=seed),
        slices=slices,
        left_out=left_out,
        comparison=None if compared is None else _compare(compared, run, seed=seed),
        started=started,
    )


def _list_slices(answers: Sequence[JudgedAnswer]) -> dict[str, dict[str, list[JudgedAnswer]]]:
    found: dict[str, dict[str, list[JudgedAnswer]]] = {}
    for item in answers:
        for column, value in item.slices.items():
            found.setdefault(column, {}).setdefault(value, []).append(item)
    return found


def _measure_slice(column: str, value: str, answers: Sequence[JudgedAnswer], *, seed: int) -> SliceResult:
    return SliceResult(
        column=column,
        value=value,
        n=len(answers),
        measures=estimate([item.judgement for item in answers], seed=seed),
        latencies=_measure_times(answers, seed=seed),
    )


def _measure_times(answers: Sequence[JudgedAnswer], *, seed: int) -> dict[str, Estimate]:
    """Return how long questions took, with the interval that has 95 % of the samples."""
    seconds, rng = np.asarray([item.took_s for item in answers]), np.random.default_rng(seed)
    n, shares = len(seconds), list(LATENCIES.values())
    step = max(1, _MAX_DRAWN // n)
    sizes = [min(step, _N_DRAWS - begin) for begin in range(0, _N_DRAWS, step)]
    drawn = [np.quantile(seconds[rng.integers(n, size=(size, n))], shares, axis=1) for size in sizes]
    values, ends = np.quantile(seconds, shares), np.quantile(np.concatenate(drawn, axis=1), _LEVEL, axis=1)
    return {
        name: Estimate(
            value=round(float(values[at]), 4),
            low=round(float(ends[0][at]), 4),
            high=round(float(ends[1][at]), 4),
            n=n,
        )
        for at, name in enumerate(LATENCIES)
    }


def _compare(before: EvaluationRun, after: EvaluationRun, *, seed: int) -> RunComparison:
    earlier = {item.id: item for item in before.answers}
    pairs = [(earlier[item.id], item) for item in after.answers if item.id in earlier]
    pairs = [(old, new) for old, new in pairs if old.question == new.question]
    if not pairs:
        raise InputError(detail="the two runs have no question in common, by id and text")
    firsts, seconds = [old for old, _ in pairs], [new for _, new in pairs]
    shares = [
        (np.quantile([item.took_s for item in side], [*LATENCIES.values()])) for side in (firsts, seconds)
    ]
    return RunComparison(
        compared=before.asked,
        n=len(pairs),
        n_left_out=len(before.answers) + len(after.answers) - 2 * len(pairs),
        measures=compare_paired(
            [item.judgement for item in firsts], [item.judgement for item in seconds], seed=seed
        ),
        seconds={
            name: (round(float(shares[0][at]), 4), round(float(shares[1][at]), 4))
            for at, name in enumerate(LATENCIES)
        },
        gained=_list_won(firsts, seconds),
        lost=_list_won(seconds, firsts),
    )


def _list_won(first: Sequence[JudgedAnswer], second: Sequence[JudgedAnswer]) -> tuple[str, ...]:
    """Return the questions whose answer is held by its citations in the second run alone."""
    pairs = zip(first, second, strict=True)
    return tuple(new.id for old, new in pairs if new.judgement.is_strict and not old.judgement.is_strict)


def show_result(result: EvaluationResult, *, is_whole: bool) -> dict[str, Any]:
    """Return a result as JSON values; whole, with every answer."""
    run, comparison = result.run, result.comparison
    times: dict[str, Any] = {"started": result.started, **_show(result.latencies), "slices": []}
    shown: dict[str, Any] = {
        "format": FORMAT,
        "labels": dict(result.labels),
        "asked": dict(run.asked),
        "answered_by": {name: list(values) for name, values in run.answered_by.items()},
        "questions": len(run.answers),
        "errors": result.n_errors,
        "seed": result.seed,
        "measures": _show(result.measures),
        "slices": [],
        "slices_left_out": dict(result.left_out),
        "times": times,
    }
    for item in result.slices:
        place = {"column": item.column, "value": item.value, "questions": item.n}
        shown["slices"].append({**place, "measures": _show(item.measures)})
        times["slices"].append({**place, **_show(item.latencies)})
    if comparison is not None:
        told = {
            name: {**asdict(value), "is_sure": value.is_sure} for name, value in comparison.measures.items()
        }
        shown["comparison"] = {
            "compared": dict(comparison.compared),
            "questions": comparison.n,
            "left_out": comparison.n_left_out,
            "measures": told,
            "gained": list(comparison.gained),
            "lost": list(comparison.lost),
        }
        times["comparison"] = {name: list(pair) for name, pair in comparison.seconds.items()}
    if is_whole:
        shown["answers"] = show_answers(run.answers)
        times["answers"] = [round(item.took_s, 6) for item in run.answers]
    return shown


def read_run(path: Path) -> EvaluationRun:
    """Return the run that a result's file is of.

    Raises:
        InputError: the file cannot be read, or is no such result.
    """
    try:
        shown = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(detail=f"{path}: expected an earlier result: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(detail=f"{path}: expected an earlier result, found no JSON") from error
    try:
        if shown["format"] != FORMAT:
            raise ValueError(f"expected format {FORMAT}, found {shown['format']!r}")
        answers = read_answers(shown["answers"], took_s=shown["times"]["answers"])
        return EvaluationRun(
            asked=dict(shown["asked"]), answered_by=dict(shown["answered_by"]), answers=answers
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"{path}: expected what `eagleray evaluate --result` wrote: {error}"
        raise InputError(detail=detail) from error


def write_result(result: EvaluationResult, path: Path) -> None:
    """Write a whole result.

    Raises:
        InputError: the file cannot be written.
    """
    text = json.dumps(show_result(result, is_whole=True), indent=1, sort_keys=True, ensure_ascii=False)
    write_text(path, f"{text}\n")


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(detail=f"{path} cannot be written: {error.strerror}") from error


def _show(values: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: asdict(value) for name, value in values.items()}
