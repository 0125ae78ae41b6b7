"""A statement beside what it cites, both read once for all rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eagleray.contracts.cited_answers import Citation, CitedKind
from serve.agents.verification.cells import SourceFigure, read_source, split_cells
from serve.agents.verification.clauses import associate, find_contexts
from serve.agents.verification.figures import Figure
from serve.agents.verification.periods import Period, find_periods
from serve.agents.verification.wording import Wording, find_content, read_wording, split_words


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedText:
    """What is cited.

    Attributes:
        citation: itself.
        text: what it quotes, with the title and heading it stands under.
        wording: of that.
        sentence: wording of what it quotes alone.
        figures: that it has.
        periods: that it speaks of, title included.
        label: wording of a row's label; that of nothing for a sentence.
        naming: stems of the words of a row's section and label.
        cells: stems of the words of a row's other cells.
        qualifiers: of the wording, and of what is said of the scale.
    """

    citation: Citation
    text: str
    wording: Wording
    sentence: Wording
    figures: tuple[SourceFigure, ...]
    periods: tuple[Period, ...]
    label: Wording
    naming: frozenset[str]
    cells: frozenset[str]
    qualifiers: frozenset[str]

    @property
    def is_row(self) -> bool:
        """Whether a row of a table is cited."""
        return self.citation.kind is CitedKind.ROW


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A statement and its sources.

    Attributes:
        claim: its text.
        wording: of the claim.
        figures: of the claim, each with its period or `None`; years are periods.
        contexts: stems of the words around each figure.
        periods: that the claim speaks of.
        sources: what it cites.
    """

    claim: str
    wording: Wording
    figures: tuple[tuple[Figure, Period | None], ...]
    contexts: tuple[frozenset[str], ...]
    periods: tuple[Period, ...]
    sources: tuple[CitedText, ...]


def read_case(claim: str, citations: Sequence[Citation]) -> Case:
    """Return a statement beside what it cites."""
    figures = tuple(associate(claim))
    return Case(
        claim=claim,
        wording=read_wording(claim),
        figures=figures,
        contexts=tuple(find_contexts(claim, [figure for figure, _ in figures])),
        periods=tuple(find_periods(claim)),
        sources=tuple(map(_read_source, citations)),
    )


def _read_source(citation: Citation) -> CitedText:
    text = "\n".join((citation.title, citation.heading, citation.quotation))
    wording = read_wording(text)
    label, *cells = [""]
    if citation.kind is CitedKind.ROW:
        label, *cells = [cell for cell in split_cells(citation.text) if cell] or [""]
    return CitedText(
        citation=citation,
        text=text,
        wording=wording,
        sentence=read_wording(citation.quotation),
        figures=tuple(read_source(citation)),
        periods=tuple(find_periods(text)),
        label=read_wording(label),
        naming=read_wording(f"{citation.section}\n{label}").content if label else frozenset(),
        cells=find_content(split_words(" ".join(cells))),
        qualifiers=wording.qualifiers | read_wording(citation.scale_note).qualifiers,
    )
