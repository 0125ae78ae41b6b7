"""What a serving process costs while it is asked: processor time, memory, and how long others wait."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

_TICK_S: Final = 1.0 / os.sysconf("SC_CLK_TCK")
_PAUSE_S: Final = 0.02
_TIMEOUT_S: Final = 60.0


def find_listener(url: str) -> psutil.Process:
    """Return the process that listens at a URL.

    Raises:
        RuntimeError: nobody listens there.
    """
    port = urlsplit(url).port
    for item in psutil.net_connections("tcp"):
        if item.status == psutil.CONN_LISTEN and item.laddr.port == port and item.pid:
            return psutil.Process(item.pid)
    raise RuntimeError(f"nobody listens at {url}")


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A process and all that it has started, also those that have ended."""

    root: psutil.Process

    def read_cpu_s(self) -> float:
        """Return the processor time of all of them so far, seconds."""
        total = 0.0
        for process in (self.root, *self.root.children(recursive=True)):
            with suppress(OSError):
                total += _read_clock(process.pid) + _read_ended(process.pid)
        return total

    def read_uss_bytes(self) -> int:
        """Return the memory that they hold for themselves, bytes."""
        total = 0
        for process in (self.root, *self.root.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_full_info().uss
        return total


def _read_clock(pid: int) -> float:
    """Return the processor time of a process. Source: Linux, posix-timers.h, CPUCLOCK_SCHED."""
    return time.clock_gettime((~pid << 3) | 2)


def _read_ended(pid: int) -> float:
    """Return the processor time of a process's ended children. Source: proc(5), cutime, cstime."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * _TICK_S


class LiveWatch:
    """Asks `/health/live` again and again from a process of its own, and keeps the longest wait."""

    def __init__(self, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._worst: Synchronized[float] = context.Value("d", 0.0)
        self._n_failed: Synchronized[int] = context.Value("i", 0)
        self._process = context.Process(target=_watch, args=(url, self._worst, self._n_failed), daemon=True)

    def __enter__(self) -> LiveWatch:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    @property
    def n_failed(self) -> int:
        """Answers that were none, or not 200."""
        return self._n_failed.value

    def take_worst_s(self) -> float:
        """Return the longest wait since this was asked last, seconds."""
        with self._worst.get_lock():
            worst, self._worst.value = self._worst.value, 0.0
        return worst


def _watch(url: str, worst: Synchronized[float], n_failed: Synchronized[int]) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_S)
    while True:
        started = time.perf_counter()
        try:
            connection.request("GET", "/health/live")
            answer = connection.getresponse()
            answer.read()
            is_well = answer.status == 200
        except (OSError, http.client.HTTPException):
            connection.close()
            is_well = False
        waited_s = time.perf_counter() - started
        with worst.get_lock():
            worst.value = max(worst.value, waited_s)
        if not is_well:
            with n_failed.get_lock():
                n_failed.value += 1
        time.sleep(_PAUSE_S)
