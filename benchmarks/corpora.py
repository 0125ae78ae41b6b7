"""Reads judged corpora in BEIR layout: `corpus.jsonl`, `<queries>.jsonl`, `qrels/<name>.tsv`."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eagleray.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A query with its relevant documents: doc_id -> grade; the rest as the query's metadata has it.

    Attributes:
        answers: what answers it, where that is known.
        answer_type: how the answer is found, such as `span` or `arithmetic`.
    """

    query_id: str
    text: str
    relevant: dict[str, int]
    filter: dict[str, Any] | None
    answers: tuple[str, ...] = ()
    answer_type: str = ""


def read_judged_queries(corpus: Path, *, queries: str, qrels: str) -> list[JudgedQuery]:
    """Return every query that has a judgement, in the order of the file.

    Raises:
        InputError: a file is not there; names those that are.
    """
    judgements: dict[str, dict[str, int]] = defaultdict(dict)
    with _find(corpus / "qrels", f"{qrels}.tsv").open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            if int(row["score"]) > 0:
                judgements[row["query-id"]][row["corpus-id"]] = int(row["score"])
    found = []
    with _find(corpus, f"{queries}.jsonl").open() as stream:
        for line in stream:
            query = json.loads(line)
            metadata = query.get("metadata", {})
            answer = metadata.get("answer", [])
            if query["_id"] in judgements:
                found.append(
                    JudgedQuery(
                        query_id=query["_id"],
                        text=query["text"],
                        relevant=judgements[query["_id"]],
                        filter=metadata.get("filter"),
                        answers=tuple(map(str, answer if isinstance(answer, list) else [answer])),
                        answer_type=metadata.get("answer_type", ""),
                    )
                )
    return found


def read_texts(corpus: Path) -> dict[str, str]:
    """Return the text of each passage by its id."""
    with _find(corpus, "corpus.jsonl").open() as stream:
        passages = map(json.loads, stream)
        return {passage["_id"]: passage["text"] for passage in passages}


def copy_corpus(corpus: Path, folder: Path, *, limit: int = 0) -> Path:
    """Copy a corpus's passages, the first `limit` or all, and return the folder of the copy."""
    source = folder / corpus.name
    source.mkdir(parents=True)
    with (corpus / "corpus.jsonl").open() as stream:
        lines = stream.readlines()
    (source / "corpus.jsonl").write_text("".join(lines[: limit or None]))
    shutil.copystat(corpus / "corpus.jsonl", source / "corpus.jsonl")
    return source


def _find(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        present = sorted(item.stem for item in folder.glob(f"*{path.suffix}"))
        raise InputError(detail=f"there is no {name} in {folder}; there are {', '.join(present)}")
    return path
