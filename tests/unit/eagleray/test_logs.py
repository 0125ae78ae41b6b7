from __future__ import annotations

import json
import logging
import subprocess
import sys

from eagleray.logs import NAME, configure_logs, get_logger, write_all_as_json
from eagleray.setting_groups.serving import LogSettings


def test_an_event_is_one_json_line_with_its_keys_where_standard_error_is_no_terminal(capsys):
    configure_logs(LogSettings(level="info"))
    get_logger().info("run_begun", collection="desk", n_rows=3)
    printed = capsys.readouterr()
    shown = json.loads(printed.err)
    assert printed.out == ""
    assert shown.pop("timestamp").endswith("Z")
    assert shown == {"event": "run_begun", "level": "info", "collection": "desk", "n_rows": 3}


def test_console_lines_are_for_people(capsys):
    configure_logs(LogSettings(level="info", format="console"))
    get_logger().info("run_begun", collection="desk")
    shown = capsys.readouterr().err
    assert "run_begun" in shown
    assert "collection=desk" in shown


def test_only_warnings_are_written_unless_the_settings_say_more(capsys):
    configure_logs(LogSettings())
    get_logger().info("run_begun")
    assert capsys.readouterr().err == ""
    get_logger().warning("gate_failed")
    assert json.loads(capsys.readouterr().err)["event"] == "gate_failed"


def test_configuring_twice_writes_once(capsys):
    for _ in range(2):
        configure_logs(LogSettings(level="info"))
    get_logger().info("run_begun")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_importing_configures_nothing_and_prints_nothing():
    code = (
        "import logging, structlog, indexes.service, eagleray.logs;"
        "eagleray.logs.get_logger().warning('gate_failed');"
        "print(structlog.is_configured(), logging.getLogger().handlers, logging.getLogger('eagleray').level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("False [] 0", "")


def test_a_program_with_its_own_logging_gets_the_events(caplog):
    with caplog.at_level(logging.INFO, logger=NAME):
        get_logger().info("run_begun", collection="desk")
    assert caplog.records[0].msg["event"] == "run_begun"
    assert caplog.records[0].msg["collection"] == "desk"


ALL = """
import asyncio, logging, sys, threading, warnings
from eagleray.logs import configure_logs, get_logger, write_all_as_json
from eagleray.setting_groups.serving import LogSettings

settings = LogSettings(level="info", format="json")
configure_logs(settings)
write_all_as_json(settings)
get_logger().info("begun", path="a\\nb\\x1b[31m\\u2028")
logging.getLogger("uvicorn.error").warning("Invalid\\nrequest \\x1b[31m%s", "x" * 9_000)
logging.getLogger("lib").info("not told")
warnings.warn("old\\nway", DeprecationWarning)

def fail():
    raise ValueError("secret words")

try:
    fail()
except ValueError:
    logging.getLogger("lib").exception("failed")
thread = threading.Thread(target=fail)
thread.start()
thread.join()

class Late:
    def __del__(self):
        fail()

Late()

async def leave():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

asyncio.run(leave())
fail()
"""


def test_what_anybody_tells_in_a_server_is_one_json_object_a_line_without_what_errors_quote():
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stderr.split("\n")[:-1]]
    assert [line["event"] for line in told] == ["begun", *["library_told"] * 7]
    assert [line.get("error") for line in told] == [None, None, None, *["ValueError"] * 5]
    assert all(" fail" in line["at"][-1] for line in told[3:])
    assert {line["timestamp"][-1] for line in told} == {"Z"}
    assert "secret" not in done.stderr
    assert "not told" not in done.stderr
    assert max(map(len, done.stderr.split("\n"))) < 2_000


def test_for_people_nothing_changes_what_libraries_tell(monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers := [])
    write_all_as_json(LogSettings(format="console"))
    assert logging.getLogger().handlers is handlers
