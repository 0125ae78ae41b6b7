"""Windows: which tokens each chunk holds, one greedy pass over the atoms of a document.

All positions here are token numbers. A window ends at an atom's end where it can, at a heading once
it is half full, and inside an atom only where the atom alone is too long.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from eagleray.chunking.atoms import Atom
from eagleray.chunking.tokens import TokenizedText
from eagleray.contracts.documents import ElementKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Tokens of text a window may hold: `target` aimed at, `limit` never passed."""

    target: int
    limit: int


class AtomIndex:
    """The atoms that hold tokens, and the token each begins with.

    Atoms without tokens (control characters, say) are joined to the one before.
    """

    def __init__(self, atoms: list[Atom], tokens: TokenizedText) -> None:
        self._tokens = tokens
        begins = tokens.starts.searchsorted([atom.start for atom in atoms]).tolist()
        self.atoms: list[Atom] = []
        self.begins: list[int] = []
        stops = [*begins[1:], tokens.n_tokens]
        for atom, begin, stop in zip(atoms, begins, stops, strict=True):
            if begin < stop:
                self.atoms.append(atom)
                self.begins.append(begin)
        self._headings: list[int] = []
        self._sections: list[int] = []  # headings that do not follow another one
        before = None
        for atom, begin in zip(self.atoms, self.begins, strict=True):
            if atom.kind is ElementKind.HEADING:
                self._headings.append(begin)
                if before is not ElementKind.HEADING:
                    self._sections.append(begin)
            before = atom.kind

    def find_atom(self, token: int) -> int:
        """Return the number of the atom a token lies in."""
        return max(bisect_right(self.begins, token) - 1, 0)

    def find_stop(self, begin: int, position: int, *, budget: Budget) -> int:
        """Return where a window ends that begins at `begin` and must pass `position`.

        Returns:
            The token behind its last; `position` where no atom fits and a shorter overlap would help.
        """
        section = self._find_section(position + 1)
        length = section - begin
        is_worth_a_chunk = section == self._tokens.n_tokens or length >= budget.target // 2
        if length <= budget.limit and is_worth_a_chunk:
            return self._leave_headings(position, section)
        high = begin + budget.target
        stop = self._find_boundary(high)
        if stop <= position:
            return self._cut_atom(begin, position, budget=budget)
        heading = self._find_section(max(position + 1, begin + budget.target // 2))
        return self._leave_headings(position, min(stop, heading))

    def find_overlap(self, begin: int, stop: int, *, overlap: int) -> int:
        """Return where the window after `begin` to `stop` begins: `overlap` tokens back at most."""
        index = self.find_atom(stop)
        is_boundary = self.begins[index] == stop
        if not overlap or (is_boundary and self.atoms[index].kind is ElementKind.HEADING):
            return stop
        low = max(stop - overlap, begin + 1)
        first = bisect_left(self.begins, low)
        if first < len(self.begins) and self.begins[first] < stop:
            low = self.begins[first]
            last_heading = bisect_left(self._headings, stop) - 1
            if last_heading >= 0:
                low = max(low, self._headings[last_heading])
            return low
        last = self.atoms[index - 1 if is_boundary else index]
        if last.kind is not ElementKind.PARAGRAPH:
            return stop
        return next((token for token in range(low, stop) if self._tokens.rate_cut(token) > 1), stop)

    def find_character(self, token: int) -> int:
        """Return the character at which the text in front of a token ends and its own begins."""
        if token >= self._tokens.n_tokens:
            return len(self._tokens.text)
        index = self.find_atom(token)
        if self.begins[index] == token:
            return 0 if index == 0 else self.atoms[index].start
        return int(self._tokens.starts[token])

    def _find_section(self, token: int) -> int:
        """Return the first heading at or behind a token that has text in front of it, or the end."""
        index = bisect_left(self._sections, token)
        return self._sections[index] if index < len(self._sections) else self._tokens.n_tokens

    def _find_boundary(self, high: int) -> int:
        """Return the last end of an atom at or before `high`."""
        if high >= self._tokens.n_tokens:
            return self._tokens.n_tokens
        return self.begins[self.find_atom(high)]

    def _leave_headings(self, position: int, stop: int) -> int:
        """Return the end without headings at it, for they belong to what follows.

        Where all that is new is headings, they stay.
        """
        if stop >= self._tokens.n_tokens:
            return stop
        index = bisect_left(self.begins, stop) - 1
        left = stop
        while index >= 0 and self.atoms[index].kind is ElementKind.HEADING and self.begins[index] > position:
            left = self.begins[index]
            index -= 1
        is_all_headings = index >= 0 and self.atoms[index].kind is ElementKind.HEADING
        return stop if is_all_headings else left

    def _cut_atom(self, begin: int, position: int, *, budget: Budget) -> int:
        index = self.find_atom(position)
        end = self.begins[index + 1] if index + 1 < len(self.begins) else self._tokens.n_tokens
        if end - begin <= budget.limit:
            return end
        if begin < position == self.begins[index] and end - position <= budget.limit:
            return position
        return self._tokens.find_cut(position, begin + budget.target)
