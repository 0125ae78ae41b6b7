"""The groups of settings: each a frozen value whose docstring says what it holds."""

from typing import Final

from pydantic import ConfigDict

FROZEN: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
"""How every group is read."""
