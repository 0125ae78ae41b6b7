"""One run over labelled questions: each asked, timed and judged; a file keeps what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from eagleray.contracts.cited_answers import CitedAnswer
from eagleray.contracts.evaluations import AnswerConfiguration, AskConfigured
from eagleray.errors import EagleRayError, InputError, UnreachableError
from serve.evaluation.judging import AnswerJudgement, RetrievalJudgement, judge_answer
from serve.evaluation.labels import LabelledQuestion

_UNANSWERED: Final[Mapping[str, Any]] = {
    "is_answered": False,
    "n_citations": 0,
    "n_cited": 0,
    "n_supporting": 0,
    "n_judged_citations": 0,
    "n_judged_cited": 0,
    "n_statements": 0,
    "n_unsupported": 0,
    "n_tokens": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """A question, what it was answered, and what that is worth.

    Attributes:
        id: of the question, in its file.
        slices: of the question.
        answer: its text.
        cited: documents, in the order of their citations.
        error: type of the error that came in the place of an answer; empty for none.
        took_s: seconds.
    """

    id: str
    question: str
    slices: Mapping[str, str]
    answer: str
    cited: tuple[str, ...]
    error: str
    judgement: AnswerJudgement
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRun:
    """All questions as one configuration answered them.

    Attributes:
        asked: how they were asked, as JSON values.
        answered_by: pipelines, models and snapshots that answered, each a list without repetition.
        answers: in the order of the questions.
    """

    asked: Mapping[str, Any]
    answered_by: Mapping[str, Sequence[str]]
    answers: Sequence[JudgedAnswer]

    @property
    def judgements(self) -> list[AnswerJudgement]:
        """What each answer is worth."""
        return [item.judgement for item in self.answers]


def run_questions(
    questions: Sequence[LabelledQuestion],
    ask: AskConfigured,
    configuration: AnswerConfiguration,
    *,
    asked: Mapping[str, Any],
    clock: Callable[[], float] = time.perf_counter,
) -> EvaluationRun:
    """Ask and judge every question, one after the other.

    Args:
        questions: with labels.
        ask: answers one.
        configuration: how it is answered.
        asked: the same as JSON values.
        clock: seconds, from any beginning.

    Raises:
        InputError: a question cannot be asked so; names its line.
        UnreachableError: nothing answers there.
    """
    answers, by = list[JudgedAnswer](), {"pipeline": set[str](), "model": set[str](), "snapshot": set[str]()}
    for question in questions:
        answer, error, took_s = _ask_one(question, ask, configuration, clock=clock)
        if answer is not None:
            by["pipeline"].add(answer.pipeline)
            by["model"].add(answer.model)
            by["snapshot"].add(answer.snapshot)
        k = configuration.options.k
        answers.append(_judge(question, answer, error=error, took_s=took_s, k=k))
    told = {name: sorted(values - {""}) for name, values in by.items()}
    return EvaluationRun(asked=dict(asked), answered_by=told, answers=answers)


def _ask_one(
    question: LabelledQuestion,
    ask: AskConfigured,
    configuration: AnswerConfiguration,
    *,
    clock: Callable[[], float],
) -> tuple[CitedAnswer | None, str, float]:
    """Return the answer, or the type of the error in its place, and the seconds it took."""
    started = clock()
    try:
        return ask(question.posed, configuration), "", clock() - started
    except InputError as error:
        raise InputError(detail=f"the question of line {question.line} ({question.id}): {error}") from error
    except UnreachableError:
        raise
    except EagleRayError as error:
        return None, type(error).__name__, clock() - started


def _judge(
    question: LabelledQuestion, answer: CitedAnswer | None, *, error: str, took_s: float, k: int
) -> JudgedAnswer:
    if answer is None:
        judgement = _judge_nothing(question)
    else:
        judgement = judge_answer(answer, relevant=question.relevant, truth=question.truth, k=k)
    return JudgedAnswer(
        id=question.id,
        question=question.posed.text,
        slices=question.slices,
        answer=answer.text if answer is not None and answer.is_answered else "",
        cited=() if answer is None else tuple(item.doc_id for item in answer.citations),
        error=error,
        judgement=judgement,
        took_s=took_s,
    )


def _judge_nothing(question: LabelledQuestion) -> AnswerJudgement:
    """Return what an error is worth: an answer that is wrong wherever a label tells."""
    truth, has_judged = question.truth, bool(question.relevant)
    return AnswerJudgement(
        retrieval=RetrievalJudgement(recall=0.0, reciprocal_rank=0.0, ndcg=0.0) if has_judged else None,
        is_strict=False if has_judged and truth is not None else None,
        is_passage=False if has_judged else None,
        is_exact=False if truth is not None and truth.parts else None,
        is_matched=False if truth is not None and truth.value is not None else None,
        n_judged=len(question.relevant),
        **_UNANSWERED,
    )


def show_answers(answers: Sequence[JudgedAnswer]) -> list[dict[str, Any]]:
    """Return answers as JSON values, without their times."""
    return [
        {
            **{name: value for name, value in asdict(item).items() if name != "took_s"},
            "cited": list(item.cited),
        }
        for item in answers
    ]


def read_answers(shown: Sequence[Mapping[str, Any]], *, took_s: Sequence[float]) -> list[JudgedAnswer]:
    """Return the answers that `show_answers` has shown.

    Raises:
        KeyError, TypeError, ValueError: they are no such answers.
    """
    return [_read_answer(item, took_s=seconds) for item, seconds in zip(shown, took_s, strict=True)]


def _read_answer(shown: Mapping[str, Any], *, took_s: float) -> JudgedAnswer:
    given = dict(shown["judgement"])
    found = given.pop("retrieval")
    retrieval = None if found is None else RetrievalJudgement(**found)
    return JudgedAnswer(
        **{
            **shown,
            "judgement": AnswerJudgement(**given, retrieval=retrieval),
            "cited": tuple(shown["cited"]),
        },
        took_s=float(took_s),
    )
