"""Questions that teach relevance: some that a collection answers, and the same where it does not.

A question is made of a row: words of its title, and words that follow each other in one of its sentences, in
one of the frames in which people ask. The row's document answers it. The same question is asked of all other
rows, without the documents of that title, too: then nothing answers, however alike the rest is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eagleray.chunking.sentences import pick_sentence
from eagleray.contracts.filters import Compare, Comparison, Not
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.principals import Principal
from indexes.evaluation.general_questions import FRAMES
from indexes.evaluation.known_items import draw_rows, select_visible
from indexes.evaluation.probes import make_generator
from indexes.lexical.analysis import ENGLISH
from indexes.segments.view import SegmentView

_SPARE: Final = 4
"""Rows drawn for each question: some hold too few words."""

_LEAST_TITLE_WORDS: Final = 2
_MOST_TITLE_WORDS: Final = 5
_LEAST_WORDS: Final = 3
_MOST_WORDS: Final = 7

_WIDEST_GAP: Final = 12
"""Characters between two words of a question at most: more stands where a column of a table ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnQuestion:
    """A question that a document of the collection answers.

    Attributes:
        query: in words.
        doc_id: the document.
        title: of the document, words of which name it in the question; empty where none do.
    """

    query: str
    doc_id: str
    title: str

    def ask(self, principal: Principal) -> SearchRequest:
        """Return the question to all rows."""
        return SearchRequest(query=self.query, principal=principal)

    def ask_others(self, principal: Principal) -> SearchRequest | None:
        """Return the question to the rows of other titles; `None` where it names no title."""
        if not self.title:
            return None
        mine = Compare(column="title", op=Comparison.EQ, value=self.title)
        return SearchRequest(query=self.query, principal=principal, filter=Not(operand=mine))


def make_own_questions(
    segments: Sequence[SegmentView], *, snapshot: str, principal: Principal, n: int
) -> list[OwnQuestion]:
    """Return questions made of rows that are known now and that the caller may see.

    They name their documents, unless too few of these have titles.

    Args:
        segments: of the snapshot, patches applied.
        snapshot: its id, which decides all that is drawn: the same questions each time.
        principal: the caller.
        n: questions wanted; fewer come back where fewer rows make one.
    """
    rng = make_generator(snapshot)
    selections = [select_visible(view, principal) for view in segments]
    named: list[OwnQuestion] = []
    others: list[OwnQuestion] = []
    for part, row in draw_rows(selections, rng, n=n * _SPARE):
        rows = segments[part].rows
        asked = _write_question(rows["text"][row].as_py().lstrip(), rng)
        title, document = rows["title"][row].as_py(), rows["doc_id"][row].as_py()
        name = _write_name(title, rng)
        if asked and name:
            named.append(OwnQuestion(query=f"{name}: {asked}", doc_id=document, title=title))
        elif asked:
            others.append(OwnQuestion(query=asked, doc_id=document, title=""))
        if len(named) == n:
            break
    return named if len(named) >= n // 2 else [*named, *others][:n]


def _write_question(text: str, rng: np.random.Generator) -> str:
    """Return the question of a row; empty where its sentence has too few words that follow each other."""
    sentence = pick_sentence(text, int(rng.integers(1 << 31)))
    runs = [run for run in _list_runs(sentence) if len(run) >= _LEAST_WORDS]
    if not runs:
        return ""
    run = runs[int(rng.integers(len(runs)))]
    n = min(len(run), int(rng.integers(_LEAST_WORDS, _MOST_WORDS + 1)))
    first = int(rng.integers(len(run) - n + 1))
    words = sentence[run[first][0] : run[first + n - 1][1]]
    return FRAMES[int(rng.integers(len(FRAMES)))].format(words)


def _write_name(title: str, rng: np.random.Generator) -> str:
    """Return words of a title as they stand there; empty where it has none."""
    words = sorted({(token.start, token.end) for token in ENGLISH.find_tokens(title)})
    n = min(len(words), int(rng.integers(_LEAST_TITLE_WORDS, _MOST_TITLE_WORDS + 1)))
    chosen = np.sort(rng.permutation(len(words))[:n])
    return " ".join(title[slice(*words[place])] for place in chosen)


def _list_runs(sentence: str) -> Iterator[list[tuple[int, int]]]:
    """Yield where words of letters stand that follow each other."""
    run: list[tuple[int, int]] = []
    for token in ENGLISH.find_tokens(sentence):
        if run and token.start < run[-1][1]:
            continue  # part of a compound
        is_near = not run or token.start - run[-1][1] <= _WIDEST_GAP
        between = sentence[run[-1][1] : token.start] if run else ""
        if run and (not is_near or "|" in between or not token.surface.isalpha()):
            yield run
            run = []
        if token.surface.isalpha():
            run.append((token.start, token.end))
    if run:
        yield run
