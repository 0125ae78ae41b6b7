"""The steps of a question, as shards are asked them, and what they answer.

All are values that can be pickled, and small: no text of a row that is not wanted leaves its shard, save the
words of a document that others are to be like, and the rows of one that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.hits import Hit, PlanKind, SearchMode, SegmentExplanation
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import ANONYMOUS, Principal
from eagleray.contracts.shown_documents import DocumentRequest
from indexes.dense.queries import DenseQuery
from indexes.dense.vectors import FloatVector
from indexes.lexical.bm25 import Statistics
from indexes.masks.guard import guard_row
from indexes.planning.plans import Plan, plan_search
from indexes.searching.channels import Channel, DenseChannel, count_words
from indexes.searching.documents import Row, list_rows
from indexes.searching.facets import ValuePairs, list_values
from indexes.searching.fields import open_words
from indexes.searching.highlights import Highlighter
from indexes.searching.likeness import SeenDocument, read_document
from indexes.searching.local import LocalSource
from indexes.searching.pools import Pool, gather_pool
from indexes.searching.presenting import make_hit
from indexes.searching.ranking import Ranked
from indexes.searching.relevance_rules import RelevanceRule
from indexes.searching.reranked_rows import read_texts
from indexes.searching.sharded.shard import HeldSegments
from indexes.searching.snippets import SnippetMaker
from indexes.searching.targets import Scope, Target
from indexes.searching.weights import Boosts


def plan_words(target: Target, *, n: int) -> Plan:
    """Return the plan of a search by words, which is always exact."""
    return plan_search(target.selection, k=n, index=None, efforts=())


def explain_segment(target: Target, plan: Plan) -> SegmentExplanation:
    """Return what a search did in a segment as planned."""
    is_approximate = plan.kind is PlanKind.APPROXIMATE
    return SegmentExplanation(
        segment=target.view.digest,
        plan=plan.kind,
        n_rows=target.view.n_rows,
        n_prefix=target.n_prefix,
        n_selected=target.selection.n_selected,
        n_probes=plan.effort.n_probes if is_approximate else 0,
        n_candidates=plan.effort.n_candidates if is_approximate else 0,
        recall=plan.recall,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountWords:
    """Asks for BM25's statistics of the visible rows, one for each field.

    Attributes:
        terms: what is counted.
        fields: in which parts of the rows.
    """

    snapshot: str
    scope: Scope
    terms: tuple[str, ...]
    fields: tuple[TextField, ...]

    def take(self, held: HeldSegments) -> tuple[Statistics, ...]:
        """Return the statistics; see `Step`."""
        targets = held.find(self.scope)
        return tuple(count_words(targets, self.terms, field) for field in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class ShardQuestion:
    """What a question asks of every segment; one question's looks all name the same one.

    Attributes:
        scope: what decides which rows it may find.
        mode: which channels answer.
        k: hits wanted.
        terms: its words -> times they stand in it.
        boosts: the fields that count besides the body.
        query: its vector; `None` where words alone answer.
        is_exact: whether every visible vector is compared.
        statistics: of all shards' visible rows, the body's first, then of each boosted field; `None` where
            vectors alone answer: then each shard counts its own, for the explanation.
    """

    scope: Scope
    mode: SearchMode
    k: int
    terms: Mapping[str, int]
    boosts: Boosts
    query: DenseQuery | None
    is_exact: bool
    statistics: tuple[Statistics, ...] | None

    def open(self, held: HeldSegments) -> Opened:
        """Return what looks for its rows in the segments at hand."""
        targets = held.find(self.scope)
        channels: list[Channel] = []
        dense, counted = None, None
        if self.query is not None:
            dense = DenseChannel(targets, self.query, is_exact=self.is_exact, threads=held.threads)
            channels.append(dense)
        if self.statistics is not None:
            channels.append(open_words(targets, self.terms, self.boosts, statistics=self.statistics))
        else:
            counted = count_words(targets, self.terms, TextField.BODY)
        return Opened(targets=targets, channels=tuple(channels), dense=dense, statistics=counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A question, ready to look for its rows in some segments.

    Attributes:
        targets: one a segment.
        channels: at least one.
        dense: the one of vectors, where there is one.
        statistics: of the bodies of the visible rows, where nobody had counted them.
    """

    targets: tuple[Target, ...]
    channels: tuple[Channel, ...]
    dense: DenseChannel | None
    statistics: Statistics | None

    def list_plans(self, k: int) -> list[Plan]:
        """Return what the last look did, one a segment."""
        if self.dense is not None:
            return self.dense.plans
        return [plan_words(target, n=k) for target in self.targets]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a shard found.

    Attributes:
        pool: the best rows of its channels.
        segments: number in the snapshot, and what was done there, of each segment the shard has.
        statistics: of the bodies of its visible rows, where nobody had counted them.
    """

    pool: Pool
    segments: tuple[tuple[int, SegmentExplanation], ...]
    statistics: Statistics | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Asks for the best rows of each channel.

    Attributes:
        n: rows of each channel, or all there are.
    """

    snapshot: str
    asked: ShardQuestion
    n: int

    def take(self, held: HeldSegments) -> Looked:
        """Return what was found; see `Step`."""
        opened = held.open(self.asked)
        pool = held.name_parts(gather_pool(opened.targets, opened.channels, self.n))
        plans = opened.list_plans(self.asked.k)
        explained = map(explain_segment, opened.targets, plans)
        return Looked(
            pool=pool,
            segments=tuple(zip(held.numbers, explained, strict=True)),
            statistics=opened.statistics,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Asks for the hits that rows stand for; each row passes the guard.

    Attributes:
        mode: which channels answered.
        terms: the words of the question.
        statistics: of the bodies of all shards' visible rows.
        ranked: the rows.
        rule: by which they are judged; `None` where they are not.
    """

    snapshot: str
    scope: Scope
    mode: SearchMode
    terms: Mapping[str, int]
    statistics: Statistics
    ranked: tuple[Ranked, ...]
    rule: RelevanceRule | None

    def take(self, held: HeldSegments) -> list[Hit]:
        """Return the hits in the order of the rows; see `Step`."""
        targets, highlighter, hits = held.find(self.scope), Highlighter(self.terms), []
        snippets = SnippetMaker(self.terms, self.statistics, highlighter)
        caller, ranked = self.scope.principal or ANONYMOUS, held.place_parts(self.ranked)
        for item in ranked:
            guard_row(targets[item.part].view, item.row, as_of=self.scope.as_of, principal=caller)
        judged = [None] * len(ranked) if self.rule is None else self.rule.judge(ranked, targets)
        for item, relevance in zip(ranked, judged, strict=True):
            hit = make_hit(
                item,
                targets[item.part],
                mode=self.mode,
                highlighter=highlighter,
                snippets=snippets,
                relevance=relevance,
            )
            hits.append(hit)
        return hits


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTexts:
    """Asks for heading and text of rows, as they were embedded; each row passes the guard."""

    snapshot: str
    scope: Scope
    ranked: tuple[Ranked, ...]

    def take(self, held: HeldSegments) -> list[str]:
        """Return the texts in the order of the rows; see `Step`."""
        ranked, caller = held.place_parts(self.ranked), self.scope.principal or ANONYMOUS
        return read_texts(ranked, held.find(self.scope), as_of=self.scope.as_of, principal=caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVectors:
    """Asks for the vectors of rows."""

    snapshot: str
    scope: Scope
    ranked: tuple[Ranked, ...]

    def take(self, held: HeldSegments) -> list[FloatVector]:
        """Return float32 [dim] of each row, in their order; see `Step`."""
        return list(LocalSource(held.find(self.scope), ()).read_vectors(held.place_parts(self.ranked)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """Asks what the caller may see of a document, whatever the question's filter."""

    snapshot: str
    scope: Scope
    doc_id: str

    def take(self, held: HeldSegments) -> SeenDocument | None:
        """Return what is seen, `None` where that is nothing; see `Step`."""
        return read_document(self.doc_id, held.find(self.scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListValues:
    """Asks which documents have which value of a column."""

    snapshot: str
    scope: Scope
    column: str

    def take(self, held: HeldSegments) -> ValuePairs:
        """Return pairs of `value` and `document` by type; see `Step`."""
        return list_values(held.find(self.scope), self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindTypes:
    """Asks for the types of attributes in the rows that a caller may read, at whatever time."""

    snapshot: str
    principal: Principal | None
    names: tuple[str, ...]

    def take(self, held: HeldSegments) -> dict[str, frozenset[AttributeType]]:
        """Return the types of each name; see `Step`."""
        return held.finder.find_types(self.principal, self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNames:
    """Asks for the attributes of the rows that a caller may read, at whatever time."""

    snapshot: str
    principal: Principal | None

    def take(self, held: HeldSegments) -> frozenset[str]:
        """Return the names; see `Step`."""
        return held.finder.list_names(self.principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRows:
    """Asks for the rows of a document that is shown whole."""

    snapshot: str
    request: DocumentRequest

    def take(self, held: HeldSegments) -> list[Row]:
        """Return the fields of each row that the caller may see; see `Step`."""
        scope = Scope(as_of=self.request.as_of, principal=self.request.principal)
        return list_rows(self.request, held.find(scope))
