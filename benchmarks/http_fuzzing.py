"""Drawn requests to every operation of a served API, valid or not, by every kind of caller.

Each answer is compared with the description that the server gives of itself: its status, headers, media type
and schema. No answer may be a failure of the server.

Source: schemathesis, which draws requests from an OpenAPI description and checks what comes back.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
_TIMEOUT_S: Final = 60
MOST_TOLD: Final = 20


@dataclass(slots=True, kw_only=True)
class FuzzReport:
    """What a run found.

    Attributes:
        calls: requests that were answered.
        server_errors: answers of 500 and above.
        violations: answers that the description does not allow.
        statuses: status -> answers.
        told: the first violations, in words.
    """

    calls: int = 0
    server_errors: int = 0
    violations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)


def fuzz(
    url: str,
    *,
    credentials: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    n: int,
    seed: int,
) -> FuzzReport:
    """Ask a server drawn questions and return what came back.

    Args:
        url: of the server; `/openapi.json` describes it.
        credentials: name of a kind of caller -> the credential it shows; empty for none.
        known: name of a parameter of paths or queries, or of a body's field -> values that lead somewhere;
            half of the requests get one.
        n: requests, about.
        seed: of the draws.
    """
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    report, session = FuzzReport(), requests.Session()
    for number, operation in enumerate(operations):
        share = math.ceil((n - report.calls) / (len(operations) - number))
        for mode in modes:
            ask = _make_asker(operation, mode, session, credentials=credentials, known=known, report=report)
            settings = hypothesis.settings(
                max_examples=max(1, math.ceil(share / len(modes))),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            with suppress(Unsatisfiable):  # an operation without parameters cannot be asked wrongly
                hypothesis.seed(seed)(settings(ask))()
        print(f"{operation.method.upper()} {operation.path}: {report.calls} calls", file=sys.stderr)
    return report


def _make_asker(
    operation: APIOperation[Any, Any, Any],
    mode: GenerationMode,
    session: requests.Session,
    *,
    credentials: Mapping[str, str],
    known: Mapping[str, Sequence[str]],
    report: FuzzReport,
) -> Callable[[], None]:
    """Return the test that hypothesis calls with drawn requests of one operation."""

    @given(data=st.data(), case=operation.as_strategy(generation_mode=mode))
    def ask(data: st.DataObject, case: Case) -> None:
        for name, values in known.items():
            for part in (case.path_parameters, case.query, case.body):
                if isinstance(part, dict) and name in part and data.draw(st.booleans()):
                    part[name] = data.draw(st.sampled_from(list(values)))
        caller = data.draw(st.sampled_from(sorted(credentials)))
        shown = credentials[caller]
        case.headers.pop("Authorization", None)
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        answer = case.call(session=session, headers=headers, timeout=_TIMEOUT_S)
        report.calls += 1
        report.statuses[answer.status_code] += 1
        report.server_errors += answer.status_code >= 500
        try:
            case.validate_response(answer, checks=list(CHECKS))
        except (Failure, FailureGroup) as failure:
            report.violations += 1
            if len(report.told) < MOST_TOLD:
                report.told.append(f"{caller}: {failure}")

    return ask
