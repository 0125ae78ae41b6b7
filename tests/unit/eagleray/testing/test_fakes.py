from __future__ import annotations

import subprocess
import sys

from eagleray.contracts.callers import Action, Role
from eagleray.testing import ManualClock, MemoryStore, make_caller


def test_a_clock_stands_still_until_it_is_moved():
    clock = ManualClock(5.0)
    assert (clock(), clock()) == (5.0, 5.0)
    clock.advance(1.5)
    assert clock() == 6.5


def test_a_caller_may_do_what_their_roles_allow_and_reads_what_their_groups_may():
    caller = make_caller("ann", roles=[Role.WRITER], groups=["rates"], zones=["eu"])
    assert caller.may(Action.INGEST)
    assert not caller.may(Action.SEARCH)
    assert (caller.principal.subject, caller.principal.groups, caller.principal.zones) == (
        "ann",
        {"rates"},
        {"eu"},
    )
    assert make_caller().may(Action.SEARCH)


def test_two_stores_in_memory_share_nothing():
    first, second = MemoryStore(), MemoryStore("named")
    first.write("a", b"1")
    assert not second.exists("a")
    assert first.url != second.url == "memory://named"


def test_the_fakes_need_neither_pytest_nor_a_model():
    code = "import sys, eagleray.testing; print([n for n in ('pytest', 'torch', 'ray') if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
