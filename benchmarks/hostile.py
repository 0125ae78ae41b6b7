"""Texts, bodies, files and connections that were made to stop a server, sent to one that runs.

Run: python -m benchmarks.hostile --seed 1

Each text and file is sent at lengths that double; its growth is the processor time of the server and its
processes for one length by that for half of it. Meanwhile `/health/live` is asked without end. After each
kind the memory has ten seconds to come back to within 100 MB of what it was at the start.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import numpy as np

from benchmarks.hostile_connections import CONNECTIONS, hold_connections
from benchmarks.hostile_files import BOMBS, FILES, File
from benchmarks.hostile_requests import Costs, Make, Meter, climb, make_targets, measure_idle_rate
from benchmarks.hostile_texts import TEXTS
from benchmarks.http_fuzz import COLLECTION, KEYS_ALONE, write_notes
from benchmarks.process_cost import LiveWatch, ProcessTree, find_listener
from benchmarks.reporting import show_result
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.services import IngestRequest, KeyRequest
from eagleray.parts import JOBS
from eagleray.setting_groups.engine import EmbedderSettings, JobSettings
from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService

KINDS: Final = ("texts", "files", "bombs", "connections")
MAX_GROWTH: Final = 2.3
MAX_LIVE_MS: Final = 250.0
_MAX_MORE_BYTES: Final = 100 << 20
_SETTLE_S: Final = 10.0
_FILE_BYTES: Final = (32 << 10, 256 << 10)
_IDLE_S: Final = 3.0
_HOLD_S: Final = 5.0
_ATTACH_S: Final = 180.0
_STORES: Final = 4


class Siege:
    """Sends everything to one server, and keeps what was seen."""

    def __init__(self, url: str, key: str, *, rng: np.random.Generator) -> None:
        self._url, self._key, self._rng = url, key, rng
        self._tree = ProcessTree(find_listener(url))
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            timeout=_ATTACH_S,
        )
        self.costs, self.over_memory, self.worst_live = Costs(), list[str](), (0.0, "")

    def run(self, kinds: Sequence[str]) -> None:
        """Send the inputs of some kinds."""
        send = {
            "texts": self._send_texts,
            "files": self._send_files,
            "bombs": self._send_bombs,
            "connections": self._open_connections,
        }
        with LiveWatch(self._url) as live:
            self._live = live
            self._warm_up()
            self._meter = Meter(self._tree, idle_rate=measure_idle_rate(self._tree, seconds=_IDLE_S))
            self._start_bytes = self._tree.read_uss_bytes()
            live.take_worst_s()
            for kind in kinds:
                send[kind]()
            if live.n_failed:
                self.costs.failures.append(f"/health/live: {live.n_failed} not answered")
        self._client.close()

    def _warm_up(self) -> None:
        """Let what is made once be made before anything is measured."""
        for name in sorted(FILES)[:: len(FILES) // 8]:
            self._attach(FILES[name](2_000))
        for make in make_targets(COLLECTION).values():
            for words in ("bond", "spread coupon"):
                self._post("warm-up", make, words)

    def _send_texts(self) -> None:
        for target, make in make_targets(COLLECTION).items():
            names = sorted(TEXTS)
            self._rng.shuffle(names)
            for name in names:
                label = f"{target} of {name}"

                def work(n: int, name: str = name, make: Make = make, label: str = label) -> bool:
                    answer = self._post(label, make, TEXTS[name](n))
                    return answer is not None and answer.status_code != 413

                climb(label, work, self._meter, self.costs)
            self._look(target)

    def _send_files(self) -> None:
        first, most = _FILE_BYTES
        names = sorted(FILES)
        self._rng.shuffle(names)
        for name in names:

            def work(n: int, name: str = name) -> bool:
                return self._attach(FILES[name](n)) != ""

            climb(name, work, self._meter, self.costs, first=first, most=most)
            self._look(name)

    def _send_bombs(self) -> None:
        for name, make in BOMBS.items():
            file, started = make(), time.monotonic()
            threads = [threading.Thread(target=self._attach, args=(file,)) for _ in range(_STORES)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.costs.n_inputs += _STORES
            print(f"{name}: {time.monotonic() - started:.1f} s for {_STORES} at once", file=sys.stderr)
            self._look(name)

    def _open_connections(self) -> None:
        for name, kind in CONNECTIONS.items():
            self.costs.n_inputs += hold_connections(self._url, kind, key=self._key, seconds=_HOLD_S)
            self._look(name)

    def _post(self, label: str, make: Make, text: str) -> httpx.Response | None:
        """Send a request that carries a text; what fails is kept and `None`."""
        path, body = make(text)
        try:
            answer = self._client.post(path, content=json.dumps(body))
        except httpx.HTTPError as error:
            self.costs.failures.append(f"{label}: {type(error).__name__}")
            return None
        if answer.status_code >= 500:
            self.costs.failures.append(f"{label}: {answer.status_code} {answer.text[:200]}")
        return answer

    def _attach(self, file: File) -> str:
        """Upload a file, attach it, wait until that ends, and remove it; return its status."""
        data = {"purpose": "assistants"}
        try:
            uploaded = httpx.post(
                f"{self._url}/v1/files",
                files={"file": file},
                data=data,
                headers={"authorization": f"Bearer {self._key}"},
                timeout=_ATTACH_S,
            )
            if uploaded.status_code != 200:
                return self._refuse(file, uploaded)
            store = self._client.post("/v1/vector_stores", json={"name": "hostile"}).json()["id"]
            body = {"file_id": uploaded.json()["id"]}
            attached = self._client.post(f"/v1/vector_stores/{store}/files", json=body)
            status = self._wait(store, body["file_id"]) if attached.status_code == 200 else ""
            if not status:
                self._refuse(file, attached)
            self._client.delete(f"/v1/vector_stores/{store}")
            self._client.delete(f"/v1/files/{body['file_id']}")
        except httpx.HTTPError as error:
            self.costs.failures.append(f"{file[0]}: {type(error).__name__}")
            return ""
        return status

    def _wait(self, store: str, file_id: str) -> str:
        end = time.monotonic() + _ATTACH_S
        while time.monotonic() < end:
            status = self._client.get(f"/v1/vector_stores/{store}/files/{file_id}").json().get("status", "")
            if status != "in_progress":
                return str(status)
            time.sleep(0.05)
        self.costs.failures.append(f"{file_id}: still in progress after {_ATTACH_S:g} s")
        return ""

    def _refuse(self, file: File, answer: httpx.Response) -> str:
        """Return that nothing more is worth sending; 500 and above are failures."""
        if answer.status_code >= 500:
            self.costs.failures.append(f"{file[0]}: {answer.status_code} {answer.text[:200]}")
        return ""

    def _look(self, name: str) -> None:
        """Keep how long others waited, and whether the memory came back."""
        waited_s = self._live.take_worst_s()
        print(f"{name}: /health/live waited {waited_s * 1_000:.0f} ms", file=sys.stderr, flush=True)
        if waited_s > self.worst_live[0]:
            self.worst_live = (waited_s, name)
        end = time.monotonic() + _SETTLE_S
        while (more := self._tree.read_uss_bytes() - self._start_bytes) > _MAX_MORE_BYTES:
            if time.monotonic() > end:
                self.over_memory.append(f"{name}: {more >> 20} MB more than at the start")
                return
            time.sleep(0.5)


def main() -> None:
    """Run and print what was seen; fail where a bound was not kept."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            store=f"{folder}/store",
            collection=COLLECTION,
            embedder=EmbedderSettings(model="hashing"),
            jobs=JobSettings(workers=2),
        )
        source = write_notes(Path(folder) / "desk")
        JOBS.load(settings).ingest(IngestRequest(source=str(source)), lambda *_: None)
        request = KeyRequest(subject="hostile", roles=frozenset({Role.READER, Role.WRITER}))
        key = StoredKeyService(settings).create(request)["key"]
        with run_server(settings, options=(), env=KEYS_ALONE) as url:
            siege = Siege(url, key, rng=np.random.default_rng(chosen.seed))
            siege.run(chosen.kinds)
    costs = siege.costs
    for told in [*costs.failures[:50], *siege.over_memory]:
        print(told, file=sys.stderr)
    figures = {
        "inputs": costs.n_inputs,
        "worst_growth": round(costs.worst_growth, 2),
        "worst_growth_of": costs.worst_name,
        "longest_s": round(costs.longest_s, 2),
        "longest_of": costs.longest_name,
        "worst_live_ms": round(siege.worst_live[0] * 1_000, 1),
        "worst_live_of": siege.worst_live[1],
        "over_memory": len(siege.over_memory),
        "failures": len(costs.failures),
    }
    show_result(figures)
    is_kept = costs.worst_growth <= MAX_GROWTH and siege.worst_live[0] * 1_000 <= MAX_LIVE_MS
    if not is_kept or siege.over_memory or costs.failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
