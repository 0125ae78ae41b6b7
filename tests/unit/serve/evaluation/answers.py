"""Answers of a small report, and what is known of its questions."""

from __future__ import annotations

from dataclasses import replace

from eagleray.contracts.cited_answers import CitedAnswer, Statement, TokenUsage
from serve.agents.citations import make_citations
from serve.agents.passage_units import list_units
from tests.unit.serve.agents.passages import make_found, make_table_hit, make_text_hit

FOUND = make_found(make_text_hit(), make_table_hit(), make_table_hit(chunk_id=9))
"""Finds the document `text`, then `table` twice."""

SOLD = "Total sales were $1,496.5 million in 2019."


def make_answer(*said, found=FOUND, pipeline="rag"):
    """Return an answer: each statement a text, or `None` for the quotation, and parts of what it cites."""
    units = list_units(found.hits)
    picked = [[next(unit for unit in units if part in unit.text) for part in parts] for _, *parts in said]
    citations = make_citations(unit for chosen in picked for unit in chosen)
    statements = []
    for (text, *_), chosen in zip(said, picked, strict=True):
        cited = [item for item in citations if any(unit.text in item.text for unit in chosen)]
        numbers = tuple(item.number for item in cited)
        statements.append(Statement(text=text or cited[0].quotation, citations=numbers))
    return CitedAnswer(
        question="What is the amount of total sales in 2019?",
        statements=tuple(statements),
        citations=citations,
        pipeline=pipeline,
        snapshot="5" * 64,
        as_of=None,
        retrieved=found,
        model="small",
        usage=TokenUsage(n_prompt=10, n_completion=5),
    )


def make_nothing():
    """Return an answer that says nothing."""
    return replace(make_answer(), usage=TokenUsage())
