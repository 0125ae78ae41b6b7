"""The groups of settings: each a frozen value whose docstring says what it holds."""

from typing import Final

from pydantic import ConfigDict

FROZEN: Final = ConfigDict(frozen=True, extra="forbid")
"""How every group is read."""
