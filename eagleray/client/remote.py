"""The client of a served collection that blocks, with the methods of the one in this process.

Written by `make sync-client` from `remote_async.py`: change that file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, Unpack

from eagleray.client.batches import cut_batches, explaining_columns, list_unseen, read_frame, refuse_groups
from eagleray.client.choices import (
    Moment,
    read_count,
    read_filter_text,
    read_text,
    read_texts,
    read_time,
)
from eagleray.client.cited_questions import ASK_DEFAULTS, AskArguments, CitedQuestion, make_cited_question
from eagleray.client.connection import ServerConnection, Transport
from eagleray.client.conversation import Retrying
from eagleray.client.frames import make_frame
from eagleray.client.keywords import with_keywords, with_old_names
from eagleray.client.operations import (
    Written,
    describe_ask,
    describe_batch,
    describe_counts,
    describe_document,
    describe_removal,
    describe_search,
    describe_upsert,
)
from eagleray.client.questions import (
    DEFAULTS,
    OptionArguments,
    Question,
    SearchArguments,
    make_options,
    make_question,
)
from eagleray.contracts.cited_answers import AnswerPart, CitedAnswer
from eagleray.contracts.facets import ValueCounts
from eagleray.contracts.hits import FacetRequest, SearchResponse
from eagleray.contracts.many_hits import HitGathering
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument

if TYPE_CHECKING:
    import pandas as pd

    from eagleray.client.endpoints import Endpoint


class RemoteCollection:
    """A collection that a server has; the server follows an alias, unless a snapshot is named.

    The server knows the caller by the key, so there are no groups to give. Safe to share between threads.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        *,
        snapshot: str = "",
        timeout_s: float = 30.0,
        retrying: Retrying | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the parts; `eagleray.connect` makes them.

        Args:
            endpoint: where the collection is.
            transport: that carries requests there.
            snapshot: whole id of the one that must answer; empty for the one that is served.
            timeout_s: seconds of a call that names none, retries with it.
            retrying: decides about further attempts.
            sleep: waits for so many seconds.
        """
        self._snapshot = snapshot
        self._connection = ServerConnection(
            endpoint, transport, timeout_s=timeout_s, retrying=retrying or Retrying(), sleep=sleep
        )

    @property
    def name(self) -> str:
        """The collection's name."""
        return self._connection.endpoint.collection

    def __repr__(self) -> str:
        pinned = f", snapshot {self._snapshot[:12]}" if self._snapshot else ""
        return f"<RemoteCollection {self.name!r} at {self._connection.endpoint.url}{pinned}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections; nothing can be asked afterwards."""
        self._connection.close()

    @with_keywords(SearchArguments, DEFAULTS)
    def search(
        self, query: str, *, timeout_s: float | None = None, **arguments: Unpack[SearchArguments]
    ) -> SearchResponse:
        """Return the best documents, each by its best chunk, or the best chunks.

        Args:
            query: the question in words; "words in quotes" count as a phrase, too, and `begin*` for all
                words that begin so.
            timeout_s: seconds the answer may take, retries with it; `None` takes the client's.
            arguments: those of `LocalCollection.search`, without `groups`; a server gives at most 1,000 hits.

        Returns:
            `hits`, best first, and `explanation`: which snapshot answered, and how.

        Raises:
            InputError: the question, the time or the filter cannot be used, or the key is not known.
            ForbiddenError: the caller has no role that may search.
            OverloadedError, DeadlineError: the server has too much to do; the time is over.
            UnreachableError: nothing answers there.
            EagleRayError: whatever else the server said.
        """
        question = make_question(query, snapshot=self._snapshot, **arguments)
        return self.search_question(question, timeout_s=timeout_s)

    @with_keywords(SearchArguments, DEFAULTS)
    def more_like(
        self, doc_id: str, *, timeout_s: float | None = None, **arguments: Unpack[SearchArguments]
    ) -> SearchResponse:
        """Return the documents most like one the caller may see; arguments and answer as of `search`.

        Raises:
            DocumentNotFoundError: the caller sees no such document as of that time.
            EagleRayError: as `search`.
        """
        question = make_question(like=doc_id, snapshot=self._snapshot, **arguments)
        return self.search_question(question, timeout_s=timeout_s)

    @with_keywords(SearchArguments, DEFAULTS)
    def search_batch(
        self, queries: Sequence[str], *, timeout_s: float | None = None, **arguments: Unpack[SearchArguments]
    ) -> tuple[SearchResponse, ...]:
        """Return the answers to many questions, all from one snapshot.

        Args:
            queries: the questions in words, at most 256; a server gives at most 10,000 hits together.
            timeout_s: seconds all may take together.
            arguments: of each question, as of `search`.

        Returns:
            What `search` returns, for each question in their order.

        Raises:
            EagleRayError: as `search`; where one question cannot be answered, none is.
        """
        questions = [
            make_question(query, snapshot=self._snapshot, **arguments)
            for query in read_texts("queries", queries)
        ]
        return self.search_questions(questions, timeout_s=timeout_s) if questions else ()

    @with_keywords(AskArguments, ASK_DEFAULTS)
    def ask(
        self, question: str, *, timeout_s: float | None = None, **arguments: Unpack[AskArguments]
    ) -> CitedAnswer:
        """Return an answer with citations: sentences and rows that stand in what the caller may see.

        Args:
            question: in words.
            timeout_s: seconds the answer may take, retries with it; `None` takes the client's.
            arguments: those of `LocalCollection.ask`, without `groups`; a server reads at most 100 passages.

        Raises:
            EagleRayError: as `search`.
        """
        asked = make_cited_question(question, snapshot=self._snapshot, **arguments)
        return self.answer_question(asked, timeout_s=timeout_s)

    @with_keywords(AskArguments, ASK_DEFAULTS)
    def ask_stream(
        self, question: str, *, timeout_s: float | None = None, **arguments: Unpack[AskArguments]
    ) -> Iterator[AnswerPart]:
        """Yield the statements of the answer of `ask`, then the whole of it; nothing is tried again.

        Args:
            question: in words.
            timeout_s: seconds the answer may take; `None` takes the client's.
            arguments: as of `ask`.

        Raises:
            EagleRayError: as `search`, before the first statement or between two.
        """
        asked = make_cited_question(question, snapshot=self._snapshot, **arguments)
        return self._connection.stream_answer(asked, self._connection.choose_time(timeout_s))

    @with_old_names
    def count_values(
        self,
        column: str,
        *,
        n: int = 10,
        filter: str = "",  # noqa: A002 - the name it has everywhere
        as_of: Moment | None = None,
        timeout_s: float | None = None,
    ) -> ValueCounts:
        """Return how many of the documents the caller may see have which value of a column.

        Args:
            column: an attribute, or one of the columns every row has, such as `source`.
            n: values wanted, the commonest; a server gives at most 1,000.
            filter: as of `search`.
            as_of: time, as of `search`.
            timeout_s: seconds the answer may take, retries with it; `None` takes the client's.

        Raises:
            FilterError: there is no such column, or the filter cannot be used.
            EagleRayError: as `search`.
        """
        request = FacetRequest(
            column=read_text("column", column), n=read_count("n", n), as_of=read_time(as_of)
        )
        filtered = read_filter_text(filter)
        operation = describe_counts(request, filter_text=filtered, snapshot=self._snapshot)
        return self._connection.carry(operation, timeout_s)

    def show_document(
        self, doc_id: str, *, as_of: Moment | None = None, timeout_s: float | None = None
    ) -> ShownDocument:
        """Return a document by the chunks that the caller may see, in their order.

        Args:
            doc_id: the document, as hits name it.
            as_of: time, as of `search`.
            timeout_s: seconds the answer may take, retries with it; `None` takes the client's.

        Raises:
            DocumentNotFoundError: the caller sees no such document as of that time.
            EagleRayError: as `search`.
        """
        request = DocumentRequest(doc_id=read_text("doc_id", doc_id), as_of=read_time(as_of))
        return self._connection.carry(describe_document(request, snapshot=self._snapshot), timeout_s)

    @with_keywords(SearchArguments, DEFAULTS)
    def search_frame(
        self, query: str, *, timeout_s: float | None = None, **arguments: Unpack[SearchArguments]
    ) -> pd.DataFrame:
        """Return the hits of `search`, which takes the same arguments, as a pandas DataFrame.

        Returns:
            One row a hit, best first, with the columns that `LocalCollection.search_frame` gives.

        Raises:
            EagleRayError: as `search`.
            MissingExtraError: pandas is not installed.
        """
        response = self.search(query, timeout_s=timeout_s, **arguments)
        return make_frame(response.hits)

    @with_keywords(OptionArguments, DEFAULTS)
    def search_many(
        self,
        questions: pd.DataFrame,
        *,
        columns: Iterable[str] = (),
        zone: str | None = None,
        timeout_s: float | None = None,
        **arguments: Unpack[OptionArguments],
    ) -> pd.DataFrame:
        """Return the hits of many questions, each with a time and a filter of its own, from one snapshot.

        They are asked in parts of at most 256 questions and 10,000 hits, one after the other.

        Args:
            questions: as `LocalCollection.search_many` takes them, but without `groups`.
            columns: of hits that are wanted besides, as there.
            zone: of times that name none, as there.
            timeout_s: seconds each part may take, retries with it; `None` takes the client's.
            arguments: of each question, as there.

        Returns:
            What `LocalCollection.search_many` returns.

        Raises:
            EagleRayError: as `search`; where one question cannot be answered, none is.
        """
        options = replace(make_options(**arguments), exact=True)
        asked = read_frame(questions, options=options, columns=columns, zone=zone)
        refuse_groups(asked)
        gathering, snapshot = HitGathering(asked.columns), self._snapshot
        for part in cut_batches(asked.questions):
            answers = self._connection.carry(describe_batch(part, snapshot=snapshot), timeout_s)
            snapshot = answers[0].explanation.snapshot
            for answer in answers:
                gathering.add(answer.hits)
        hits = gathering.finish()
        with explaining_columns(asked.columns):
            for name in list_unseen(hits):  # the server knows whether there is such an attribute
                request = FacetRequest(column=name, n=1)
                self._connection.carry(describe_counts(request, filter_text="", snapshot=snapshot), timeout_s)
        return asked.make_answers(hits)

    def search_question(self, question: Question, *, timeout_s: float | None = None) -> SearchResponse:
        """Return the answer to a question as the server takes it; `search` makes one of its arguments.

        Args:
            question: what is asked.
            timeout_s: seconds the answer may take, retries with it; `None` takes the client's.

        Raises:
            EagleRayError: as `search`.
        """
        return self._connection.carry(describe_search(question), timeout_s)

    def search_questions(
        self, questions: Sequence[Question], *, timeout_s: float | None = None
    ) -> tuple[SearchResponse, ...]:
        """Return the answers to questions as the server takes them; `search_batch` makes them of texts.

        Raises:
            EagleRayError: as `search_batch`.
        """
        return self._connection.carry(describe_batch(questions, snapshot=self._snapshot), timeout_s)

    def answer_question(self, asked: CitedQuestion, *, timeout_s: float | None = None) -> CitedAnswer:
        """Return the answer to a question as the server takes it; `ask` makes one of its arguments.

        Raises:
            EagleRayError: as `ask`.
        """
        return self._connection.carry(describe_ask(asked), timeout_s)

    def upsert(
        self,
        documents: Sequence[Mapping[str, Any]],
        *,
        wait_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Written:
        """Write versions of documents, all or none; when this returns, they are published.

        Args:
            documents: at most 100, each as `POST /collections/NAME/documents` takes it: `doc_id`, `text`, ….
            wait_s: seconds the answer waits at most until searches find the change (`is_searchable`); 0 for
                not at all, `None` takes the server's default.
            timeout_s: seconds it may take, retries with it; `None` takes the client's.

        Raises:
            ForbiddenError: the caller has no role that may write.
            EagleRayError: as `search`; where one document cannot be written, none is.
        """
        return self._connection.carry(describe_upsert(documents, wait_s=wait_s), timeout_s)

    def delete(
        self, doc_ids: Sequence[str], *, wait_s: float | None = None, timeout_s: float | None = None
    ) -> Written:
        """Close documents from now on; what was known before is still found as of then.

        Args:
            doc_ids: at most 100; those that are not there are none the more.
            wait_s: as of `upsert`.
            timeout_s: as of `upsert`.

        Raises:
            EagleRayError: as `upsert`.
        """
        return self._connection.carry(
            describe_removal(read_texts("doc_ids", doc_ids), wait_s=wait_s), timeout_s
        )
