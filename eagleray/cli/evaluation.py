"""`eagleray evaluate`: how well labelled questions are answered, by slice and against another run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Final

import typer

from eagleray.cli.command import COLLECTION_OPTION, STORE_OPTION, Report, reports
from eagleray.cli.output import show_line, show_table
from eagleray.cli.search_options import takes_search_options
from eagleray.cli.server_options import DEFAULT_ALIAS, ServerOptions, make_server_asker
from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, MAX_CITATIONS, N_CITATIONS, N_PASSAGES
from eagleray.contracts.evaluations import AnswerConfiguration, EvaluationRequest
from eagleray.contracts.hits import Granularity, SearchOptions
from eagleray.errors import InputError
from eagleray.parts import EVALUATION
from eagleray.settings import load_named

_EACH: Final = SearchOptions()
"""Stands for a flag of each option, with its default."""

_NOT_REACHED: Final = 3
"""Exit code where a requirement is not met."""


@reports()
@takes_search_options(k=N_PASSAGES, granularity=Granularity.CHUNK)
def evaluate(
    labels: str = typer.Argument(help="File of questions with labels: JSON Lines, or CSV by its name."),
    pipeline: str = typer.Option(
        DEFAULT_PIPELINE,
        help="What answers; default: what reads with a model where one is set, else extractive.",
    ),
    max_citations: int = typer.Option(N_CITATIONS, min=1, max=MAX_CITATIONS, help="Citations at most."),
    snapshot: str = typer.Option(DEFAULT_ALIAS, help="Alias or id."),
    compare: str = typer.Option("", help="Result of an earlier evaluation to compare with."),
    compare_pipeline: str = typer.Option("", help="A pipeline to ask, too, and compare with."),
    compare_snapshot: str = typer.Option("", help="An alias or id to ask, too, and compare with."),
    require: list[str] = typer.Option(
        [], help="What must hold, such as strict>=.85 or unsupported_sentences<=0; repeat for more."
    ),
    result: str = typer.Option("", help="File for the whole result, as JSON."),
    html: str = typer.Option("", help="File for the report as one page, with plots."),
    n: int = typer.Option(0, "-n", min=0, help="Questions, the first ones; 0 for all."),
    seed: int = typer.Option(0, min=0, help="Of the samples that intervals are made of."),
    options: SearchOptions = _EACH,
    url: str = typer.Option("", help="A server to ask instead of a store: https://host:port."),
    api_key_file: str = typer.Option("", help="File with the server's key; default: EAGLERAY_API_KEY."),
    allow_http: bool = typer.Option(
        False, "--allow-http", help="Allow sending the key over plain HTTP to others."
    ),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
) -> Report:
    """Ask labelled questions, and measure what is found and answered; exit code 3 below a requirement.

    Each column of the file without a meaning of its own is a slice. The same answers give the same result,
    times aside. What reads the store itself leaves no record in the audit log; what asks a server does.
    """
    server = ServerOptions(url=url, api_key_file=api_key_file, allow_http=allow_http)
    server.check(store=store, groups=[])
    asked = AnswerConfiguration(
        options=options, pipeline=pipeline, max_citations=max_citations, snapshot=snapshot
    )
    request = EvaluationRequest(
        labels=labels,
        asked=asked,
        compared=_read_compared(asked, compare, pipeline=compare_pipeline, snapshot=compare_snapshot),
        compared_result=compare,
        n=n,
        seed=seed,
        requirements=tuple(require),
        result=result,
        page=html,
        place=url,
    )
    service = EVALUATION.load(load_named(store=store, collection=collection))
    with ExitStack() as stack:
        ask = stack.enter_context(make_server_asker(server, collection=collection)) if url else None
        found = service.evaluate(request, ask)
    code = 0 if found["is_met"] else _NOT_REACHED
    return Report(value=found, show=partial(_show, found), exit_code=code)


def _read_compared(
    asked: AnswerConfiguration, result: str, *, pipeline: str, snapshot: str
) -> AnswerConfiguration | None:
    """Return how the run is asked that is compared with; `None` where none is asked.

    Raises:
        InputError: it is not clear what is compared with.
    """
    if not (pipeline or snapshot):
        return None
    if result:
        raise InputError(
            detail="--compare names a result, --compare-pipeline and --compare-snapshot another run: "
            "give one of the two"
        )
    return replace(asked, pipeline=pipeline or asked.pipeline, snapshot=snapshot or asked.snapshot)


def _show(found: dict[str, Any]) -> None:
    """Print the measures, then what they are compared with, and whether requirements are met."""
    by = "; ".join(f"{name} {', '.join(values)}" for name, values in found["answered_by"].items() if values)
    show_line(f"{found['questions']} questions, {found['errors']} errors; {by}")
    times = {name: value for name, value in found["times"].items() if name in ("p50_s", "p95_s")}
    rows = [
        {"measure": name, "value": item["value"], "95 %": _show_range(item), "questions": item["n"]}
        for name, item in {**found["measures"], **times}.items()
        if item["value"] is not None
    ]
    show_table(rows, ("measure", "value", "95 %", "questions"))
    if "comparison" in found:
        _show_comparison(found["comparison"])
    for item in found["requirements"]:
        verdict = "met" if item["is_met"] else "NOT MET"
        value = "no value" if item["found"] is None else item["found"]
        show_line(f"{verdict}: {item['requirement']} (found {value})")
    if found["tracked"]:
        show_line(f"MLflow run {found['tracked']}")


def _show_comparison(comparison: dict[str, Any]) -> None:
    show_line("")
    show_line(f"compared over {comparison['questions']} questions, {comparison['left_out']} left out:")
    rows = [
        {
            "measure": name,
            "before": item["before"],
            "after": item["after"],
            "difference": f"{item['delta']:+}",
            "95 %": _show_range(item),
            "sure": "yes" if item["is_sure"] else "no",
        }
        for name, item in comparison["measures"].items()
        if item["delta"] is not None
    ]
    show_table(rows, ("measure", "before", "after", "difference", "95 %", "sure"))


def _show_range(item: dict[str, Any]) -> str:
    return "" if item["low"] is None else f"{item['low']} to {item['high']}"
