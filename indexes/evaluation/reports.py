"""Gate reports: the checks a snapshot passed or failed, stored beside its manifest.

The checks themselves live in `gate`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from eagleray.contracts.collections import Collection
from eagleray.errors import GateError, IntegrityError, ObjectNotFoundError
from indexes.snapshots.layout import name_gate_report
from indexes.snapshots.seals import seal, unseal


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One thing the gate looked at.

    Attributes:
        name: `digests`, `opening`, `counts`, `intervals`, `self_match`, `as_of`, `recall`, `size` or
            `latency`.
        passed: whether it is as it must be.
        detail: what was found, in one sentence; never document text.
        figures: counts and measures behind it.
    """

    name: str
    passed: bool
    detail: str
    figures: dict[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gate says of a snapshot; the same snapshot always gets the same, times apart."""

    snapshot: str
    checks: tuple[GateCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was at least one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def require_passed(self) -> None:
        """Refuse a snapshot that must not be published.

        Raises:
            GateError: a check failed; names each that did.
        """
        if self.passed:
            return
        failures = [f"{check.name}: {check.detail}" for check in self.checks if not check.passed]
        raise GateError(snapshot=self.snapshot, failures="; ".join(failures) or "no check was run")


def store_gate_report(collection: Collection, report: GateReport) -> None:
    """Write the report as `snapshots/<id>.gate.json`, in place of an earlier one."""
    below = name_gate_report(report.snapshot)
    collection.store.write(
        f"{collection.name}/{below}", seal([asdict(check) for check in report.checks], name=below)
    )


def load_gate_report(collection: Collection, snapshot: str) -> GateReport | None:
    """Return the stored report, or `None` where the gate never ran.

    Raises:
        IntegrityError: the report is damaged.
    """
    below = name_gate_report(snapshot)
    path = f"{collection.name}/{below}"
    try:
        data = collection.store.read(path)
    except ObjectNotFoundError:
        return None
    checks: Any = unseal(data, name=below, path=path)
    try:
        return GateReport(snapshot=snapshot, checks=tuple(GateCheck(**check) for check in checks))
    except TypeError as error:
        raise IntegrityError(path=path, expected="a list of checks", found=str(error)) from error
