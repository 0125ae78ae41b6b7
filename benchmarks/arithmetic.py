"""Is every calculation of a judged corpus exact, its operands given?

    python -m benchmarks.arithmetic ../shared/corpora/tatqa/derivations.jsonl

Each line has a `derivation`, such as `(680-774)/774`, its `answer` as people wrote it down, and a `scale`.
The value is exact if it is the answer once it is rounded to the digits that the answer shows; a half may have
been rounded either way. A share that is asked for in percent may have been written as the ratio.
"""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from benchmarks.reporting import show_result
from eagleray.errors import QueryError
from serve.agents.arithmetic import calculate

_SCALES: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_MOST_SHOWN: Final = 10


def main() -> None:
    """Calculate, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("derivations", type=Path)
    arguments = parser.parse_args()
    with arguments.derivations.open() as stream:
        rows = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in stream]
    inexact = [row for row in rows if not is_exact(row)]
    show_result(
        {
            "questions": len(rows),
            "exact": len(rows) - len(inexact),
            "inexact": [f"{row['derivation']} is not {row['answer']}" for row in inexact[:_MOST_SHOWN]],
        }
    )


def is_exact(row: dict[str, Any]) -> bool:
    """Return whether a derivation comes to its answer."""
    try:
        value = calculate(row["derivation"])
    except QueryError:
        return False
    answer, scale = row["answer"], row["scale"]
    digits = max(0, -answer.as_tuple().exponent)
    meant = [value]
    if scale == "percent":
        meant.append(value * 100)
    elif scale in _SCALES and scale in row["derivation"]:
        meant = [value / Fraction(_SCALES[scale])]
    half = Fraction(1, 2 * 10**digits)
    return any(abs(one - Fraction(answer)) <= half for one in meant)


if __name__ == "__main__":
    main()
