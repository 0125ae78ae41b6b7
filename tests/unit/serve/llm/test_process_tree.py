from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from serve.llm.process_tree import run_whole

STUBBORN = r"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:  # an orphan in a group of its own, which names itself as an engine's worker does
    os.setsid()
    if os.fork() == 0:
        open("/proc/self/comm", "w").write("VLLM) 1 (W")
        os.write(1, b"%d\n" % os.getpid())
        signal.pause()
    os._exit(0)
os.wait()
os.write(1, b"%d\n" % os.getpid())
signal.pause()
"""


def is_there(pid):
    return Path(f"/proc/{pid}").exists()


def start(*, grace_s=0.1):
    return run_whole([sys.executable, "-c", STUBBORN], variables={"A": "b c"}, grace_s=grace_s)


def test_nothing_is_left_of_what_takes_no_signal_and_of_an_orphan_in_another_group():
    with start() as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        assert all(map(is_there, pids))
    assert not any(map(is_there, pids))
    assert process.returncode == -signal.SIGKILL


def test_an_orphan_ends_too_where_its_starter_ended_before_the_block():
    with start() as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        process.wait()
        assert sum(map(is_there, pids)) == 1
    assert not any(map(is_there, pids))


def test_it_ends_where_the_block_fails():
    with pytest.raises(LookupError), start() as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        raise LookupError
    assert not any(map(is_there, pids))


def test_children_from_before_are_left():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        with start() as process:
            process.stdout.readline()
        assert other.poll() is None
