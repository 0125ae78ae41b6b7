"""How many more questions a second are embedded when those of many callers go together, bits kept?

    python -m benchmarks.query_batching QUERIES.jsonl [--clients N] [--n N] [--rounds N] [--model MODEL]

Callers ask one question after another, each as soon as the last is embedded; no question comes twice. The
first figure of a round is one thread that embeds the same questions one at a time, as a single search does;
the second is the encoder that serving uses. Every vector is compared with the one its question has alone:
`n_other_bits` counts those that differ. `speedup` is the median of the rounds' ratios. `bound` is the same
ratio where one call gets all questions of a round, in batches as a job cuts them, whatever their bits: what
the machine gains from batches without any caller, lock or wait.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.reporting import show_result
from eagleray.contracts.ports import Embedder, FloatVector
from eagleray.embedders import open_embedder
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.settings import Settings
from serve.composition.models import Models
from serve.engine.question_vectors import QuestionVectors


def read_questions(path: Path) -> list[str]:
    """Return the texts of a file of judged queries, each once."""
    with path.open() as lines:
        return list(dict.fromkeys(json.loads(line)["text"] for line in lines))


def embed_alone(embedder: Embedder, questions: list[str]) -> tuple[list[FloatVector], float]:
    """Return the vectors, embedded one at a time, and the seconds it took."""
    started = time.perf_counter()
    vectors = [embedder.embed_queries([text])[0] for text in questions]
    return vectors, time.perf_counter() - started


async def embed_together(
    settings: Settings, embedder: Embedder, questions: list[str], *, n_clients: int
) -> tuple[list[FloatVector], float]:
    """Return the vectors, asked for by many callers, and the seconds it took."""
    found = QuestionVectors(await Models(settings, load=lambda _: embedder).open_question_encoder())
    vectors: dict[str, FloatVector] = {}
    left = iter(questions)

    async def ask() -> None:
        for text in left:
            vectors[text] = await found.find(text, timeout_s=60.0)

    started = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(n_clients)))
    elapsed_s = time.perf_counter() - started
    await found.close()
    return [vectors[text] for text in questions], elapsed_s


def compute_gain(before: list[float], after: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return round(statistics.median(b / a for a, b in zip(before, after, strict=True)), 2)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="minilm")
    options = parser.parse_args()
    settings = Settings(embedder=EmbedderSettings(model=options.model))
    embedder = open_embedder(settings.embedder)
    questions = read_questions(options.queries)
    embedder.embed_queries(questions[:5])
    alone_per_s, together_per_s, at_once_per_s, n_other_bits = [], [], [], 0
    for number in range(options.rounds):
        asked = questions[number * options.n : (number + 1) * options.n]
        alone, alone_s = embed_alone(embedder, asked)
        together, together_s = asyncio.run(
            embed_together(settings, embedder, asked, n_clients=options.clients)
        )
        n_other_bits += sum(not np.array_equal(*pair) for pair in zip(alone, together, strict=True))
        alone_per_s.append(len(asked) / alone_s)
        together_per_s.append(len(asked) / together_s)
        started = time.perf_counter()
        embedder.embed_queries(asked)
        at_once_per_s.append(len(asked) / (time.perf_counter() - started))
    show_result(
        {
            "clients": options.clients,
            "questions": options.n * options.rounds,
            "alone_per_s": [round(figure, 1) for figure in alone_per_s],
            "together_per_s": [round(figure, 1) for figure in together_per_s],
            "at_once_per_s": [round(figure, 1) for figure in at_once_per_s],
            "speedup": compute_gain(alone_per_s, together_per_s),
            "bound": compute_gain(alone_per_s, at_once_per_s),
            "n_other_bits": n_other_bits,
        }
    )


if __name__ == "__main__":
    main()
