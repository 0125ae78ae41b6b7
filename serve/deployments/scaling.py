"""How many replicas a part has: a number, or a range within which its load decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

_FORM: Final = re.compile(r"(?P<least>\d{1,4})(-(?P<most>\d{1,4})(@(?P<ongoing>\d+(\.\d+)?))?)?")

_LOOK_BACK_S: Final = 15.0
"""Seconds whose mean load counts: more than the ten that Ray takes between two reports of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """How many replicas a part has.

    Attributes:
        least: how many there always are, at least 1: none would let the first question wait for a start.
        most: how many there may be; where it is `least`, there are so many.
        ongoing: requests for each, at work and waiting, that the number is chosen for; `None` leaves it
            to the part.
    """

    least: int = 1
    most: int = 1
    ongoing: float | None = None


def read_replicas(given: object) -> Replicas:
    """Return what `2`, `1-4` or `1-4@8` says.

    Args:
        given: a number, or a text; 8 requests for each replica where that is written behind `@`.

    Raises:
        ValueError: it is none of them, or the range is empty.
    """
    if isinstance(given, Replicas):
        return given
    found = _FORM.fullmatch(str(given))
    if found is None:
        raise ValueError(f"expected replicas as 2, as 1-4, or as 1-4@8 for 8 requests each; got {given!r}")
    least, ongoing = int(found["least"]), found["ongoing"]
    most = int(found["most"] or least)
    if not 1 <= least <= most:
        raise ValueError(f"expected at least 1 replica, and no more at first than at most; got {given!r}")
    if ongoing is not None and float(ongoing) <= 0.0:
        raise ValueError(f"expected more than 0 requests for each replica; got {given!r}")
    return Replicas(least=least, most=most, ongoing=None if ongoing is None else float(ongoing))


ReplicaRange = Annotated[Replicas, BeforeValidator(read_replicas)]
"""A field of arguments that is read so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a load must last before replicas follow it.

    Attributes:
        up_s: seconds of more load than the replicas are for.
        down_s: seconds of less.
    """

    up_s: float
    down_s: float


def choose_count(replicas: Replicas, *, ongoing: float, pace: Pace) -> dict[str, Any]:
    """Return the options of a deployment that say how many replicas it has.

    Args:
        replicas: what was asked for.
        ongoing: requests for each, where `replicas` does not say.
        pace: when the number follows the load.
    """
    if replicas.least == replicas.most:
        return {"num_replicas": replicas.least}
    scaling = {
        "min_replicas": replicas.least,
        "max_replicas": replicas.most,
        "target_ongoing_requests": replicas.ongoing or ongoing,
        "look_back_period_s": _LOOK_BACK_S,
        "upscale_delay_s": pace.up_s,
        "downscale_delay_s": pace.down_s,
    }
    return {"autoscaling_config": scaling}
