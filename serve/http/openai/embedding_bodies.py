"""What a request for vectors carries, and what its answer is made of, in OpenAI's shape.

Source: OpenAI's API reference, `POST /v1/embeddings`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, SkipValidation

from eagleray.contracts.bounds import MAX_TEXT, MAX_TEXTS, MAX_TEXTS_TOGETHER, MAX_TOKENS
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import InputError
from serve.engine.cl100k import decode_tokens
from serve.engine.encoding import Encoded
from serve.http.body_models import Absent, Body, Int, describe_optional, show_example


def _is_tokens(value: object) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {int}


def _check_input(value: object) -> object:
    """Refuse what is no input with one sentence, where a union would give one for each of its parts."""
    if isinstance(value, list) and len(value) > max(MAX_TEXTS, MAX_TOKENS):
        raise ValueError(f"expected 1 to {MAX_TEXTS} inputs, or {MAX_TOKENS} tokens; found {len(value)}")
    items = value if isinstance(value, list) and not (value and _is_tokens(value)) else [value]
    if not 1 <= len(items) <= MAX_TEXTS:
        raise ValueError(f"expected 1 to {MAX_TEXTS} inputs, found {len(items)}")
    if not (all(isinstance(item, str) for item in items) or all(_is_tokens(item) for item in items)):
        raise ValueError("expected a string, a list of strings, a list of token ids, or a list of such lists")
    for row, item in enumerate(items):
        most, unit = (MAX_TEXT, "characters") if isinstance(item, str) else (MAX_TOKENS, "tokens")
        if not 1 <= len(item) <= most:
            raise ValueError(f"input {row} has {len(item)} {unit}; expected 1 to {most}")
    return value


Input = Annotated[
    str | list[str] | list[int] | list[list[int]], SkipValidation, BeforeValidator(_check_input)
]


class EmbeddingBody(Body):
    """Texts to embed."""

    model_config = show_example(model="all-MiniLM-L6-v2", input=["coupon of the 2029 notes"])

    model: str = Field(max_length=256, description="The served model; `GET /v1/models` names it.")
    input: Input = Field(description="Texts, or texts as token ids of cl100k_base.")
    encoding_format: Literal["float", "base64"] = Field(
        default="float", description="Numbers, or base64 of little-endian float32."
    )
    dimensions: Annotated[Int, Field(ge=1)] | Absent = describe_optional(
        "First numbers of each vector, brought to length 1 again; all by default."
    )
    user: Annotated[str, Field(max_length=1_024)] | Absent = describe_optional(
        "Accepted; nothing depends on it."
    )

    def read_texts(self) -> list[str]:
        """Return the texts; the first call for token ids reads a table from disk.

        Raises:
            InputError: a token id is none of cl100k_base, or what ids stand for is too long.
        """
        if isinstance(self.input, str):
            return [self.input]
        is_one = isinstance(self.input[0], int)
        items: list[Any] = [self.input] if is_one else self.input  # the union's parts cannot be told apart
        texts, n_characters = [], 0
        for row, item in enumerate(items):
            text = item if isinstance(item, str) else decode_tokens(item)
            n_characters += len(text)
            if len(text) > MAX_TEXT or n_characters > MAX_TEXTS_TOGETHER:
                detail = f"the tokens of input {row} stand for more than {MAX_TEXT:,} characters"
                raise InputError(detail=f"{detail}, or those of all for too many", param="input")
            texts.append(text)
        return texts


def require_dimensions(dimensions: int | None, dim: int) -> None:
    """Refuse more dimensions than the model's vectors have.

    Raises:
        InputError: it has fewer.
    """
    if dimensions is not None and dimensions > dim:
        detail = f"the model's vectors have {dim} dimensions; {dimensions} were asked for"
        raise InputError(detail=detail, param="dimensions")


def shorten(vectors: FloatMatrix, dimensions: int | None) -> FloatMatrix:
    """Return the first numbers of each vector, of length 1 again: float32 [n_texts, dimensions].

    Args:
        vectors: float32 [n_texts, dim], unit L2 norm.
        dimensions: how many; `None` for all.

    Raises:
        InputError: the vectors have fewer, or one of them begins with zeros alone.
    """
    if dimensions is None or dimensions == vectors.shape[1]:
        return vectors
    require_dimensions(dimensions, vectors.shape[1])
    short = vectors[:, :dimensions]
    lengths = np.linalg.norm(short, axis=1, keepdims=True)
    if not lengths.all():
        detail = f"the first {dimensions} numbers of a vector are all 0; ask for more dimensions"
        raise InputError(detail=detail, param="dimensions")
    return np.ascontiguousarray(short / lengths, dtype=np.float32)


def write_answer(body: EmbeddingBody, encoded: Encoded) -> bytes:
    """Return the answer as JSON, written row by row: a thread that does it lets others work between two rows.

    Raises:
        InputError: the dimensions cannot be had.
    """
    is_base64 = body.encoding_format == "base64"
    rows = []
    for index, vector in enumerate(shorten(encoded.vectors, body.dimensions)):
        shown: Any = b64encode(vector.astype("<f4").tobytes()).decode() if is_base64 else vector.tolist()
        rows.append(json.dumps({"object": "embedding", "index": index, "embedding": shown}))
    usage = json.dumps({"prompt_tokens": encoded.n_tokens, "total_tokens": encoded.n_tokens})
    whole = f'{{"object":"list","data":[{",".join(rows)}],"model":{json.dumps(body.model)},"usage":{usage}}}'
    return whole.encode()
