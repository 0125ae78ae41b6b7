"""Evaluations as the command line calls them: read labels, ask, judge, measure, write, track."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eagleray.contracts.cited_answers import AskRequest, CitedAnswer
from eagleray.contracts.evaluations import (
    AnswerConfiguration,
    AskConfigured,
    EvaluationRequest,
    PosedQuestion,
)
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import Principal
from eagleray.contracts.search_options import pick_options, show_options
from eagleray.digests import digest_bytes
from eagleray.errors import InputError
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import Settings
from serve.evaluation.labels import LabelledQuestion, read_labels
from serve.evaluation.report_page import render_page
from serve.evaluation.requirements import check_requirement, read_requirement
from serve.evaluation.results import (
    EvaluationResult,
    make_result,
    read_run,
    show_result,
    write_result,
    write_text,
)
from serve.evaluation.runs import EvaluationRun, run_questions
from serve.evaluation.tracking import open_tracking


class LocalEvaluationService:
    """Evaluates answers, those of this process where nobody else is to be asked."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings that name the collection, and where runs are tracked."""
        self._settings = settings

    def evaluate(self, request: EvaluationRequest, ask: AskConfigured | None = None) -> dict[str, Any]:
        """Ask and judge all questions, write what is wanted, and return the result without the answers.

        Args:
            request: what is wanted.
            ask: answers a question; `None` for this process.

        Returns:
            The result; `requirements` says of each whether it is met, `is_met` whether all are.

        Raises:
            InputError: the labels, a requirement or an earlier result cannot be used, or a file not be
                written.
            EagleRayError: nothing can be asked.
        """
        earlier = read_run(Path(request.compared_result)) if request.compared_result else None
        is_comparison = earlier is not None or request.compared is not None
        required = [read_requirement(text, is_comparison=is_comparison) for text in request.requirements]
        track = open_tracking(self._settings.evaluation)
        questions = read_labels(Path(request.labels))[: request.n or None]
        answer = ask or self._prepare(request)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        if request.compared is not None:
            earlier = self._run(questions, answer, request.compared, place=request.place)
        result = make_result(
            self._run(questions, answer, request.asked, place=request.place),
            labels=_name_labels(Path(request.labels)),
            seed=request.seed,
            started=started,
            compared=earlier,
        )
        outcomes = [check_requirement(item, result) for item in required]
        self._write(result, request)
        report: dict[str, Any] = {
            **show_result(result, is_whole=False),
            "requirements": [asdict(item) for item in outcomes],
            "is_met": all(item.is_met for item in outcomes),
        }
        return {**report, "tracked": track(report, [Path(p) for p in (request.result, request.page) if p])}

    def _run(
        self,
        questions: list[LabelledQuestion],
        ask: AskConfigured,
        configuration: AnswerConfiguration,
        *,
        place: str,
    ) -> EvaluationRun:
        asked = {
            "place": place or self._settings.store,
            "collection": self._settings.collection,
            "snapshot": configuration.snapshot,
            "pipeline": configuration.pipeline,
            "max_citations": configuration.max_citations,
            "options": show_options(configuration.options),
        }
        return run_questions(questions, ask, configuration, asked=asked)

    def _prepare(self, request: EvaluationRequest) -> AskConfigured:
        """Return what asks this process, its snapshots open and its models loaded."""
        answers = _LocalAnswers(self._settings)
        for configuration in (request.asked, request.compared):
            if configuration is not None:
                answers.prepare(configuration)
        return answers

    @staticmethod
    def _write(result: EvaluationResult, request: EvaluationRequest) -> None:
        if request.result:
            write_result(result, Path(request.result))
        if request.page:
            write_text(Path(request.page), render_page(result))


class _LocalAnswers:
    """Answers questions in this process; each snapshot is opened once."""

    def __init__(self, settings: Settings) -> None:
        self._index, self._answers = INDEX.load(settings), ANSWERS.load(settings)
        self._engines: dict[str, SearchEngine] = {}

    def prepare(self, configuration: AnswerConfiguration) -> None:
        """Open the snapshot and load the models, which is no question's time."""
        engine = self._open(configuration.snapshot)
        engine.search(SearchRequest(query="begin", **pick_options(configuration.options)))

    def __call__(self, posed: PosedQuestion, configuration: AnswerConfiguration) -> CitedAnswer:
        """Return the answer."""
        search = SearchRequest(
            query=posed.text,
            as_of=posed.as_of,
            filter=self._index.parse_filter(posed.filter) if posed.filter else None,
            principal=Principal(subject="evaluation", groups=posed.groups),
            **pick_options(configuration.options),
        )
        request = AskRequest(
            search=search, pipeline=configuration.pipeline, max_citations=configuration.max_citations
        )
        return self._answers.ask(request, self._open(configuration.snapshot))

    def _open(self, snapshot: str) -> SearchEngine:
        if snapshot not in self._engines:
            self._engines[snapshot] = self._index.open_engine(snapshot=snapshot)
        return self._engines[snapshot]


def _name_labels(path: Path) -> dict[str, str]:
    """Return name and digest of a file of labels.

    Raises:
        InputError: it cannot be read any more.
    """
    try:
        return {"name": path.name, "sha256": digest_bytes(path.read_bytes())}
    except OSError as error:
        raise InputError(detail=f"{path}: expected a file of labelled questions: {error.strerror}") from error
