"""How often does an answer cite what answers the question?

    python -m benchmarks.answers CORPUS_DIR --queries NAME --qrels NAME [--pipeline NAME] [--limit N]
        [--at-once N] [--store FOLDER]

A judged corpus is ingested with default settings and every judged question, or the first N, is asked. Of the
questions,

- `strict` cite, with three citations at most, what holds the whole answer, or every operand of its
  derivation (`serve.evaluation.truths`), in passages that were judged to answer;
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
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.corpora import JudgedQuery, read_judged_queries, read_texts
from benchmarks.known_items import ingest
from benchmarks.reporting import show_result
from eagleray.client.cited_questions import make_cited_question
from eagleray.contracts.cited_answers import EXTRACTIVE, N_PASSAGES, CitedAnswer
from eagleray.contracts.hits import SearchResponse
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import ANONYMOUS
from eagleray.contracts.services import AnswerService
from eagleray.parts import ANSWERS, INDEX
from indexes.lexical.analysis import ENGLISH
from indexes.lexical.bm25 import find_idf
from serve.agents.passage_units import PassageUnit, list_units
from serve.evaluation.judging import STRICT_CITATIONS, AnswerJudgement, judge_answer
from serve.evaluation.measures import estimate
from serve.evaluation.truths import Truth, is_held, make_truth, read_figures

_K1: Final = 1.2
_B: Final = 0.75
_COUNT: Final = re.compile(r"/\s*\d\d?(?![\d.,])")
"""A number of periods by which a sum is divided; it stands nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredAnswer:
    """What an answer is worth.

    Attributes:
        judgement: against the labels.
        is_strict_by_bm25: whether the best units by BM25 would hold the answer.
        is_worded: whether a statement is no quotation.
        notices: kinds of its notices.
        took_s: seconds.
    """

    judgement: AnswerJudgement
    is_strict_by_bm25: bool
    is_worded: bool
    notices: frozenset[str]
    took_s: float


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

        def ask_and_judge(query: JudgedQuery) -> tuple[MeasuredAnswer, str]:
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
    asked = make_cited_question(question, pipeline=pipeline, max_citations=STRICT_CITATIONS)
    request = asked.to_request(parse_filter=_refuse_filter, principal=ANONYMOUS)
    started = time.perf_counter()
    answer = service.ask(request, engine)
    return answer, time.perf_counter() - started


def judge(answer: CitedAnswer, *, query: JudgedQuery, truth: Truth, took_s: float) -> MeasuredAnswer:
    """Return what an answer is worth."""
    best = choose_by_bm25(answer.question, answer.retrieved)
    quotations = [item.quotation for item in best if item.hit.doc_id in query.relevant]
    cited = {item.number: item for item in answer.citations}
    return MeasuredAnswer(
        judgement=judge_answer(answer, relevant=query.relevant, truth=truth, k=N_PASSAGES),
        is_strict_by_bm25=is_held(truth, quotations),
        is_worded=any(
            statement.text not in {cited[number].quotation for number in statement.citations}
            for statement in answer.statements
        ),
        notices=frozenset(str(notice.kind) for notice in answer.notices),
        took_s=took_s,
    )


def read_derivations(corpus: Path) -> dict[str, str]:
    """Return how the answers of a corpus were computed, by question; none without such a file."""
    path = corpus / "derivations.jsonl"
    if not path.is_file():
        return {}
    with path.open() as stream:
        rows = map(json.loads, stream)
        return {row["_id"]: row["derivation"] for row in rows}


def find_truth(query: JudgedQuery, *, texts: Mapping[str, str], derivations: Mapping[str, str]) -> Truth:
    """Return what answers a question.

    Args:
        query: as it was judged.
        texts: of the passages, by their ids.
        derivations: how answers were computed; operands that stand in no judged passage, such as the number
            of years of an average, are not asked for.
    """
    derivation = derivations.get(query.query_id)
    if derivation is None:
        return make_truth(query.answers)
    known = read_figures(texts.get(doc_id, "") for doc_id in query.relevant)
    return make_truth(query.answers, read_figures([_COUNT.sub("", derivation)]) & known)


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
    return [units[place] for place in ranked[:STRICT_CITATIONS]]


def report(measured: Sequence[MeasuredAnswer]) -> dict[str, Any]:
    """Return the shares."""
    judgements = [item.judgement for item in measured]
    found = {name: item.value or 0.0 for name, item in estimate(judgements, seed=0).items()}
    n = max(1, len(measured))
    return {
        "questions": len(measured),
        "strict": found["strict"],
        "passage": found["passage"],
        "bm25_units_strict": round(sum(item.is_strict_by_bm25 for item in measured) / n, 4),
        "citation_precision": found["citation_precision"],
        "judged_citations": found["judged_citations"],
        "citations_per_question": round(sum(item.n_citations for item in judgements) / n, 2),
        "coverage": found["coverage"],
        "numeric_match": found["numeric_match"],
        "unsupported_sentences": int(found["unsupported_sentences"]),
        "worded": round(sum(item.is_worded for item in measured) / n, 4),
        "notices": dict(sorted(Counter(kind for item in measured for kind in item.notices).items())),
        "p50_s": round(statistics.median([item.took_s for item in measured] or [0.0]), 4),
        "tokens": sum(item.n_tokens for item in judgements),
    }


def _refuse_filter(text: str) -> Any:
    raise ValueError(f"no question of a corpus has a filter, found {text!r}")


if __name__ == "__main__":
    main()
