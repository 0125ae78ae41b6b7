"""Settings of language models."""

from __future__ import annotations

from pydantic import BaseModel

from eagleray.setting_groups import FROZEN


class LanguageModelSettings(BaseModel):
    """Where language models are run.

    Attributes:
        python: of their environment; empty takes the one of `make llm`, `.llm` beside this one.
    """

    model_config = FROZEN

    python: str = ""
