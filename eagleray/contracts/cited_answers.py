"""What is asked for an answer with citations, and what it answers.

A search returns hits (`hits`); an answer says what stands in them, and cites it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from eagleray.contracts.documents import AttributeValue
from eagleray.contracts.hits import SearchRequest, SearchResponse

MAX_CITATIONS: Final = 20
"""That an answer may be asked to have."""

N_PASSAGES: Final = 10
"""That are read for an answer, where nothing else is asked for."""

N_CITATIONS: Final = 3
"""That an answer has at most, where nothing else is asked for."""

EXTRACTIVE: Final = "extractive"
"""Name of the pipeline that needs no model."""

RAG: Final = "rag"
"""Name of the pipeline whose sentences a model writes about passages."""

DEFAULT_PIPELINE: Final = ""
"""Names no pipeline: the one that reads with a model answers where there is a model, else `EXTRACTIVE`."""


class CitedKind(StrEnum):
    """What a citation quotes: sentences that follow each other, or a row of a table."""

    SENTENCE = "sentence"
    ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRequest:
    """A question that is to be answered with citations.

    Attributes:
        search: what is searched for: its query is the question; its time, filter, caller and options hold
            for all that the answer says. `k` passages are read.
        pipeline: name of what answers.
        max_citations: that the answer may have, at least 1.
    """

    search: SearchRequest
    pipeline: str = DEFAULT_PIPELINE
    max_citations: int = N_CITATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What a statement stands on: a sentence, or a row of a table, as a document has it.

    Attributes:
        number: from 1, in the order in which the answer cites.
        kind: what is quoted.
        text: the sentence or row, unchanged.
        start: its first character in the document's text.
        end: one past the last.
        header: of a row, the rows that name its columns.
        section: of a row, the row above that names it and its neighbours; or nothing.
        scale_note: what the table or the text around it says of the scale and unit of its figures, such as
            `in millions`; or nothing.
        known_from: microseconds.
        event_time: microseconds, or `None`.
        relevance: of the hit, from 0 to 1.
        attributes: of the document.
    """

    number: int
    kind: CitedKind
    chunk_id: int
    doc_id: str
    version: str
    title: str
    heading: str
    text: str
    start: int
    end: int
    header: tuple[str, ...] = ()
    section: str = ""
    scale_note: str = ""
    page: int | None = None
    source: str = ""
    zone: str = ""
    known_from: int = 0
    event_time: int | None = None
    relevance: float | None = None
    attributes: dict[str, AttributeValue | None] = field(default_factory=dict)

    @property
    def quotation(self) -> str:
        """What is shown of it: a row stands below the rows that name it."""
        return "\n".join(line for line in (*self.header, self.section, self.text) if line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A part of an answer that can be relied on by itself.

    Attributes:
        text: what is said.
        citations: numbers of what it stands on; at least one.
    """

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedStatement:
    """A statement as a stream gives it: checked, with those of its citations that were not given before."""

    statement: Statement
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens that a model read and wrote, over all of its calls."""

    n_prompt: int = 0
    n_completion: int = 0


class NoticeKind(StrEnum):
    """What a reader of an answer is told beside it."""

    INSTRUCTION = "instruction"
    """A document has text that reads like an instruction to a language model; it was not followed."""

    REPLACED = "replaced"
    """What the model wrote is not supported by what it cites; quotations stand in its place, or nothing."""

    WITHOUT_MODEL = "without_model"
    """The model gave nothing that can be used; the answer is that of the pipeline without one."""

    NOT_FOUND = "not_found"
    """What was looked for, where nothing answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNotice:
    """What a reader of an answer should know of it. Attributes: its kind, and a sentence."""

    kind: NoticeKind
    text: str


class StepKind(StrEnum):
    """What a pipeline did: it asked a language model, or called a tool."""

    MODEL = "model"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStep:
    """What a pipeline did for an answer besides its first search, as the audit log keeps it.

    Attributes:
        name: of the model or the tool.
        given: the prompt, or the arguments of the tool, as JSON.
        came: what the model wrote, or the tool returned; of a call that failed, the type of the error.
        chunk_ids: that a tool read, in its order.
    """

    kind: StepKind
    name: str
    given: str
    came: str = ""
    chunk_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedAnswer:
    """An answer; every statement of it cites what it stands on.

    Attributes:
        question: as it was asked.
        statements: in their order; none where nothing was found that answers.
        citations: in the order of their numbers; each is cited by some statement.
        pipeline: name of what answered.
        model: that wrote; empty where none did.
        snapshot: id of the one that answered.
        as_of: microseconds, or `None` for the latest state.
        retrieved: the search that the answer began with: what `AskRequest.search` found, as it is.
        usage: of the model.
        notices: what a reader should know of it.
        steps: how the answer was made, for the audit log; no part of what a caller is given.
    """

    question: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    pipeline: str
    snapshot: str
    as_of: int | None
    retrieved: SearchResponse
    model: str = ""
    usage: TokenUsage = TokenUsage()
    notices: tuple[AnswerNotice, ...] = ()
    steps: tuple[AnswerStep, ...] = field(default=(), repr=False, compare=False)

    @property
    def is_answered(self) -> bool:
        """Whether something was found that answers."""
        return bool(self.statements)

    @property
    def text(self) -> str:
        """The statements, each on a line with the numbers of its citations; or that there are none."""
        lines = [f"{item.text} {''.join(f'[{n}]' for n in item.citations)}" for item in self.statements]
        return "\n".join(lines) or NOTHING_FOUND

    def __str__(self) -> str:
        """Return the text, below it the title and place of each citation, then the notices."""
        places = [
            f"[{item.number}] {item.title or item.doc_id} ({item.source}, characters {item.start}-{item.end})"
            for item in self.citations
        ]
        notices = [f"Note: {item.text}" for item in self.notices]
        return "\n".join([self.text, *([""] if places else []), *places, *notices])


NOTHING_FOUND: Final = "Nothing was found that answers this question."
"""What an answer without statements says."""


AnswerPart = ReleasedStatement | CitedAnswer
"""What a stream gives: statements, in their order, then the whole answer."""
