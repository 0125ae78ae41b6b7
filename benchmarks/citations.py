"""Does the verifier deliver anything that its citation does not hold, and how much of the rest does it drop?

    python -m benchmarks.citations --n 10000 --seed 1 [CORPUS_DIR]

Statements are written about rows and sentences of a judged corpus, as a model would write them: quotations,
figures in other scales, rounded, with their periods, differences and growth calculated. Half of them are then
falsified: another digit, scale, currency, period or sign, another row's name, a name that is not there, a
denial or its removal, the other direction, another document's citation. What is true is known by how a
statement was made, not by how the verifier reads it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks.reporting import show_result
from eagleray.contracts.cited_answers import Citation
from eagleray.contracts.hits import Hit
from eagleray.contracts.times import OPEN_END
from serve.agents.citations import make_citations
from serve.agents.passage_units import list_units
from serve.agents.verification import Outcome, verify

_CORPUS: Final = Path(__file__).parents[1].parent / "shared" / "corpora" / "tatqa"
_CELL: Final = re.compile(r"\$?\s?(\d{1,3}(?:,\d{3})*(?:\.\d+)?)")
_MILLION: Final = re.compile(r"\$(\d{1,3}(?:\.\d{1,3})?) million")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z ,'\-]{5,60}")
_SCALES: Final = {"thousands": 10**3, "millions": 10**6}
_NAMES: Final = ("Zephyr Holdings", "Northwind Traders", "Contoso Bank")
_MOST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure of a row, and what is known of it by its place."""

    value: Decimal
    year: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedRow:
    """A row with at least two years, of which statements are made."""

    citation: Citation
    label: str
    cells: tuple[Cell, ...]
    scale: str
    sign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A statement, what it cites, how it was made, and whether that makes it true."""

    text: str
    citation: Citation
    kind: str
    is_true: bool


def main() -> None:
    """Write statements, judge them, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", default=_CORPUS)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 - draws statements, guards nothing
    rows, sentences = read_corpus(arguments.corpus)
    outputs = [draw(rng, rows, sentences) for _ in range(arguments.n)]
    started = time.process_time()
    verdicts = [verify(output.text, [output.citation]) for output in outputs]
    took_s = time.process_time() - started
    pairs = list(zip(outputs, verdicts, strict=True))
    passed = [item for item, verdict in pairs if not item.is_true and verdict.outcome is Outcome.SUPPORTED]
    dropped = [
        (item, verdict)
        for item, verdict in pairs
        if item.is_true and verdict.outcome is not Outcome.SUPPORTED
    ]
    n_true = sum(item.is_true for item in outputs)
    show_result(
        {
            "outputs": len(outputs),
            "unsupported_delivered": len(passed),
            "supported_dropped": round(len(dropped) / max(1, n_true), 4),
            "true": n_true,
            "false": len(outputs) - n_true,
            "by_kind": dict(sorted(Counter(item.kind for item in outputs).items())),
            "dropped_by_rule": dict(Counter(verdict.rule for _, verdict in dropped)),
            "dropped_by_kind": dict(Counter(item.kind for item, _ in dropped)),
            "delivered": [_show(item) for item in passed[:_MOST_SHOWN]],
            "dropped": [
                f"{_show(item)} [{verdict.rule}: {verdict.reason}]" for item, verdict in dropped[:_MOST_SHOWN]
            ],
            "ms_each": round(1_000 * took_s / max(1, len(outputs)), 3),
        }
    )


def read_corpus(corpus: Path) -> tuple[list[StatedRow], list[Citation]]:
    """Return the rows and sentences of which statements are made."""
    rows, sentences = list[StatedRow](), list[Citation]()
    with (corpus / "corpus.jsonl").open() as stream:
        for number, line in enumerate(stream):
            passage = json.loads(line)
            units = list_units([_make_hit(passage, number)])
            for unit in units:
                (citation,) = make_citations([unit])
                if not unit.is_row and len(citation.text) > 40 and citation.text.endswith("."):
                    sentences.append(citation)
                elif unit.is_row:
                    rows += _read_row(citation)
    return rows, sentences


def draw(rng: random.Random, rows: Sequence[StatedRow], sentences: Sequence[Citation]) -> Output:
    """Return a statement, true or false, each kind as likely as another."""
    makers: tuple[Callable[[], Output | None], ...] = (
        lambda: quote(rng, sentences),
        lambda: rescale(rng, sentences),
        lambda: state(rng, rng.choice(rows)),
        lambda: calculate(rng, rng.choice(rows)),
        lambda: move(rng, rng.choice(rows)),
        lambda: falsify_figure(rng, rng.choice(rows)),
        lambda: falsify_naming(rng, rng.choice(rows), rows),
        lambda: falsify_calculation(rng, rng.choice(rows)),
        lambda: falsify_sentence(rng, sentences),
    )
    while True:
        made = rng.choice(makers)()
        if made is not None:
            return made


def quote(rng: random.Random, sentences: Sequence[Citation]) -> Output:
    """Return a whole sentence, as it stands there."""
    citation = rng.choice(sentences)
    return Output(text=citation.text, citation=citation, kind="quotation", is_true=True)


def rescale(rng: random.Random, sentences: Sequence[Citation]) -> Output | None:
    """Return a sentence with a figure of it in another scale, the same or another."""
    citation = rng.choice(sentences)
    found = _MILLION.search(citation.text)
    if found is None:
        return None
    value, is_true = Decimal(found[1]) * 1_000, rng.random() < 0.5
    value = value if is_true else _change_digit(rng, value)
    text = f"{citation.text[: found.start()]}${value:,.0f} thousand{citation.text[found.end() :]}"
    if not is_true and round(value) == Decimal(found[1]) * 1_000:
        return None
    kind = "rescaled" if is_true else "wrongly_rescaled"
    return Output(text=text, citation=citation, kind=kind, is_true=is_true)


def state(rng: random.Random, row: StatedRow) -> Output:
    """Return a figure of a row in some scale, exact or rounded."""
    cell = rng.choice(row.cells)
    text = f"{row.label} was {write(rng, cell.value, row)} in {cell.year}"
    return Output(text=text, citation=row.citation, kind="figure", is_true=True)


def calculate(rng: random.Random, row: StatedRow) -> Output | None:
    """Return a difference of two cells, shown."""
    first, second = rng.sample(row.cells, 2)
    text = f"{row.label}: {first.value:,} - {second.value:,} = {first.value - second.value:,}"
    return Output(text=text, citation=row.citation, kind="calculation", is_true=True)


def move(rng: random.Random, row: StatedRow) -> Output | None:
    """Return that a row rose or fell from one year to the next."""
    new, old = row.cells[0], row.cells[1]
    if new.value == old.value or int(new.year) != int(old.year) + 1:
        return None
    verb = "rose" if new.value > old.value else "fell"
    is_true = rng.random() < 0.5
    if not is_true:
        verb = {"rose": "fell", "fell": "rose"}[verb]
    text = f"{row.label} {verb} to {write(rng, new.value, row, exact=True)} in {new.year}"
    return Output(
        text=text, citation=row.citation, kind="movement" if is_true else "direction", is_true=is_true
    )


def falsify_figure(rng: random.Random, row: StatedRow) -> Output | None:
    """Return a figure with another digit, scale, currency or sign."""
    cell = rng.choice(row.cells)
    kind = rng.choice(("digit", "scale", "currency", "points"))
    written = write(rng, cell.value, row, exact=True)
    if kind == "digit":
        changed = _change_digit(rng, cell.value)
        if any(changed == other.value for other in row.cells):
            return None
        written = write(rng, changed, row, exact=True)
    elif kind == "scale":
        if not row.scale or not cell.value:
            return None
        written = written.replace(row.scale[:-1], "billion" if row.scale == "millions" else "million")
    elif kind == "currency":
        written = f"\u20ac{written.lstrip('$')}"
    else:
        written = f"{cell.value:,} percentage points"
    text = f"{row.label} was {written} in {cell.year}"
    return Output(text=text, citation=row.citation, kind=kind, is_true=False)


def falsify_naming(rng: random.Random, row: StatedRow, rows: Sequence[StatedRow]) -> Output | None:
    """Return a figure of another year, row, company or document."""
    kind = rng.choice(("period", "label", "name", "citation"))
    cell = rng.choice(row.cells)
    written = write(rng, cell.value, row, exact=True)
    if kind == "period":
        others = [other for other in row.cells if other.value != cell.value]
        if not others:
            return None
        text, citation = f"{row.label} was {written} in {rng.choice(others).year}", row.citation
    elif kind == "label":
        other = rng.choice(rows)
        if _shares_words(other.label, row.citation.quotation):
            return None
        text, citation = f"{other.label} was {written} in {cell.year}", row.citation
    elif kind == "name":
        text, citation = f"{row.label} of {rng.choice(_NAMES)} was {written} in {cell.year}", row.citation
    else:
        other = rng.choice(rows)
        if any(str(abs(cell.value)) in re.sub(",", "", item) for item in other.citation.quotation.split()):
            return None
        text, citation = f"{row.label} was {written} in {cell.year}", other.citation
    return Output(text=text, citation=citation, kind=kind, is_true=False)


def falsify_calculation(rng: random.Random, row: StatedRow) -> Output | None:
    """Return a difference with another result, scale or currency, or with a figure that is not there."""
    first, second = rng.sample(row.cells, 2)
    result = first.value - second.value
    shown = f"{row.label}: {first.value:,} - {second.value:,} = "
    way = rng.choice(("result", "operand", "scale", "currency", "added"))
    if way == "scale":
        if not result:
            return None
        text = f"{shown}{result:,} {'billion' if row.scale == 'millions' else 'million'}"
    elif way == "currency":
        text = f"{shown}\u20ac{result:,}"
    elif way == "added":
        text = f"{shown}{result:,} and {first.value + 10**9:,} in {first.year}"
    elif way == "result":
        wrong = _change_digit(rng, abs(result))
        wrong = -wrong if result < 0 else wrong
        text = f"{row.label}: {first.value:,} - {second.value:,} = {wrong:,}"
    else:
        other = _change_digit(rng, first.value)
        if any(other == cell.value for cell in row.cells) or other <= 100:
            return None
        text = f"{row.label}: {other:,} - {second.value:,} = {other - second.value:,}"
    return Output(text=text, citation=row.citation, kind="wrong_calculation", is_true=False)


def falsify_sentence(rng: random.Random, sentences: Sequence[Citation]) -> Output | None:
    """Return a sentence denied, its denial left out, another figure in it, or cited of another one."""
    citation, kind = rng.choice(sentences), rng.choice(("denial", "undenied", "sentence_figure", "swapped"))
    text = citation.text
    if kind == "denial":
        changed = re.sub(r"\b(is|are|was|were|has|have|will|may|can)\b", r"\1 not", text, count=1)
        if changed == text or re.search(r"\bnot?\b|n't|never|none|without|nor\b", text, re.IGNORECASE):
            return None
    elif kind == "undenied":
        changed = re.sub(r"\bnot ", "", text, count=1)
        if changed == text or len(re.findall(r"\bnot?\b|never|none|without|nor\b|cannot", text)) != 1:
            return None
    elif kind == "sentence_figure":
        found = re.search(r"\d{1,3}(?:,\d{3})*\.\d+|\d{1,3}(?:,\d{3})+", text)
        if found is None:
            return None
        value = Decimal(found.group().replace(",", ""))
        changed = f"{text[: found.start()]}{_change_digit(rng, value):,}{text[found.end() :]}"
        if changed.count(changed[found.start() : found.start() + 3]) > 1 and changed == text:
            return None
    else:
        changed, citation = text, rng.choice(sentences)
        if _shares_words(text, citation.text) or text == citation.text:
            return None
    return Output(text=changed, citation=citation, kind=kind, is_true=False)


def write(rng: random.Random, value: Decimal, row: StatedRow, *, exact: bool = False) -> str:
    """Return a figure as a model may write it, with the scale that its table says."""
    if not row.scale:
        return f"{row.sign}{value:,}"
    ways = [f"{row.sign}{value:,} {row.scale[:-1]}"]
    if not exact and row.scale == "thousands":
        ways.append(f"{row.sign}{value / 1000:,} million")
        if value >= 1000:
            ways.append(f"{row.sign}{_round(value / 1000):,} million")
    elif not exact:
        ways.append(f"{row.sign}{value / 1000:,} billion")
        if value >= 1000:
            ways.append(
                f"about {row.sign}{(value / 1000).quantize(Decimal('0.1'), 'ROUND_HALF_UP'):,} billion"
            )
    return rng.choice(ways)


def _round(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def _read_row(citation: Citation) -> list[StatedRow]:
    """Return what is known of a row by its place alone; nothing where its columns are no years."""
    cells = [cell.strip() for cell in citation.text.strip().strip("|").split("|")]
    label = cells[0]
    if _LABEL.fullmatch(label) is None or "share" in label.lower():
        return []
    if "%" in citation.quotation or "percent" in citation.quotation.lower():
        return []
    if re.search(r"\b(?:decrease|loss|lower|decline)", label, re.IGNORECASE):
        return []
    header = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in citation.header]
    years = next((line for line in header if sum(bool(_YEAR.fullmatch(cell)) for cell in line) >= 2), None)
    if years is None or len(years) != len(cells) or citation.section:
        return []
    found = []
    for cell, year in zip(cells[1:], years[1:], strict=True):
        match = _CELL.fullmatch(cell)
        if match is None or _YEAR.fullmatch(year) is None:
            return []
        found.append(Cell(value=Decimal(match[1].replace(",", "")), year=year))
    if len(found) < 2 or len({cell.year for cell in found}) < len(found):
        return []
    note = citation.scale_note.lower()
    scale = next((name for name in _SCALES if name in note and "except" not in note), "")
    if note and not scale:
        return []
    sign = "$" if all("$" in cell for cell in cells[1:]) else ""
    return [StatedRow(citation=citation, label=label, cells=tuple(found), scale=scale, sign=sign)]


def _make_hit(passage: dict[str, Any], number: int) -> Hit:
    return Hit(
        chunk_id=number,
        doc_id=passage["_id"],
        version="v",
        score=1.0,
        dense=None,
        lexical=None,
        title=passage["title"],
        heading="",
        text=passage["text"],
        start=0,
        end=len(passage["text"]),
        page=None,
        source="corpus.jsonl",
        zone="default",
        groups=(),
        event_time=None,
        known_from=0,
        known_to=OPEN_END,
    )


def _change_digit(rng: random.Random, value: Decimal) -> Decimal:
    written = str(value)
    places = [place for place, digit in enumerate(written) if digit.isdigit()]
    place = rng.choice(places)
    digit = str((int(written[place]) + rng.randint(1, 9)) % 10)
    return Decimal(written[:place] + digit + written[place + 1 :])


def _shares_words(first: str, second: str) -> bool:
    """Return whether half of the words of one text stand in another."""
    words = set(re.findall(r"[a-z]{4,}", first.lower()))
    return not words or len(words & set(re.findall(r"[a-z]{4,}", second.lower()))) * 2 >= len(words)


def _show(output: Output) -> str:
    return f"{output.kind}: {output.text[:160]} <- {output.citation.quotation[:200]!r}"


if __name__ == "__main__":
    main()
