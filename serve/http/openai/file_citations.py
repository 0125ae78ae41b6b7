"""Citations as annotations `file_citation`: each names its file, and stands in the text by its number.

Source: OpenAI's API reference, the annotation `file_citation`; what that has no place for is in `eagleray`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eagleray.contracts.cited_answers import Citation

FindFile = Callable[[Citation], tuple[str, str]]
"""Gives id and name of the file that is cited."""


def name_document(citation: Citation) -> tuple[str, str]:
    """Return id and name of the document that is cited, where collections are asked."""
    return citation.doc_id, citation.title or citation.doc_id


class FileCitations:
    """The annotations of one text, in the order in which it cites."""

    def __init__(self, find_file: FindFile) -> None:
        self._find_file = find_file
        self._files: list[str] = []
        self.n_written = 0

    def write(self, citations: Iterable[Citation]) -> list[dict[str, Any]]:
        """Return the annotations of further citations; `index` counts the files that are cited."""
        return [self._write_one(citation) for citation in citations]

    def _write_one(self, citation: Citation) -> dict[str, Any]:
        file_id, filename = self._find_file(citation)
        if file_id not in self._files:
            self._files.append(file_id)
        self.n_written += 1
        span = {"number": citation.number, "start": citation.start, "end": citation.end}
        about = {"type": "file_citation", "file_id": file_id, "filename": filename}
        return {**about, "index": self._files.index(file_id), "eagleray": span}
