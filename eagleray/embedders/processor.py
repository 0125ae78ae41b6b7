"""What the processor can do, as far as it decides the bits of a vector or the speed of a backend."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LEVELS: Final = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
"""Vector extensions the kernels of torch tell apart, widest first, as Linux names them."""

_FAST_BF16: Final = frozenset({"amx_bf16", "avx512_bf16"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A processor as `/proc/cpuinfo` describes it.

    Attributes:
        vendor: such as `AuthenticAMD`; libraries choose kernels by it.
        model: the maker's name for it.
        flags: features as Linux names them.
    """

    vendor: str
    model: str
    flags: frozenset[str]

    @property
    def instruction_set(self) -> str:
        """Widest vector extension and vendor, such as `avx2/AuthenticAMD`: equal ones give equal bits."""
        level = next((name for name in _LEVELS if name in self.flags), platform.machine())
        return f"{level}/{self.vendor}"

    @property
    def multiplies_bf16(self) -> bool:
        """Whether it multiplies bfloat16 itself; elsewhere that is emulated, and slower than float32."""
        return not self.flags.isdisjoint(_FAST_BF16)


def read_processor(path: Path = Path("/proc/cpuinfo")) -> Processor:
    """Return the first processor of a cpuinfo file; where there is none, what Python knows."""
    fields: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text().splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    return Processor(
        vendor=fields.get("vendor_id", platform.system()),
        model=fields.get("model name", platform.processor()),
        flags=frozenset(fields.get("flags", "").split()),
    )
