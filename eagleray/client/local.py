"""The local client: opens a published collection in this process and asks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from eagleray.client.batches import explaining_columns, read_frame
from eagleray.client.choices import (
    Moment,
    read_count,
    read_filter_text,
    read_groups,
    read_place,
    read_text,
    read_texts,
    read_time,
)
from eagleray.client.cited_questions import ASK_DEFAULTS, AskArguments, make_cited_question
from eagleray.client.frames import make_frame
from eagleray.client.keywords import with_keywords, with_old_names
from eagleray.client.questions import (
    DEFAULTS,
    OptionArguments,
    Question,
    SearchArguments,
    make_options,
    make_question,
)
from eagleray.contracts.cited_answers import AnswerPart, CitedAnswer
from eagleray.contracts.facets import ValueCounts, make_counts
from eagleray.contracts.hits import FacetRequest, SearchResponse
from eagleray.contracts.many_hits import ManyHits
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import AnswerService, IndexService
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument
from eagleray.models.widget_notices import without_widget_notices
from eagleray.parts import ANSWERS, INDEX
from eagleray.settings import load_named

if TYPE_CHECKING:
    import pandas as pd


class LocalCollection:
    """A snapshot of a collection, opened for searching; later publications do not change it."""

    def __init__(
        self, engine: SearchEngine, service: IndexService, answers: AnswerService, *, name: str
    ) -> None:
        self._engine = engine
        self._service = service
        self._answers = answers
        self._name = name

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._name

    @property
    def snapshot(self) -> str:
        """Id of the snapshot that answers, 64 hex digits; `eagleray.open(snapshot=…)` opens it again."""
        return self._engine.snapshot

    def __repr__(self) -> str:
        return f"<LocalCollection {self.name!r}, snapshot {self.snapshot[:12]}>"

    @with_keywords(SearchArguments, DEFAULTS)
    def search(
        self, query: str, *, groups: str | Iterable[str] = (), **arguments: Unpack[SearchArguments]
    ) -> SearchResponse:
        """Return the best documents, each by its best chunk, or the best chunks.

        Args:
            query: the question in words; "words in quotes" count as a phrase, too, and `begin*` for all
                words that begin so.
            groups: groups of the caller: a name, or several.
            arguments: `k` hits wanted; `mode` is `hybrid`, `dense` or `lexical`; `as_of` a time: ISO 8601
                text, a date, or a datetime or pandas Timestamp with a zone (a bare date is midnight UTC at
                its start, `None` asks the latest state); `filter` such as
                `company = "Cubic Corp" and year >= 2019`; `granularity` is `document` or `chunk`; `ranking`
                boosts, fusion, least scores, diversity (`eagleray.Ranking`); `rerank` how many of the best
                hits the reranker (`EAGLERAY_RERANKER__MODEL`) scores again, at least `k`; `exact` whether
                every visible vector is compared.

        Returns:
            `hits`, best first, and `explanation`: which snapshot answered, and how.

        Raises:
            InputError: the question, the time, the filter or the reranker cannot be used; says why.
        """
        return self._ask(make_question(query, **arguments), groups)

    @with_keywords(SearchArguments, DEFAULTS)
    def more_like(
        self, doc_id: str, *, groups: str | Iterable[str] = (), **arguments: Unpack[SearchArguments]
    ) -> SearchResponse:
        """Return the documents most like one the caller may see; arguments and answer as of `search`.

        Raises:
            DocumentNotFoundError: the caller sees no such document as of that time.
            InputError: as `search`.
        """
        return self._ask(make_question(like=doc_id, **arguments), groups)

    @with_keywords(SearchArguments, DEFAULTS)
    def search_batch(
        self,
        queries: Sequence[str],
        *,
        groups: str | Iterable[str] = (),
        **arguments: Unpack[SearchArguments],
    ) -> tuple[SearchResponse, ...]:
        """Return what `search`, which takes the same arguments, returns for each of many questions.

        `search_many` is faster for thousands, and gives no texts.

        Raises:
            InputError: as `search`; where one question cannot be answered, none is.
        """
        asked = read_texts("queries", queries)
        return tuple(self.search(query, groups=groups, **arguments) for query in asked)

    @with_keywords(AskArguments, ASK_DEFAULTS)
    def ask(
        self, question: str, *, groups: str | Iterable[str] = (), **arguments: Unpack[AskArguments]
    ) -> CitedAnswer:
        """Return an answer with citations: sentences and rows that stand in what the caller may see.

        Args:
            question: in words.
            groups: of the caller, as of `search`.
            arguments: as of `search`, of the passages that are read: the best `k` chunks; `pipeline` what
                answers; `max_citations` that the answer may have.

        Returns:
            `text`, each line with the numbers of its citations; `statements`, `citations`, and the search
            that was made (`retrieved`). Without statements where nothing was found that answers.

        Raises:
            InputError: as `search`, or there is no such pipeline.
        """
        request = make_cited_question(question, **arguments).to_request(
            parse_filter=self._service.parse_filter, principal=_name_caller(groups)
        )
        return self._answers.ask(request, self._engine)

    @with_keywords(AskArguments, ASK_DEFAULTS)
    def ask_stream(
        self, question: str, *, groups: str | Iterable[str] = (), **arguments: Unpack[AskArguments]
    ) -> Iterator[AnswerPart]:
        """Yield the statements of the answer of `ask`, which takes the same arguments, then the whole of it.

        Raises:
            InputError: as `ask`.
        """
        request = make_cited_question(question, **arguments).to_request(
            parse_filter=self._service.parse_filter, principal=_name_caller(groups)
        )
        return self._answers.ask_stream(request, self._engine)

    @with_old_names
    def count_values(
        self,
        column: str,
        *,
        n: int = 10,
        filter: str = "",  # noqa: A002 - the name it has everywhere
        as_of: Moment | None = None,
        groups: str | Iterable[str] = (),
    ) -> ValueCounts:
        """Return how many of the documents the caller may see have which value of a column.

        Args:
            column: an attribute, or one of the columns every row has, such as `source`.
            n: values wanted, the commonest.
            filter: as of `search`.
            as_of: time, as of `search`.
            groups: of the caller, as of `search`.

        Raises:
            FilterError: there is no such column, or the filter cannot be used.
            QueryError: no value is wanted, or an argument has a wrong value.
        """
        filtered = read_filter_text(filter)
        request = FacetRequest(
            column=read_text("column", column),
            n=read_count("n", n),
            as_of=read_time(as_of),
            filter=self._service.parse_filter(filtered) if filtered else None,
            principal=_name_caller(groups),
        )
        counted = self._engine.count_values(request)
        return make_counts(self.snapshot, counted)

    def show_document(
        self, doc_id: str, *, as_of: Moment | None = None, groups: str | Iterable[str] = ()
    ) -> ShownDocument:
        """Return a document by the chunks that the caller may see, in their order.

        Args:
            doc_id: the document, as hits name it.
            as_of: time, as of `search`.
            groups: of the caller, as of `search`.

        Raises:
            DocumentNotFoundError: the caller sees no such document as of that time.
        """
        request = DocumentRequest(
            doc_id=read_text("doc_id", doc_id), as_of=read_time(as_of), principal=_name_caller(groups)
        )
        return self._engine.show_document(request)

    @with_keywords(SearchArguments, DEFAULTS)
    def search_frame(
        self, query: str, *, groups: str | Iterable[str] = (), **arguments: Unpack[SearchArguments]
    ) -> pd.DataFrame:
        """Return the hits of `search`, which takes the same arguments, as a pandas DataFrame.

        Returns:
            One row a hit, best first: `score`, `title`, `text`, `source`, … and a column for each attribute
            that some hit has; times as UTC timestamps. An attribute with the name of
            another column is `attr.<name>`.

        Raises:
            InputError: as `search`.
            MissingExtraError: pandas is not installed.
        """
        return make_frame(self.search(query, groups=groups, **arguments).hits)

    @with_keywords(OptionArguments, DEFAULTS)
    def search_many(
        self,
        questions: pd.DataFrame,
        *,
        columns: Iterable[str] = (),
        zone: str | None = None,
        **arguments: Unpack[OptionArguments],
    ) -> pd.DataFrame:
        """Return the hits of many questions, each with a time, a filter and groups of its own.

        Every visible row is compared, so the answers are those of single exact searches.

        Args:
            questions: a row a question: `query`, and if wanted `as_of`, `filter` and `groups`, as `search`
                takes them; a missing value asks the latest state (a warning counts such rows), of all rows,
                without groups. Any other column is the caller's own, and stands beside the hits of its row.
            columns: of hits that are wanted besides: `text`, `title`, `source`, `known_from`, `relevance`,
                any other field of `Hit`, and attributes (`attr.<name>` where a field has that name).
            zone: IANA zone of times that name none, such as pandas' naive ones; `None` refuses them.
            arguments: `k`, `mode`, `granularity`, `ranking` and `rerank` of each question, as `search` takes
                them.

        Returns:
            One row a hit: `question` (the label of the row that asked), `rank` from 1, `chunk_id`, `doc_id`,
            `score`, `dense`, `lexical`, `reranked`, then what `columns` names, then the caller's own; best
            first, in the order of the questions.

        Raises:
            InputError: a question, time or filter cannot be used, or no row has such an attribute; says why.
        """
        options = replace(make_options(**arguments), exact=True)
        asked = read_frame(questions, options=options, columns=columns, zone=zone)
        parse_filter = lru_cache(maxsize=None)(self._service.parse_filter)  # one filter is one mask
        requests = [
            question.to_request(parse_filter=parse_filter, principal=_name_caller(groups))
            for question, groups in zip(asked.questions, asked.groups, strict=True)
        ]
        if not asked.columns:
            return asked.make_answers(ManyHits(table=self._engine.search_many(requests)))
        with explaining_columns(asked.columns):
            return asked.make_answers(self._engine.search_columns(requests, columns=asked.columns))

    def _ask(self, question: Question, groups: str | Iterable[str]) -> SearchResponse:
        request = question.to_request(parse_filter=self._service.parse_filter, principal=_name_caller(groups))
        return self._engine.search(request)


def open_collection(
    store: str | Path = "", *, collection: str = "", snapshot: str = "live"
) -> LocalCollection:
    """Open a published collection in this process.

    Opening reads and checks every byte the snapshot needs and loads the model; keep what it returns and ask
    it many times.

    Args:
        store: folder or `s3://bucket/prefix`; empty takes `EAGLERAY_STORE`.
        collection: its name; empty takes `EAGLERAY_COLLECTION`.
        snapshot: alias, id, or the first 8 digits of an id.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the snapshot needs is damaged.
        QueryError: an argument is not text.
    """
    collection, snapshot = read_text("collection", collection), read_text("snapshot", snapshot)
    settings = load_named(store=read_place("store", store), collection=collection)
    service = INDEX.load(settings)
    with without_widget_notices():
        engine = service.open_engine(snapshot=snapshot)
    return LocalCollection(engine, service, ANSWERS.load(settings), name=settings.collection)


def _name_caller(groups: str | Iterable[str]) -> Principal:
    return Principal(subject="local", groups=read_groups(groups))
