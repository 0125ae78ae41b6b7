"""The result of an evaluation as one HTML page that needs nothing else, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from serve.evaluation.measures import MEASURES, Estimate, PairedDifference
from serve.evaluation.plots import PlottedInterval, plot_intervals, plot_times
from serve.evaluation.results import EvaluationResult, RunComparison, SliceResult
from serve.evaluation.runs import JudgedAnswer

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d8dee4; }
:root { --mark: #2f6db5; --better: #1a7f37; --worse: #b42318; }
@media (prefers-color-scheme: dark) {
:root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #30363d; }
:root { --mark: #6cb0f5; --better: #56d364; --worse: #ff7b72; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; margin-bottom: .3rem; }
h2 { font-size: 1.1rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p.note, caption, figcaption { color: var(--soft); text-align: left; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .6rem .3rem 0; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr { border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
td:first-child { min-width: 9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: .6rem 0; overflow-x: auto; }
svg { width: 100%; min-width: 34rem; height: auto; }
text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.grid { stroke: var(--line); }
.mark circle { fill: var(--mark); }
.mark .bar, .curve { stroke: var(--mark); stroke-width: 2; fill: none; }
.better circle { fill: var(--better); }
.better .bar { stroke: var(--better); }
.worse circle { fill: var(--worse); }
.worse .bar { stroke: var(--worse); }
summary { cursor: pointer; }
pre { white-space: pre-wrap; margin: .2rem 0; font-size: .85em; }
"""
_MAX_LISTED: Final = 200
_MAX_TEXT: Final = 600
_SHARES: Final = tuple(name for name, measure in MEASURES.items() if not measure.is_better_low)
"""Measures between 0 and 1, which plots show."""

_OF_SLICES: Final = ("strict", "exact_match", "numeric_match", "recall", "coverage")
"""Measures of which the first one with a value is plotted by slice."""


def render_page(result: EvaluationResult) -> str:
    """Return the page."""
    title = f"Evaluation of {result.labels['name']}"
    compared = "" if result.comparison is None else _render_comparison(result.comparison)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
        f"{_render_facts(result)}{_render_measures(result)}{compared}{_render_slices(result)}"
        f"{_render_times(result)}{_render_failures(result)}</html>\n"
    )


def _render_facts(result: EvaluationResult) -> str:
    run = result.run
    facts = {
        "Questions": f"{len(run.answers):,}, of which {result.n_errors:,} ended with an error",
        "Asked": _tell(run.asked),
        "Answered by": "; ".join(
            f"{name} {', '.join(values)}" for name, values in run.answered_by.items() if values
        ),
        "Labels": f"{result.labels['name']}, SHA-256 {result.labels['sha256']}",
        "Intervals": f"95 %, by bootstrap over questions, seed {result.seed}",
        "Started": result.started,
    }
    return f"<dl>{''.join(f'<dt>{name}<dd>{escape(value)}' for name, value in facts.items())}</dl>"


def _render_measures(result: EvaluationResult) -> str:
    rows = [_plot(MEASURES[name].title, result.measures[name]) for name in _SHARES]
    figure = _figure(plot_intervals([row for row in rows if row], label="Measures with their intervals"))
    figures = {MEASURES[name].title: found for name, found in result.measures.items() if name not in _SHARES}
    figures |= {f"Seconds, {name.removesuffix('_s')}": found for name, found in result.latencies.items()}
    cells = "".join(
        f"<tr><td>{escape(title)}<td class=number>{_number(found.value)}"
        f"<td class=number>{_range(found.low, found.high)}<td class=number>{found.n:,}</tr>"
        for title, found in figures.items()
    )
    head = "<tr><th>Figure<th class=number>Value<th class=number>95 %<th class=number>Questions</tr>"
    return f"<h2>Measures</h2>{figure}<table>{head}{cells}</table>"


def _render_comparison(comparison: RunComparison) -> str:
    rows = [_plot_difference(name, comparison.measures[name]) for name in _SHARES]
    figure = _figure(
        plot_intervals([row for row in rows if row], label="Differences with their intervals", is_signed=True)
    )
    cells = "".join(
        f"<tr><td>{escape(MEASURES[name].title)}<td class=number>{_number(found.before)}"
        f"<td class=number>{_number(found.after)}<td class=number>{_number(found.delta, is_signed=True)}"
        f"<td class=number>{_range(found.low, found.high)}<td class=number>{_number(found.p)}</tr>"
        for name, found in comparison.measures.items()
        if found.delta is not None
    )
    cells += "".join(
        f"<tr><td>Seconds, {name.removesuffix('_s')}<td class=number>{_number(before)}"
        f"<td class=number>{_number(after)}<td class=number>{_number(after - before, is_signed=True)}"
        "<td><td></tr>"
        for name, (before, after) in comparison.seconds.items()
    )
    numbers = ("Before", "After", "Difference", "95 %", "p")
    head = "<tr><th>Measure" + "".join(f"<th class=number>{name}" for name in numbers) + "</tr>"
    note = (
        f"{comparison.n:,} questions of both runs; {comparison.n_left_out:,} of one of them alone are left "
        f"out. {len(comparison.gained):,} are right by the strict measure now and were not before, "
        f"{len(comparison.lost):,} were and are not now. Before: {_tell(comparison.compared)}."
    )
    table = f"<div class=wide><table>{head}{cells}</table></div>"
    return f"<h2>Compared</h2><p class=note>{escape(note)}</p>{figure}{table}"


def _render_slices(result: EvaluationResult) -> str:
    if not result.slices and not result.left_out:
        return ""
    name = next((name for name in _OF_SLICES if result.measures[name].value is not None), _OF_SLICES[-1])
    columns = groupby(result.slices, key=lambda item: item.column)
    drawn = "".join(_render_column(column, [*items], name=name) for column, items in columns)
    left = "; ".join(f"{column} has {n:,} values" for column, n in result.left_out.items())
    note = f"<p class=note>Not shown: {escape(left)}.</p>" if left else ""
    return f"<h2>Slices</h2>{drawn}{note}"


def _render_column(column: str, items: Sequence[SliceResult], *, name: str) -> str:
    rows = [_plot(f"{item.value} ({item.n:,})", item.measures[name]) for item in items]
    title = f"{MEASURES[name].title} by {column}"
    figure = _figure(plot_intervals([row for row in rows if row], label=title), caption=title)
    shown = [other for other in MEASURES if any(item.measures[other].value is not None for item in items)]
    head = "".join(f"<th class=number>{escape(MEASURES[other].title)}" for other in shown)
    lines = "".join(
        f"<tr><td>{escape(item.value)}<td class=number>{item.n:,}"
        + "".join(f"<td class=number>{_number(item.measures[other].value)}" for other in shown)
        + f"<td class=number>{_number(item.latencies['p50_s'].value)}</tr>"
        for item in items
    )
    table = (
        f"<div class=wide><table><tr><th>{escape(column)}<th class=number>Questions{head}"
        f"<th class=number>Seconds, p50</tr>{lines}</table></div>"
    )
    return f"<h3>{escape(column)}</h3>{figure}<details><summary>All measures</summary>{table}</details>"


def _render_times(result: EvaluationResult) -> str:
    seconds = [item.took_s for item in result.run.answers]
    label = "Share of questions answered within a time"
    return f"<h2>Time</h2>{_figure(plot_times(seconds, label=label), caption=label)}"


def _render_failures(result: EvaluationResult) -> str:
    failed = [(item, why) for item in result.run.answers if (why := _find_faults(item))]
    if not failed:
        return ""
    lines = "".join(
        f"<tr><td>{escape(item.id)}<td>{escape(item.question)}<td>{escape('; '.join(why))}"
        f"<td><pre>{escape(item.answer[:_MAX_TEXT])}</pre></tr>"
        for item, why in failed[:_MAX_LISTED]
    )
    more = f", the first {_MAX_LISTED} of them" if len(failed) > _MAX_LISTED else ""
    return (
        f"<h2>Questions to look at</h2><details><summary>{len(failed):,} questions{more}</summary>"
        f"<div class=wide><table><tr><th>Id<th>Question<th>Why<th>Answer</tr>{lines}</table></div></details>"
    )


def _find_faults(item: JudgedAnswer) -> list[str]:
    """Return what is wrong with an answer, as far as labels and the verifier tell."""
    judged = item.judgement
    if item.error:
        return [item.error]
    faults = {
        "no answer": not judged.is_answered,
        "no judged document is cited": judged.is_answered and judged.is_passage is False,
        "the citations do not hold the answer": judged.is_answered and judged.is_strict is False,
        f"{judged.n_unsupported} unsupported sentences": judged.n_unsupported > 0,
    }
    return [why for why, is_so in faults.items() if is_so]


def _plot(name: str, found: Estimate) -> PlottedInterval | None:
    if found.value is None:
        return None
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    shown = f"{found.value:.3f}  [{low:.3f}, {high:.3f}]"
    return PlottedInterval(name=name, value=found.value, low=low, high=high, shown=shown)


def _plot_difference(name: str, found: PairedDifference) -> PlottedInterval | None:
    if found.delta is None:
        return None
    low, high = (found.delta if end is None else end for end in (found.low, found.high))
    tone = ("better" if found.delta > 0 else "worse") if found.is_sure else ""
    shown = f"{found.delta:+.3f}  [{low:+.3f}, {high:+.3f}]"
    return PlottedInterval(
        name=MEASURES[name].title, value=found.delta, low=low, high=high, shown=shown, tone=tone
    )


def _figure(drawn: str, *, caption: str = "") -> str:
    told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{told}{drawn}</figure>"


def _tell(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in _flatten(values) if value not in ("", None, False))


def _flatten(values: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value)
        else:
            yield name, value


def _number(value: float | None, *, is_signed: bool = False) -> str:
    if value is None:
        return "\u2013"
    return f"{value:+.4g}" if is_signed and value else f"{value:.4g}"


def _range(low: float | None, high: float | None) -> str:
    return "\u2013" if low is None or high is None else f"{_number(low)} to {_number(high)}"
