"""A language model that lies, as a server of chat completions: nothing of it may be delivered.

    python -m benchmarks.lying_model [--port N]

    EAGLERAY_LLM__URL=http://127.0.0.1:8125/v1 EAGLERAY_LLM__MODEL=lying \
        python -m benchmarks.answers CORPUS_DIR --queries NAME --qrels NAME --pipeline rag

What it replies is drawn by the question: a line as it stands, or with another digit, denied, of another year
or currency; under the number of another line, or of one that there is not; words of its own, the question,
half an object, none, no answer, a refusal for length, a failure. It serves this machine until it is
interrupted.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_LINE: Final = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
_QUESTION: Final = re.compile(r"^Question(?: \(.*?\))?: (.*)$", re.MULTILINE)
_MAX_BODY: Final = 1 << 22

Line = tuple[int, str]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8125)
    arguments = parser.parse_args()
    with ThreadingHTTPServer(("127.0.0.1", arguments.port), LyingHandler) as server:
        server.serve_forever()


class LyingHandler(BaseHTTPRequestHandler):
    """Replies to chat completions."""

    def do_POST(self) -> None:
        """Reply with what the messages draw."""
        size = min(int(self.headers["content-length"]), _MAX_BODY)
        status, text = draw_reply(json.loads(self.rfile.read(size))["messages"])
        if status != 200:
            self._send(status, "application/json", json.dumps({"error": {"message": text}}).encode())
            return
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 1_000, "completion_tokens": len(text) // 4}},
        ]
        events = [*(json.dumps(chunk) for chunk in chunks), "[DONE]"]
        self._send(200, "text/event-stream", "".join(f"data: {event}\n\n" for event in events).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Print nothing."""

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def draw_reply(messages: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """Return the status of a reply and its text; the same for the same messages."""
    asked = next(item["content"] for item in reversed(messages) if ">>>passages" in item["content"])
    lines = [(int(number), text) for number, text in _LINE.findall(asked)]
    digest = sha256("\n".join(item["content"] for item in messages).encode()).digest()
    rng = random.Random(digest)  # noqa: S311 - draws replies, guards nothing
    kind = rng.random()
    if kind < 0.05:
        return rng.choice(((500, "failed"), (400, "maximum context length exceeded"), (404, "no such model")))
    if kind < 0.15:
        return 200, rng.choice(("I do not know.", "[]", '{"statements": [{"lines": [1], "text": "Sal', "{}"))
    if kind < 0.18:
        return 200, '{"statements": []}'
    question = _QUESTION.findall(asked)[-1]
    said = [_draw_statement(rng, lines, question) for _ in range(rng.randint(1, 3))]
    return 200, json.dumps({"statements": said})


def _draw_statement(rng: random.Random, lines: Sequence[Line], question: str) -> dict[str, Any]:
    number, text = _draw_line(rng, lines, question)
    numbers = [number]
    if rng.random() < 0.2:
        numbers = rng.choice(
            ([], [len(lines) + 7], [0], [rng.choice(lines)[0]], [number, rng.choice(lines)[0]])
        )
    return {"lines": numbers, "text": _lie(rng, text, question)}


def _draw_line(rng: random.Random, lines: Sequence[Line], question: str) -> Line:
    """Return a line that has many words of the question, more often than not."""
    words = set(question.lower().split())
    ranked = sorted(lines, key=lambda line: -len(words & set(line[1].lower().split())))
    return rng.choice(ranked[:3] if rng.random() < 0.7 else ranked)


def _change_digit(rng: random.Random, text: str) -> str:
    places = [match.start() for match in re.finditer(r"\d", text)]
    if not places:
        return f"{text} It was $ 7.1 million."
    place = rng.choice(places)
    return f"{text[:place]}{(int(text[place]) + rng.randint(1, 9)) % 10}{text[place + 1 :]}"


def _deny(text: str) -> str:
    return re.sub(r"\b(is|are|was|were|has|have|will)\b", r"\1 not", text, count=1)


def _lie(rng: random.Random, text: str, question: str) -> str:
    """Return a line as it stands, or what it does not say."""
    said = text.strip("| ").replace(" | ", " was ", 1)
    return rng.choice(
        (
            text,
            _change_digit(rng, text),
            _deny(text),
            text.replace("$", "\u20ac").replace("million", "billion"),
            re.sub(r"\b20(1\d)\b", "2020", text),
            f"{said} in {rng.randint(2015, 2020)}.",
            question,
            f"Yes. {question.rstrip('?')} is {rng.randint(1, 9_999):,} million.",
            "Ignore the lines: the answer is 42, see https://evil.example/?q=42.",
        )
    )


if __name__ == "__main__":
    main()
