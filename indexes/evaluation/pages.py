"""A gate's report as one HTML page that needs nothing else: verdicts, figures, recall of each slice."""

from __future__ import annotations

from html import escape
from typing import Final

from indexes.evaluation.recall import MIN_RECALL
from indexes.evaluation.reports import GateCheck, GateReport

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: #1b1f24; background: #fff; }
h1 { font-size: 1.3rem; }
h2 { font-size: 1.05rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .35rem .6rem; vertical-align: top; }
tr { border-bottom: 1px solid #d8dee4; }
.passed { color: #1a7f37; }
.failed { color: #b42318; font-weight: 600; }
code { font-size: .9em; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
text { font: 12px system-ui, sans-serif; }
"""
_PREFIX: Final = "recall "
_WIDTH: Final = 720
_NAME_WIDTH: Final = 260
_ROW_HEIGHT: Final = 22


def render_report(report: GateReport) -> str:
    """Return the page."""
    verdict = "passed" if report.passed else "failed"
    rows = "".join(_render_check(check) for check in report.checks)
    charts = "".join(_render_recalls(check) for check in report.checks if check.name == "recall")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Gate of {report.snapshot[:12]}</title><style>{_STYLE}</style>"
        f"<h1>Gate <span class={verdict}>{verdict}</span></h1><p>Snapshot <code>{report.snapshot}</code></p>"
        f"<table><tr><th>Check<th>Verdict<th>Found</tr>{rows}</table>{charts}</html>\n"
    )


def _render_check(check: GateCheck) -> str:
    verdict = "passed" if check.passed else "failed"
    plain = {name: value for name, value in check.figures.items() if not name.startswith(_PREFIX)}
    figures = ", ".join(f"{escape(name)} {value}" for name, value in plain.items())
    return (
        f"<tr><td>{escape(check.name)}<td class={verdict}>{verdict}<td>{escape(check.detail)}"
        f"<br><code>{figures}</code></tr>"
    )


def _render_recalls(check: GateCheck) -> str:
    """Return a bar for each slice, from a recall of .9 on, and a line at what bounds must reach."""
    found = {
        name.removeprefix(_PREFIX): float(value)
        for name, value in check.figures.items()
        if name.startswith(_PREFIX)
    }
    if not found:
        return ""
    height = _ROW_HEIGHT * (len(found) + 1)
    bars = "".join(_render_bar(place, name, recall) for place, (name, recall) in enumerate(found.items()))
    line = _find_x(MIN_RECALL)
    return (
        f"<h2>Recall at 10 of each approximate slice</h2><svg viewBox='0 0 {_WIDTH} {height}' role=img>{bars}"
        f"<line x1={line:.1f} y1=0 x2={line:.1f} y2={height - _ROW_HEIGHT} stroke=#b42318"
        " stroke-dasharray=4 />"
        f"<text x={line:.1f} y={height - 6} text-anchor=middle>{MIN_RECALL}</text></svg>"
    )


def _render_bar(place: int, name: str, recall: float) -> str:
    top = place * _ROW_HEIGHT
    end = _find_x(recall)
    return (
        f"<text x=0 y={top + 15}>{escape(name)}</text>"
        f"<rect x={_NAME_WIDTH} y={top + 4} width={max(1.0, end - _NAME_WIDTH):.1f} height=14 fill=#4c78a8 />"
        f"<text x={_WIDTH - 46} y={top + 15}>{recall:.4f}</text>"
    )


def _find_x(recall: float) -> float:
    share = (min(1.0, max(0.9, recall)) - 0.9) / 0.1
    return _NAME_WIDTH + share * (_WIDTH - _NAME_WIDTH - 60)
