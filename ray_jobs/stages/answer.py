"""Answer: a partition of questions in, its hits and its dead letters out, as Parquet files.

A file's name holds the digest of its bytes, and a marker is written after the files it names, so a killed job
that starts again neither loses nor repeats an answer.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.digests import digest_bytes
from eagleray.documents.parsing.tables import TableError, TableReader
from eagleray.errors import FilterError, InputError, SourceError
from indexes.runs.markers import Stage
from ray_jobs.plans.questions import QuestionPartition, QuestionPiece
from ray_jobs.sources.questions import read_piece
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.question_rows import Asking, list_rows

ANSWERS: Final = "answers"
DEAD_LETTERS: Final = "dead-letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A question that was set aside: its place in the partition, the kind of fault, and what it is."""

    place: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """A Parquet file of answers or of dead letters, below the target."""

    path: str
    sha256: str
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOutcome:
    """What came of a partition of questions, and the files that hold it."""

    n_questions: int
    n_hits: int
    n_dead_letters: int
    files: tuple[AnswerFile, ...]


class AnswerTask:
    """Answers partitions on one opened snapshot; doing it again writes the same files."""

    def __init__(
        self,
        target: Store,
        source: Store,
        *,
        tables: TableReader,
        engine: SearchEngine,
        asking: Asking,
        max_bytes: int,
    ) -> None:
        self._target, self._source, self._tables = target, source, tables
        self._engine, self._asking = engine, asking
        self._max_bytes = max_bytes

    def __call__(self, payload: QuestionPartition) -> AnswerOutcome:
        """Answer the questions of a partition and return what files hold the answers."""
        key, pieces = payload.key, payload.pieces
        requests, letters, ids = self._read(pieces)
        hits, refused = self._ask(requests)
        letters = sorted([*letters, *refused], key=lambda letter: letter.place)
        told = _tell(letters, pieces, source=self._source.url)
        return AnswerOutcome(
            n_questions=payload.n_rows,
            n_hits=hits.num_rows,
            n_dead_letters=len(letters),
            files=tuple(
                self._write(name, key, _number(table, ids, first=payload.first))
                for name, table in ((ANSWERS, hits), (DEAD_LETTERS, told))
                if name == ANSWERS or table.num_rows
            ),
        )

    def _read(
        self, pieces: Sequence[QuestionPiece]
    ) -> tuple[dict[int, SearchRequest], list[Letter], pa.ChunkedArray | None]:
        """Return the requests by their places in the partition, what cannot be asked, and the ids."""
        requests: dict[int, SearchRequest] = {}
        letters: list[Letter] = []
        ids: list[pa.ChunkedArray | None] = []
        place = 0
        for piece in pieces:
            n_rows = piece.end - piece.start
            try:
                table = read_piece(self._source, piece, self._tables)
                rows = list_rows(table)
            except (TableError, pa.ArrowException, ValueError) as error:
                table, rows = None, []
                detail = f"its rows cannot be read: {error}"
                letters += [
                    Letter(place=place + row, reason=SourceError.__name__, detail=detail)
                    for row in range(n_rows)
                ]
            for number, row in enumerate(rows, start=place):
                try:
                    requests[number] = self._asking.make_request(row)
                except InputError as error:
                    letters.append(Letter(place=number, reason=type(error).__name__, detail=str(error)))
            ids.append(_pick_ids(table, n_rows))
            place += n_rows
        return requests, letters, _join_ids(ids)

    def _ask(self, requests: dict[int, SearchRequest]) -> tuple[pa.Table, list[Letter]]:
        """Return the hits, `question` a place in the partition, and what the snapshot refused."""
        refusals = self._try_filters(requests.values())
        refused = {
            place: refusals[repr(request.filter)]
            for place, request in requests.items()
            if repr(request.filter) in refusals
        }
        asked = {place: request for place, request in requests.items() if place not in refused}
        parts = self._ask_parts(list(asked), list(asked.values()), refused)
        empty = self._search([])
        letters = [
            Letter(place=place, reason=type(error).__name__, detail=str(error))
            for place, error in refused.items()
        ]
        return pa.concat_tables([empty, *parts]), letters

    def _try_filters(self, requests: Iterable[SearchRequest]) -> dict[str, InputError]:
        """Return why filters do not fit the snapshot, by how they are written; each is tried once."""
        distinct: dict[str, FilterExpression] = {
            repr(request.filter): request.filter for request in requests if request.filter is not None
        }
        refusals: dict[str, InputError] = {}
        for name, expression in distinct.items():
            try:
                self._search([SearchRequest(query="a", k=1, mode=SearchMode.LEXICAL, filter=expression)])
            except FilterError as error:
                refusals[name] = error
        return refusals

    def _ask_parts(
        self, places: list[int], requests: list[SearchRequest], refused: dict[int, InputError]
    ) -> list[pa.Table]:
        """Return the hits of questions, halved until what cannot be asked stands alone and is refused."""
        try:
            table = self._search(requests)
        except InputError as error:
            if len(requests) == 1:
                refused[places[0]] = error
                return []
            half = len(requests) // 2
            return [
                *self._ask_parts(places[:half], requests[:half], refused),
                *self._ask_parts(places[half:], requests[half:], refused),
            ]
        own = np.array(places, dtype=np.int64)[table["question"].to_numpy()]
        return [table.set_column(0, table.schema.field("question"), pa.array(own))]

    def _search(self, requests: list[SearchRequest]) -> pa.Table:
        return self._engine.search_many(requests, max_bytes=self._max_bytes, n_threads=1)

    def _write(self, kind: str, key: str, table: pa.Table) -> AnswerFile:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd", store_schema=True)
        data = sink.getvalue()
        digest = digest_bytes(data)
        path = f"{kind}/{key}-{digest[:16]}.parquet"
        self._target.write(path, data)
        return AnswerFile(path=path, sha256=digest, n_rows=table.num_rows)


def make_answer_stage(
    target: Store, partitions: Iterable[QuestionPartition], make_task: Callable[[], AnswerTask]
) -> StageSpec[QuestionPartition, AnswerOutcome]:
    """Return the stage that answers partitions; one whose files are gone is answered again."""
    return StageSpec(
        name=Stage.ANSWER,
        payloads=tuple(partitions),
        make_task=make_task,
        outcome=AnswerOutcome,
        keeps_task=True,
        is_intact=partial(has_files, target),
    )


def has_files(store: Store, outcome: AnswerOutcome) -> bool:
    """Return whether all files of a partition's answers are there."""
    return all(store.exists(file.path) for file in outcome.files)


def _tell(letters: Sequence[Letter], pieces: Sequence[QuestionPiece], *, source: str) -> pa.Table:
    """Return dead letters as a table: where each question stands, and what is wrong with it."""
    spots = [(piece.path, piece.first_row + row) for piece in pieces for row in range(piece.start, piece.end)]
    return pa.table(
        {
            "question": pa.array([letter.place for letter in letters], pa.int64()),
            "source": pa.array([f"{source}/{spots[letter.place][0]}" for letter in letters], pa.string()),
            "row": pa.array([spots[letter.place][1] + 1 for letter in letters], pa.int64()),
            "reason": pa.array([letter.reason for letter in letters], pa.string()),
            "detail": pa.array([letter.detail for letter in letters], pa.string()),
        }
    )


def _number(table: pa.Table, ids: pa.ChunkedArray | None, *, first: int) -> pa.Table:
    """Return a table whose `question` counts over all files, with the questions' own ids beside it."""
    places = table["question"].to_numpy()
    numbered = table.set_column(0, table.schema.field("question"), pa.array(places + first, pa.int64()))
    if ids is None:
        return numbered
    return numbered.add_column(1, pa.field("id", ids.type), ids.take(pa.array(places)).combine_chunks())


def _pick_ids(table: pa.Table | None, n_rows: int) -> pa.ChunkedArray | None:
    if table is None:
        return pa.chunked_array([pa.nulls(n_rows)])
    return table["id"] if "id" in table.column_names else None


def _join_ids(parts: Sequence[pa.ChunkedArray | None]) -> pa.ChunkedArray | None:
    """Return the ids of all pieces; pieces that could not be read have none."""
    kinds = {part.type for part in parts if part is not None and not pa.types.is_null(part.type)}
    if not kinds:
        return None
    (kind,) = kinds
    return pa.chunked_array([chunk for part in parts if part is not None for chunk in part.cast(kind).chunks])
