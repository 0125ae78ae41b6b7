"""The report of a run on a terminal: warnings first, then what was read, then what was published."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from eagleray.cli.command import Report
from eagleray.cli.output import show_line
from eagleray.errors import StrictRunError

_FILES: Final = (
    ("read", "read"),
    ("read_in_part", "read in part"),
    ("refused", "refused"),
    ("unchanged", "unchanged"),
)
_COUNTS: Final = (
    ("documents_read", "read"),
    ("rows_read", "rows read"),
    ("rows_compared", "rows compared"),
    ("dead_letters", "set aside"),
    ("documents_new", "new"),
    ("versions_added", "versions added"),
    ("superseded", "superseded"),
    ("removed", "removed"),
    ("regrouped", "regrouped"),
    ("relabelled", "relabelled"),
    ("repeated", "repeated"),
    ("conflicts", "conflicts"),
)
_COMPARED: Final = {
    "new": "new",
    "changed": "changed",
    "remapped": "to be read by another mapping",
    "unchanged": "unchanged",
    "gone": "gone",
}
_ALWAYS: Final = frozenset({"documents_read", "rows_read", "dead_letters"})


def report_run(report: dict[str, Any], *, model: str = "") -> Report:
    """Return the report of a run, which tells people what they can do next.

    Args:
        report: what the run did, or would do.
        model: the one that questions must be embedded with, where the settings name another.
    """
    is_dry, steps = bool(report.get("dry_run")), []
    files = report.get("files", {})
    if not is_dry and (report.get("dead_letters") or files.get("unread") or files.get("unread_in_part")):
        steps.append("what cannot be read, with reasons: eagleray dead-letters list {options}")
    if report.get("not_relabelled", {}).keys() - {"gone"}:
        steps.append("read what was not relabelled as of now: the same command without --relabel")
    if is_dry and report["dead_letters"]:
        steps.append("each dead letter, with its reason: the same command with --json")
    if "published" in report:
        steps.append("ask it: eagleray search 'your question' {options}")
    elif report["changed"]:
        steps.append(f"publish it: eagleray snapshots publish {report['snapshot'][:12]} {{options}}")
    if model:
        steps.append(f"questions need the same model: export EAGLERAY_EMBEDDER__MODEL={model}")
    return Report(value=report, show=partial(_show, report), next_steps=tuple(steps))


def report_refusal(error: StrictRunError) -> Report:
    """Return the report of a strict run that published nothing, which says so last."""
    report: dict[str, Any] = error.report

    def show() -> None:
        _show(report)
        show_line(f"eagleray: {error}", file=sys.stderr)

    value = {**report, "error": {"type": type(error).__name__, "message": str(error)}}
    steps = tuple(line for line in report_run(report).next_steps if "publish" not in line)
    return Report(value=value, show=show, next_steps=steps, exit_code=error.exit_code)


def _show(report: Mapping[str, Any]) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in list_lines(report):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        wrapped = (
            textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) if width else []
        )
        for part in wrapped or [line]:
            show_line(part)


def list_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report, none of them cut to a width."""
    if report.get("dry_run"):
        yield "dry run: nothing was written or published"
    for warning in report.get("warnings", ()):
        yield f"warning: {warning['message']}"
    yield from _list_reading(report)
    if report.get("dry_run"):
        yield from _list_compared(report.get("compared"))
    counts = [
        f"{report[name]} {told}"
        for name, told in _COUNTS
        if report.get(name) or name in _ALWAYS & report.keys()
    ]
    if counts:
        yield f"documents: {', '.join(counts)}"
    if report.get("not_relabelled"):
        told = ", ".join(f"{n} {reason}" for reason, n in report["not_relabelled"].items())
        yield f"not relabelled: {told}"
        yield from (f"  {name}" for name in report["documents_left"])
    if "run" in report:
        yield f"run: {report['run']}" + (f", {report['seconds']} s" if "seconds" in report else "")
    if report.get("snapshot"):
        yield f"snapshot: {report['snapshot']}"
    if "published" in report:
        yield f"published: {report['published']}"
    elif not report.get("dry_run"):
        yield f"published: no; {report['message']}" if "message" in report else "published: no"


def _list_reading(report: Mapping[str, Any]) -> Iterator[str]:
    files = report.get("files")
    if files is not None:
        told = [f"{files['found']} found"]
        told += [f"{files[name]} {what}" for name, what in _FILES if files[name]]
        if files["passed_over"]:
            kinds = ", ".join(f"{n} {name}" for name, n in report["passed_over"].items())
            told.append(f"{files['passed_over']} more passed over ({kinds})")
        yield f"files: {', '.join(told)}"
    formats = report.get("formats")
    if formats:
        told = [
            f"{name} {shown['read']} of {shown['read'] + shown['read_in_part'] + shown['refused']}"
            for name, shown in formats.items()
        ]
        yield f"formats: {', '.join(told)}"
    if report.get("refused"):
        yield "refused:"
        for reason, shown in report["refused"].items():
            yield f"  {reason}: {_describe_refused(shown)}"
    if report.get("fields"):
        yield "fields:"
        for name, shown in report["fields"].items():
            yield f"  {name}: {_describe_field(shown)}"


def _list_compared(compared: Mapping[str, int] | None) -> Iterator[str]:
    if compared:
        told = [f"{n} {_COMPARED[name]}" for name, n in compared.items() if n]
        yield f"files against those the collection holds: {', '.join(told) or 'none'}"
    yield (
        "not foretold: documents were compared neither with the collection nor with each other, so what a "
        "run would supersede, open, relabel or find in conflict is not known"
    )


def _describe_refused(shown: Mapping[str, Any]) -> str:
    n_files, n_pieces, examples = shown["files"], shown["pieces"], shown["examples"]
    files = f"{n_files} file" + ("" if n_files == 1 else "s")
    told = files if n_pieces == n_files else f"{n_pieces} records in {files}"
    more = n_files - len(examples)
    return f"{told}: {', '.join(examples)}" + (f" and {more} more" if more else "")


def _describe_field(shown: Mapping[str, Any]) -> str:
    told = f"{shown['matched']} of {shown['of']}"
    places = [f"{place['place']} {place['matched']}" for place in shown["places"]]
    return f"{told} ({', '.join(places)})" if len(places) > 1 else told
