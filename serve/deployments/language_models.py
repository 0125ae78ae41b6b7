"""Language models on Ray Serve, each by vLLM, behind one server of OpenAI's API.

Run as a file by the Python of the environment for language models, which has nothing of this project: so it
imports nothing of it. It reads what to serve as a line of JSON from standard input, writes a line of JSON to
standard output when the models answer, and serves until it is told to end, or its standard input ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

_NAME = "language_models"


def serve_models(asked: dict[str, Any], ready_at: int) -> None:
    """Serve models until SIGTERM or SIGINT.

    Args:
        asked: `models`, keyword arguments of `LLMConfig` each; `ingress`, options of its deployment; `port`;
            `address` of a Ray cluster, or `local` for one that begins and ends here, with `cpus` to place
            replicas by.
        ready_at: descriptor of the file that is told when the models answer.
    """
    import ray  # vLLM, which comes with it, prints as it is imported
    from ray import serve
    from ray.serve.llm import LLMConfig, build_openai_app

    is_local = asked["address"] == "local"
    options = {"include_dashboard": False, "num_cpus": asked["cpus"]} if is_local else {}
    ray.init(address=asked["address"], **options)
    serve.start(http_options={"host": "127.0.0.1", "port": asked["port"]})
    models = [LLMConfig(**model) for model in asked["models"]]
    built = build_openai_app({"llm_configs": models, "ingress_deployment_config": asked["ingress"]})
    serve.run(built, name=_NAME, route_prefix="/")
    os.write(ready_at, json.dumps({"metrics_port": _find_metrics_port()}).encode() + b"\n")
    _wait_for_end()
    serve.delete(_NAME)  # replies that are being written are finished; a local cluster then ends with this


def _find_metrics_port() -> int:
    """Return the port at which Ray tells of this machine, the engines here included."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # ray has no types here
    return int(next(node["MetricsExportPort"] for node in nodes if node["NodeID"] == here))


def _wait_for_end() -> None:
    """Wait for SIGTERM or SIGINT."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    while not told.wait(timeout=1.0):
        pass


def _end_with_input() -> None:
    """Have this process end where its standard input does: what had started it is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what Ray and vLLM print is no answer
    what = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    serve_models(what, answers)
