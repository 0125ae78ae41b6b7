"""How often does an answer cite what answers the question?

    python -m benchmarks.answers CORPUS_DIR --queries NAME --qrels NAME [--pipeline NAME] [--limit N]
        [--at-once N] [--store FOLDER]

A judged corpus is ingested with default settings and every judged question, or the first N, is asked. Of the
questions,

- `strict` cite, with three citations at most, what holds the whole answer, or every operand of its
  derivation (`answer_truth`), in passages that were judged to answer;
- `passage` cite a judged passage;
- `bm25_units_strict` are those for which the three sentences or rows with the best BM25 among the same
  passages would be such citations;
- `coverage` get an answer at all.

`citation_precision` is the share of citations of statements that the verifier finds to hold the statement, or
without which the others of the statement do not hold it; `judged_citations` are those in judged passages.
`numeric_match` is the share of questions answered by one
figure whose answer shows it; `unsupported_sentences` are the statements that the verifier does not support.
`worded` is the share of questions whose answer has words of a model, and `notices` counts the answers with
each kind of notice. With `--at-once` so many questions are asked at the same time, which the times include.
With `--store` the corpus is kept there, and used again.

Pipelines with a model need `EAGLERAY_LLM__URL` and `EAGLERAY_LLM__MODEL`.

Source of the precision of citations: Gao et al., "Enabling large language models to generate text with
citations" (2023), section 4.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.answer_truth import Truth, find_truth, is_held, read_derivations, read_figures
from benchmarks.corpora import JudgedQuery, read_judged_queries, read_texts
from benchmarks.known_items import ingest
from benchmarks.reporting import show_result
from eagleray.client.cited_questions import make_cited_question
from eagleray.contracts.cited_answers import EXTRACTIVE, Citation, CitedAnswer, Statement
from eagleray.contracts.hits import SearchResponse
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.services import AnswerService
from eagleray.parts import ANSWERS, INDEX
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import find_idf
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.verification import Outcome, verify

N_CITATIONS: Final = 3
_K1: Final = 1.2
_B: Final = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an answer is worth.

    Attributes:
        is_strict: whether its citations hold the answer.
        is_passage: whether one lies in a judged passage.
        is_strict_by_bm25: whether the best units by BM25 would hold it.
        is_answered: whether there is an answer.
        is_matched: whether it shows the figure that answers; `None` where no single figure does.
        is_worded: whether a statement is no quotation.
        notices: kinds of its notices.
        n_citations: in all.
        n_cited: citations of all statements.
        n_supporting: of these, that their statement needs, or that hold it alone.
        n_judged: in judged passages.
        n_unsupported: statements that nothing they cite holds.
        took_s: seconds.
        n_tokens: of a model.
    """

    is_strict: bool
    is_passage: bool
    is_strict_by_bm25: bool
    is_answered: bool
    is_matched: bool | None
    is_worded: bool
    notices: frozenset[str]
    n_citations: int
    n_cited: int
    n_supporting: int
    n_judged: int
    n_unsupported: int
    took_s: float
    n_tokens: int


def main() -> None:
    """Ingest, ask, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--qrels", default="all")
    parser.add_argument("--pipeline", default=EXTRACTIVE)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    queries = read_judged_queries(arguments.corpus, queries=arguments.queries, qrels=arguments.qrels)
    texts, derivations = read_texts(arguments.corpus), read_derivations(arguments.corpus)
    with tempfile.TemporaryDirectory(prefix="eagleray-answers-") as folder:
        settings = ingest(arguments.corpus, arguments.store or Path(folder))
        engine = INDEX.load(settings).open_engine(snapshot="live")
        service = ANSWERS.load(settings)

        def ask_and_judge(query: JudgedQuery) -> tuple[Judgement, str]:
            truth = find_truth(query, texts=texts, derivations=derivations)
            answer, took_s = ask(service, engine, query.text, pipeline=arguments.pipeline)
            return judge(answer, query=query, truth=truth, took_s=took_s), answer.model

        with ThreadPoolExecutor(arguments.at_once) as threads:
            found = [*threads.map(ask_and_judge, queries[: arguments.limit or None])]
        judgements, models = [judgement for judgement, _ in found], {model for _, model in found}
    about = {"corpus": arguments.corpus.name, "query_set": arguments.queries, "pipeline": arguments.pipeline}
    show_result({**about, **report(judgements), "model": ", ".join(sorted(models - {""})) or None})


def ask(
    service: AnswerService, engine: SearchEngine, question: str, *, pipeline: str
) -> tuple[CitedAnswer, float]:
    """Return the answer to a question, and the seconds it took."""
    asked = make_cited_question(question, pipeline=pipeline, max_citations=N_CITATIONS)
    request = asked.to_request(parse_filter=_refuse_filter, principal=ANONYMOUS)
    started = time.perf_counter()
    answer = service.ask(request, engine)
    return answer, time.perf_counter() - started


def judge(answer: CitedAnswer, *, query: JudgedQuery, truth: Truth, took_s: float) -> Judgement:
    """Return what an answer is worth."""
    cited = {item.number: item for item in answer.citations}
    judged = [item.quotation for item in answer.citations if item.doc_id in query.relevant]
    supporting = [
        number
        for statement in answer.statements
        for number in statement.citations
        if is_needed(statement, number, cited)
    ]
    best = choose_by_bm25(answer.question, answer.retrieved)
    return Judgement(
        is_strict=len(cited) <= N_CITATIONS and is_held(truth, judged),
        is_passage=bool(judged),
        is_strict_by_bm25=is_held(
            truth, [item.quotation for item in best if item.hit.doc_id in query.relevant]
        ),
        is_answered=answer.is_answered,
        is_matched=None if truth.value is None else truth.value in read_figures([answer.text]),
        is_worded=any(
            statement.text not in {cited[number].quotation for number in statement.citations}
            for statement in answer.statements
        ),
        notices=frozenset(str(notice.kind) for notice in answer.notices),
        n_citations=len(cited),
        n_cited=sum(len(statement.citations) for statement in answer.statements),
        n_supporting=len(supporting),
        n_judged=len(judged),
        n_unsupported=sum(
            verify(statement.text, [cited[number] for number in statement.citations]).outcome
            is not Outcome.SUPPORTED
            for statement in answer.statements
        ),
        took_s=took_s,
        n_tokens=answer.usage.n_prompt + answer.usage.n_completion,
    )


def is_needed(statement: Statement, number: int, cited: Mapping[int, Citation]) -> bool:
    """Return whether a citation holds a statement alone, or its others do not hold it without it."""
    if verify(statement.text, [cited[number]]).outcome is Outcome.SUPPORTED:
        return True
    others = [cited[other] for other in statement.citations if other != number]
    whole = verify(statement.text, [cited[other] for other in statement.citations])
    return (
        whole.outcome is Outcome.SUPPORTED and verify(statement.text, others).outcome is not Outcome.SUPPORTED
    )


def choose_by_bm25(question: str, found: SearchResponse) -> list[PassageUnit]:
    """Return the sentences and rows, with what names them, that have the best BM25 scores."""
    units = list_units(found.hits)
    terms = [Counter(ENGLISH.find_terms(unit.quotation)) for unit in units]
    average = statistics.fmean(map(Counter.total, terms)) if terms else 1.0
    explanation, wanted = found.explanation, dict.fromkeys(ENGLISH.find_terms(question))

    def score(held: Counter[str]) -> float:
        length = _K1 * (1 - _B + _B * held.total() / average)
        return math.fsum(
            find_idf(explanation.n_visible, explanation.document_frequencies.get(word, 0))
            * held[word]
            * (_K1 + 1)
            / (held[word] + length)
            for word in wanted
            if held[word]
        )

    ranked = sorted(range(len(units)), key=lambda place: (-score(terms[place]), place))
    return [units[place] for place in ranked[:N_CITATIONS]]


def report(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Return the shares."""
    n, n_citations = max(1, len(judgements)), max(1, sum(item.n_citations for item in judgements))
    matched = [item.is_matched for item in judgements if item.is_matched is not None]
    return {
        "questions": len(judgements),
        "strict": round(sum(item.is_strict for item in judgements) / n, 4),
        "passage": round(sum(item.is_passage for item in judgements) / n, 4),
        "bm25_units_strict": round(sum(item.is_strict_by_bm25 for item in judgements) / n, 4),
        "citation_precision": round(
            sum(item.n_supporting for item in judgements) / max(1, sum(item.n_cited for item in judgements)),
            4,
        ),
        "judged_citations": round(sum(item.n_judged for item in judgements) / n_citations, 4),
        "citations_per_question": round(n_citations / n, 2),
        "coverage": round(sum(item.is_answered for item in judgements) / n, 4),
        "numeric_match": round(sum(matched) / max(1, len(matched)), 4),
        "unsupported_sentences": sum(item.n_unsupported for item in judgements),
        "worded": round(sum(item.is_worded for item in judgements) / n, 4),
        "notices": dict(sorted(Counter(kind for item in judgements for kind in item.notices).items())),
        "p50_s": round(statistics.median([item.took_s for item in judgements] or [0.0]), 4),
        "tokens": sum(item.n_tokens for item in judgements),
    }


def _refuse_filter(text: str) -> Any:
    raise ValueError(f"no question of a corpus has a filter, found {text!r}")


if __name__ == "__main__":
    main()
