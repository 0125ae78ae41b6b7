"""The arguments of the agent's tools: checked here, whatever the model's server says of them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eagleray.contracts.bounds import MAX_NAME
from serve.agents.agentic.scope import SearchCall

MAX_WORDS: Final = 1_000
MAX_SENTENCES: Final = 8
MAX_CITED: Final = 6
"""Labels that one sentence may cite."""

_AS_OF: Final = "ISO 8601, no later than the time of the question; empty: that time."
_Words = Annotated[str, Field(max_length=MAX_WORDS)]
_Name = Annotated[str, Field(max_length=MAX_NAME)]


class AgentArguments(BaseModel):
    """Of a tool; nothing else is taken, and no value is turned into one of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AgentSearchArguments(AgentArguments):
    """Of `search`."""

    query: str = Field(min_length=1, max_length=MAX_WORDS, description="In words.")
    filter: _Words = Field(default="", description='Rows that answer: year >= 2019 and source = "notes".')
    as_of: _Name = Field(default="", description=_AS_OF)
    k: int = Field(default=6, ge=1, le=10, description="Passages at most.")

    def to_call(self) -> SearchCall:
        """Return what is searched for."""
        return SearchCall(query=self.query, k=self.k, as_of=self.as_of, filter=self.filter)


class OpenArguments(AgentArguments):
    """Of `open`."""

    document: str = Field(min_length=1, max_length=MAX_NAME, description="Id, as results give it.")
    page: int | None = Field(default=None, ge=0, description="The only page wanted.")
    after: str = Field(default="", max_length=16, description="Id of the last unit read, such as U12.")
    as_of: _Name = Field(default="", description=_AS_OF)


class TableArguments(AgentArguments):
    """Of `table_lookup`."""

    label: str = Field(min_length=1, max_length=MAX_WORDS, description="What the row is called.")
    column: _Words = Field(default="", description="What the column is called: 2019. Empty: every one.")
    about: _Words = Field(default="", description="What the table is about, such as a company.")
    document: _Name = Field(default="", description="Id of the only document that is looked through.")
    as_of: _Name = Field(default="", description=_AS_OF)


class CalculateArguments(AgentArguments):
    """Of `calculate`."""

    expression: str = Field(
        min_length=3,
        max_length=400,
        description="Cells by id and number, such as (U3.1 - U3.2) / U3.2; also the numbers 1 to 12 and 100.",
    )
    as_percent: bool = Field(default=False, description="Whether the result is a share, shown in percent.")
    digits: int = Field(default=2, ge=0, le=12, description="Behind the point at most, rounded once.")


class CompareArguments(AgentArguments):
    """Of `compare`."""

    query: str = Field(min_length=1, max_length=MAX_WORDS, description="What is compared.")
    documents: list[_Name] = Field(default=[], max_length=2, description="Two ids, or none.")
    times: list[_Name] = Field(default=[], max_length=2, description="Two times (ISO 8601), or none.")


class AnswerSentence(AgentArguments):
    """A sentence of an answer; what it cites comes first."""

    cites: list[Annotated[str, Field(max_length=16)]] = Field(min_length=1, max_length=MAX_CITED)
    text: str = Field(min_length=1, max_length=MAX_WORDS)


class AnswerArguments(AgentArguments):
    """Of `answer`."""

    sentences: list[AnswerSentence] = Field(
        max_length=MAX_SENTENCES,
        description="Each cites the ids of all units it stands on; none where nothing answers.",
    )


class PlanReply(AgentArguments):
    """What the model sets out to do."""

    steps: list[Annotated[str, Field(max_length=300)]] = Field(max_length=8)


def describe_faults(error: ValidationError) -> str:
    """Return what is wrong with arguments, for the model: places and rules, never what was given."""
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "; ".join(faults[:5])
