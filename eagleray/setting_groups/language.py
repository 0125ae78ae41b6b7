"""Settings of language models."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from eagleray.setting_groups import FROZEN


class LanguageModelSettings(BaseModel):
    """Where language models are run, and what they may be given to read.

    Attributes:
        python: of their environment; empty takes the one of `make llm`, `.llm` beside this one.
        url: of a server that speaks OpenAI's chat completions, with its `/v1`; empty for none.
        model: name by which that server knows the model.
        api_key: shown to that server.
        forbidden_collections: whose text is never sent to it, words with spaces between.
        forbidden_zones: whose text is never sent to it, words with spaces between.
        context_tokens: that the model reads and writes in one call.
        reply_tokens: that it may write in one call.
        answer_tokens: that it may read and write for one answer, in all calls.
        answer_timeout_s: seconds that it may take for one answer, in all calls.
    """

    model_config = FROZEN

    python: str = ""
    url: str = ""
    model: str = ""
    api_key: SecretStr | None = None
    forbidden_collections: str = ""
    forbidden_zones: str = ""
    context_tokens: int = Field(default=4_096, ge=256)
    reply_tokens: int = Field(default=512, ge=16)
    answer_tokens: int = Field(default=16_384, ge=256)
    answer_timeout_s: float = Field(default=60.0, gt=0.0)

    @model_validator(mode="after")
    def _refuse_half_of_it(self) -> Self:
        if bool(self.url) != bool(self.model):
            raise ValueError("expected URL and MODEL, both or neither")
        return self
