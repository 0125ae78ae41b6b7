"""Known items: questions made of a collection's own rows, for weights where nobody has judged questions.

Each is what somebody may type who looks for a document again that they have read: some words of its title and
some words of one of its sentences. The document is the answer. Words that no other row holds are forgotten,
because they find the document by themselves and tell no weights apart.

Source: Azzopardi, de Rijke and Balog, Building Simulated Queries for Known-Item Topics (SIGIR 2007): a
    document drawn by chance, a question drawn from its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from eagleray.chunking.sentences import pick_sentence
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from indexes.evaluation.fitting import JudgedQuestion
from indexes.evaluation.probes import make_generator
from indexes.lexical.analysis import ENGLISH, LexicalToken
from indexes.lexical.bm25 import count_frequencies
from indexes.masks.timelines import Timeline
from indexes.masks.visibility import is_open_zone, select_readable
from indexes.segments.view import SegmentView
from indexes.selections import IntVector, Selection, select_none

N_TITLE_WORDS: Final = 3
"""Words of the title: enough to name a company and a year, or a kind of document, seldom the whole title."""

N_WORDS: Final = 4
"""Words of the sentence; `benchmarks.known_items` measures what such questions are worth."""

_SPARE: Final = 4
"""Rows drawn for each question: some, such as rows of figures, have no sentence with so many words."""

_BLOCK_ROWS: Final = 1 << 20

FindFrequencies = Callable[[Sequence[str]], Counter[str]]


def make_known_items(
    segments: Sequence[SegmentView], *, snapshot: str, principal: Principal, n: int
) -> list[JudgedQuestion]:
    """Return questions made of rows that are known now and that the caller may see.

    Args:
        segments: of the snapshot, patches applied.
        snapshot: its id, which decides all that is drawn: the same questions each time.
        principal: the caller, who asks them, too.
        n: questions wanted; fewer come back where fewer rows make one.
    """
    rng = make_generator(snapshot)
    selections = [select_visible(view, principal) for view in segments]

    def find_frequencies(terms: Sequence[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        for view, selection in zip(segments, selections, strict=True):
            found.update(count_frequencies(view.postings[TextField.BODY], terms, selection))
        return found

    questions: list[JudgedQuestion] = []
    for part, row in draw_rows(selections, rng, n=n * _SPARE):
        query = _write_query(segments[part], row, find_frequencies, rng)
        if query:
            document = segments[part].rows["doc_id"][row].as_py()
            request = SearchRequest(query=query, principal=principal)
            questions.append(JudgedQuestion(request=request, relevant={document: 1.0}))
        if len(questions) == n:
            break
    return questions


def select_visible(view: SegmentView, principal: Principal) -> Selection:
    """Return the rows that are known now and that the caller may see."""
    if not is_open_zone(view, principal):
        return select_none(view.n_rows)
    return Timeline(view.known_from, view.known_to).select(None).restrict(select_readable(view, principal))


def draw_rows(
    selections: Sequence[Selection], rng: np.random.Generator, *, n: int
) -> Iterator[tuple[int, int]]:
    """Yield distinct rows by chance: numbers of segment and row; all of them where there are no more."""
    rows = [_list_rows(selection) for selection in selections]
    bounds = np.cumsum([0, *(len(some) for some in rows)])
    for number in rng.choice(int(bounds[-1]), size=min(n, int(bounds[-1])), replace=False):
        part = int(np.searchsorted(bounds, number, side="right")) - 1
        yield part, int(rows[part][number - bounds[part]])


def _list_rows(selection: Selection) -> IntVector:
    return np.concatenate([np.empty(0, dtype=np.int64), *selection.iterate_rows(_BLOCK_ROWS)])


def _write_query(
    view: SegmentView, row: int, find_frequencies: FindFrequencies, rng: np.random.Generator
) -> str:
    """Return the question of a row; empty where no sentence of it has enough words that other rows hold."""
    title = view.rows["title"][row].as_py()
    sentence = pick_sentence(view.rows["text"][row].as_py().lstrip(), int(rng.integers(1 << 31)))
    words = _list_words(sentence)
    frequencies = find_frequencies(list(words)) if words else Counter()
    shared = [word for term, word in words.items() if frequencies[term] > 1]
    if len(shared) < N_WORDS:
        return ""
    named = _pick_words(title, _list_words(title).values(), rng, n=N_TITLE_WORDS)
    return " ".join([*named, *_pick_words(sentence, shared, rng, n=N_WORDS)])


def _list_words(text: str) -> dict[str, LexicalToken]:
    """Return the first word of each term."""
    words: dict[str, LexicalToken] = {}
    for token in ENGLISH.find_tokens(text):
        words.setdefault(token.term, token)
    return words


def _pick_words(text: str, words: Iterable[LexicalToken], rng: np.random.Generator, *, n: int) -> list[str]:
    """Return at most `n` words by chance, as they stand in the text and in its order."""
    held = sorted({(word.start, word.end) for word in words})
    chosen = np.sort(rng.permutation(len(held))[:n])
    return [text[slice(*held[place])] for place in chosen]
