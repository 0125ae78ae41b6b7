"""What requests to TEI's routes for vectors and tokens carry.

Source: huggingface/text-embeddings-inference, `docs/openapi.json`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from eagleray.contracts.bounds import MAX_TEXT, MAX_TEXTS, MAX_TOKENIZED
from eagleray.errors import InputError
from serve.http.body_models import Body, Int, lower_case, show_example


def _check_inputs(value: object) -> object:
    """Refuse what is no text with one sentence, where a union would give one for each of its parts."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise ValueError("expected a string or a list of strings; token ids are not read here")
    return value


Inputs = Annotated[str | list[str], BeforeValidator(_check_inputs)]
Direction = Annotated[Literal["left", "right"], BeforeValidator(lower_case)]
Prompt = Literal["query", "document", "passage"]


def read_inputs(inputs: str | list[str], *, name: str = "inputs") -> list[str]:
    """Return the texts of a request.

    Raises:
        InputError: there are none or too many of them, or one is empty or too long.
    """
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not texts or not all(texts):
        raise InputError(detail=f"`{name}` cannot be empty", error_type="Empty")
    if len(texts) > MAX_TEXTS:
        raise InputError(detail=f"batch size {len(texts)} > maximum allowed batch size {MAX_TEXTS}")
    longest = max(map(len, texts))
    if longest > MAX_TEXT:
        raise InputError(detail=f"a text has {longest} characters; expected {MAX_TEXT} at most")
    return texts


class TeiEmbedBody(Body):
    """Texts to embed."""

    model_config = show_example(inputs=["coupon of the 2029 notes"], truncate=False)

    inputs: Inputs = Field(description="A text, or many.")
    normalize: Literal[True] | None = Field(default=True, description="Vectors have length 1 always.")
    truncate: bool | None = Field(default=False, description="Cut what is longer than the model reads.")
    truncation_direction: Direction | None = Field(default="right", description="The end that is cut.")
    prompt_name: Prompt | None = Field(
        default=None, description="`query` embeds as questions are embedded; else as passages are."
    )
    dimensions: Annotated[Int, Field(ge=1)] | None = Field(
        default=None, description="First numbers of each vector, brought to length 1 again; all by default."
    )


class TeiTokenizeBody(Body):
    """Texts to cut into tokens."""

    model_config = show_example(inputs="coupon of the 2029 notes")

    inputs: Inputs = Field(description="A text, or many.")
    add_special_tokens: bool = Field(default=True, description="Tokens that stand for no character, too.")
    prompt_name: None = Field(default=None, description="No prompt is put before a text here.")

    def read_texts(self) -> list[str]:
        """Return the texts.

        Raises:
            InputError: there are none or too many of them, or one is empty, or they are too long.
        """
        texts = read_inputs(self.inputs)
        n_characters = sum(map(len, texts))
        if n_characters > MAX_TOKENIZED:
            detail = f"the texts have {n_characters} characters together; expected {MAX_TOKENIZED} at most"
            raise InputError(detail=detail)
        return texts
