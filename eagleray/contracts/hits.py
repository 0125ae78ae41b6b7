"""What a search is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from eagleray.contracts.bounds import MAX_HITS
from eagleray.contracts.documents import AttributeValue
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import ANONYMOUS, Principal


class SearchMode(StrEnum):
    """Which channels answer."""

    DENSE = "dense"
    LEXICAL = "lexical"
    HYBRID = "hybrid"


class Granularity(StrEnum):
    """What one hit stands for: a chunk, or a document by its best chunk."""

    CHUNK = "chunk"
    DOCUMENT = "document"


class Fusion(StrEnum):
    """How the channels of a hybrid search make one score.

    `convex` adds their scores, each scaled by the greatest among the visible rows; `reciprocal_rank` looks
    only at a row's place in each.
    """

    CONVEX = "convex"
    RECIPROCAL_RANK = "reciprocal_rank"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRule:
    """What every way to search says of an option, and the bounds that a server holds it to.

    Attributes:
        description: in one sentence.
        least: least value; `None` for any.
        most: greatest value; `None` for any.
    """

    description: str
    least: float | None = None
    most: float | None = None


RULE: Final = "rule"
"""Name of an option's rule among the metadata of its field."""


def _rule(
    description: str, *, least: float | None = None, most: float | None = None
) -> Mapping[str, OptionRule]:
    return {RULE: OptionRule(description=description, least=least, most=most)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Which of the rows found are hits, and in which order.

    Attributes:
        boosts: weights of words in the title or heading besides those in the body; a field without one
            counts nothing by itself. `None` takes what was fitted to the collection.
        fusion: how the channels of a hybrid search make one score.
        dense_weight: from 0 to 1, share of the dense channel in a convex combination; `None` takes what
            was fitted to the collection.
        min_score: least score of a hit, or `None`.
        min_dense: least cosine similarity of a hit, or `None`.
        min_lexical: least BM25 score of a hit, or `None`.
        min_relevance: least relevance of a hit, from 0 to 1, or `None`; fewer hits come back where some of
            the best `k` have less.
        diversity: from 0 to 1, how much hits are kept from being like those before them.
        n_per_document: chunks of one document at most, where hits are chunks; `None` for any number.
    """

    boosts: Mapping[TextField, float] | None = field(
        default=None, metadata=_rule("Weights of words in the title, or heading, too.", least=0.0)
    )
    fusion: Fusion = field(
        default=Fusion.CONVEX, metadata=_rule("How the channels of a hybrid search make one score.")
    )
    dense_weight: float | None = field(
        default=None, metadata=_rule("Share of the dense channel, 0 to 1.", least=0.0, most=1.0)
    )
    min_score: float | None = field(default=None, metadata=_rule("Minimum score of a hit."))
    min_dense: float | None = field(default=None, metadata=_rule("Minimum cosine similarity of a hit."))
    min_lexical: float | None = field(default=None, metadata=_rule("Minimum BM25 score of a hit."))
    min_relevance: float | None = field(
        default=None,
        metadata=_rule(
            "Minimum relevance, 0 to 1; of the best k, hits below are left out.",
            least=0.0,
            most=1.0,
        ),
    )
    diversity: float = field(
        default=0.0,
        metadata=_rule("From 0 to 1: avoid hits similar to earlier ones.", least=0.0, most=1.0),
    )
    n_per_document: int | None = field(
        default=None, metadata=_rule("Chunks of one document at most, where hits are chunks.", least=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How a search is done, whatever it asks for: the one definition that all ways to search follow.

    Bodies of requests, records of the audit log, the clients' arguments and questions, options of commands
    and jobs are derived from these fields, or held against them by tests.

    Attributes:
        k: number of hits wanted, at least 1.
        mode: dense, lexical or hybrid.
        granularity: chunks, or documents by their best chunk.
        exact: compare every visible vector, whatever it costs.
        ranking: which of the rows found are hits, and in which order.
        rerank: the best candidates that the reranker scores again, at least `k`; 0 for none.
    """

    k: int = field(default=10, metadata=_rule("Number of hits.", least=1, most=MAX_HITS))
    mode: SearchMode = field(default=SearchMode.HYBRID, metadata=_rule("Channels that answer."))
    granularity: Granularity = field(default=Granularity.DOCUMENT, metadata=_rule("What one hit stands for."))
    exact: bool = field(default=False, metadata=_rule("Compare every visible vector, whatever it costs."))
    ranking: Ranking = field(
        default=Ranking(), metadata=_rule("Which of the rows found are hits, and in which order.")
    )
    rerank: int = field(
        default=0, metadata=_rule("Number of best candidates to rerank; 0 for none.", least=0, most=MAX_HITS)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of an answer's hits: `n` of them after the first `skip`."""

    skip: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest(SearchOptions):
    """One question, and how it is answered.

    Attributes:
        query: the question in words; empty where `like` asks.
        like: a document; others like it are wanted instead of answers to a question.
        as_of: microseconds; `None` means everything known and not superseded now.
        filter: rows to search among, or `None` for all.
        principal: the caller.
        page: which of the `k` hits are shown, so that all pages are cut from one ranking; `None` for all.
    """

    query: str
    like: str = ""
    as_of: int | None = None
    filter: FilterExpression | None = None
    principal: Principal = ANONYMOUS
    page: Page | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetRequest:
    """How many documents have which value of a column.

    Attributes:
        column: an attribute, or one of the columns every row has.
        n: values wanted, at least 1.
        as_of: microseconds; `None` means everything known and not superseded now.
        filter: rows that count, or `None` for all.
        principal: the caller.
    """

    column: str
    n: int = 10
    as_of: int | None = None
    filter: FilterExpression | None = None
    principal: Principal = ANONYMOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters of a text: `text[start:end]`."""

    start: int
    end: int


class Highlight(Span):
    """A query word in a text; no stop word."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """What answers best in a hit's text: a sentence, or a row of a table below its header; up to three.

    Attributes:
        text: what is shown, a row or the sentences that follow each other on a line; what is long is cut.
        spans: where the lines stand in the hit's text, in order; the header of a table that began before the
            text stands in none.
        highlights: the query words in `text`.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()
    highlights: tuple[Highlight, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result.

    Attributes:
        score: similarity by which hits are ordered, unless they were reranked; grows with likeness.
        dense: cosine similarity of the chunk to the query, where that channel took part.
        lexical: BM25 score of the chunk, where that channel took part.
        reranked: the reranker's score, by which hits are ordered then; `None` where it was not asked for.
        relevance: from 0 to 1, how likely the hit answers the question; means the same for all questions, and
            orders nothing. `None` where a document asked for others like it.
        start: first character of the chunk in its document.
        end: one past the last character.
        known_from: microseconds.
        known_to: microseconds, after patches.
        highlights: the query words in `text`.
        snippet: the part of `text` that answers best.
    """

    chunk_id: int
    doc_id: str
    version: str
    score: float
    dense: float | None
    lexical: float | None
    reranked: float | None = None
    relevance: float | None = None
    title: str
    heading: str
    text: str
    start: int
    end: int
    page: int | None
    source: str
    zone: str
    groups: tuple[str, ...]
    event_time: int | None
    known_from: int
    known_to: int
    attributes: dict[str, AttributeValue | None] = field(default_factory=dict)
    highlights: tuple[Highlight, ...] = ()
    snippet: Snippet = Snippet()


class PlanKind(StrEnum):
    """How a segment is searched for one mask."""

    EMPTY = "empty"
    EXACT = "exact"
    PREFIX = "prefix"
    APPROXIMATE = "approximate"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentExplanation:
    """What one segment did for one question.

    Attributes:
        n_rows: rows in the segment.
        n_selected: rows the mask lets through; their share is the selectivity.
        n_prefix: rows known at T, before the other rules.
        n_probes: inverted lists that were scanned; 0 where the plan is exact.
        n_candidates: rows whose vectors were compared after their codes; 0 where the plan is exact.
        recall: lower bound learnt for the share of the true neighbours that comes back; 1 where the
            plan is exact.
    """

    segment: str
    plan: PlanKind
    n_rows: int
    n_prefix: int
    n_selected: int
    n_probes: int = 0
    n_candidates: int = 0
    recall: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankingExplanation:
    """What scored candidates again.

    Attributes:
        reranker: name of the model.
        digest: of what its scores depend on, 64 hex digits.
        n_candidates: candidates that were scored.
    """

    reranker: str
    digest: str
    n_candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How an answer came about.

    Attributes:
        snapshot: id of the snapshot that answered.
        as_of: microseconds, or `None` for now.
        is_exact: whether the hits are provably the best ones; `None` where that is not told, for it depends
            on rows that the caller may not see.
        segments: what was done in each; none where that is not told, for the same reason.
        document_frequencies: query term -> visible chunks that hold it.
        n_visible: chunks the mask lets through, over all segments (BM25's N).
        average_length: mean length of those chunks in terms (BM25's avgdl).
        timings_ms: milliseconds by step; none where the segments are not told.
        reranking: what scored candidates again; `None` where nothing did.
        is_remembered: whether the answer was made before, for a caller who may see the same rows.
    """

    snapshot: str
    as_of: int | None
    is_exact: bool | None
    segments: tuple[SegmentExplanation, ...]
    document_frequencies: dict[str, int]
    n_visible: int
    average_length: float
    timings_ms: dict[str, float]
    reranking: RerankingExplanation | None = None
    is_remembered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResponse:
    """Hits, best first, and how they came about.

    Attributes:
        relevant: whether some hit is likely to answer the question, with a relevance of 0.5 or more; where
            not, nothing relevant was found. `None` where a document asked for others like it.
    """

    hits: tuple[Hit, ...]
    explanation: Explanation
    relevant: bool | None = None
