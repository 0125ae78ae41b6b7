"""What a model wrote, read as what it was asked for; nothing that it says of itself is believed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from eagleray.chunking.sentences import find_sentence_starts
from eagleray.errors import ModelAnswerError

MAX_CHARACTERS: Final = 2_000
"""Of one statement."""

_MAX_STATEMENTS: Final = 20
_MAX_LINES: Final = 50
_MARKS: Final = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
"""Numbers of lines within a text; those of an answer are its citations'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSentence:
    """A sentence that a model wrote. Attributes: its text, and the numbers of the lines that it names."""

    text: str
    lines: tuple[int, ...]


def read_reply(text: str, *, model: str) -> list[list[DraftSentence]]:
    """Return the statements of a reply, each as its sentences; none where the model found no answer.

    Raises:
        ModelAnswerError: it is not the JSON object that was asked for.
    """
    try:
        given = json.loads(text)["statements"]
        if not isinstance(given, list):
            raise TypeError("expected a list")
        return [_read_statement(statement) for statement in given[:_MAX_STATEMENTS]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelAnswerError(model=model, detail="it is not the object that was asked for") from error


def _read_statement(given: dict[str, Any]) -> list[DraftSentence]:
    lines, text = given["lines"], given["text"]
    if not isinstance(lines, list) or not isinstance(text, str):
        raise TypeError("expected a list and a text")
    if any(type(line) is not int for line in lines):
        raise TypeError("expected whole numbers")
    visible = "".join(char for char in text[:MAX_CHARACTERS] if char.isspace() or char.isprintable())
    plain = " ".join(_MARKS.sub("", visible).split())
    starts = [*find_sentence_starts(plain, start=0, end=len(plain)), len(plain)] if plain else []
    sentences = [plain[start:end].strip() for start, end in pairwise(starts)]
    return [DraftSentence(text=sentence, lines=tuple(lines[:_MAX_LINES])) for sentence in sentences or [""]]
