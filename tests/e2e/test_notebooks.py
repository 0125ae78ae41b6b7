from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
nbformat = pytest.importorskip("nbformat", reason="no notebooks: pip install 'eagleray[notebooks]'")
pytest.importorskip("ipykernel", reason="no kernel: pip install 'eagleray[notebooks]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Jupyter's own deprecation notices

ROOT = Path(__file__).parents[2]


def execute(name, *, folder, temporary):
    """Run a notebook as if it were started in `folder`; return cell id -> everything it showed, as text."""
    from nbclient import NotebookClient

    book = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    client = NotebookClient(
        book,
        timeout=900,
        startup_timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, "TMPDIR": str(temporary)})
    return {
        cell.id: "".join(part.get("text") or part["data"]["text/plain"] for part in cell.outputs)
        for cell in book.cells
        if cell.cell_type == "code"
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A checkout in which the demo has not run."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "notebooks").mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


@pytest.fixture(scope="module")
def built(root):
    """What the quick start shows where it has to build its collection, and where it put it."""
    with tempfile.TemporaryDirectory(prefix="q-") as temporary:  # a short path: Ray's sockets lie below it
        shown = execute("01_quick_start.ipynb", folder=root, temporary=temporary)
        yield shown, next(Path(temporary).glob("eagleray-*"))


def test_the_quick_start_finds_the_passage_and_says_where_it_stands(built):
    shown, _ = built
    assert "<LocalCollection 'sample', snapshot " in shown["open"]
    assert "IProgress" not in shown["open"]
    assert "ipywidgets" not in shown["open"]
    assert "Sales by Contract Type" in shown["search"]
    assert "sample/annual_reports.jsonl" in shown["search"]


def test_the_quick_start_gets_two_answers_on_two_days(built):
    before, after = built[0]["as-of"].splitlines()
    assert before.startswith("2022-02-01 | House view, 14 January 2022")
    assert "once in 2022" in before
    assert after.startswith("2022-02-18 | House view, revised 17 February 2022")
    assert "five times in 2022" in after


def test_the_quick_start_filters_and_keeps_years_whole(built):
    lines = [
        line for line in built[0]["filter"].splitlines() if "annual report" not in line and "2019" in line
    ]
    assert len(lines) == 4
    assert all("  2019  table" in line for line in lines)
    assert all("Cubic Corp" in line or "Vodafone Group PLC" in line for line in lines)


def test_the_quick_start_hides_the_restricted_note_from_others(built):
    assert built[0]["groups"].splitlines() == [
        "[] []",
        "['equity-syndicate'] ['Restricted: Vodafone block trade']",
    ]


def test_the_quick_start_explains_its_answer(built):
    assert "373 chunks visible, exact: True" in built[0]["explain"]
    assert "n_selected" in built[0]["explain"]


def test_the_quick_start_finds_the_two_weeks_in_which_the_answer_changed(built):
    panel = built[0]["panel"]
    assert [day for day in ("2022-01-10", "2022-01-17", "2022-02-14", "2022-02-21") if day in panel] == [
        "2022-01-17",
        "2022-02-21",
    ]


def test_the_quick_start_lists_the_snapshot_that_it_published(built):
    shown = built[0]["snapshots"]
    assert "[live]" in shown or "(live,)" in shown
    assert "304" in shown


def test_the_quick_start_opens_the_demos_collection_from_the_notebooks_folder(built, root):
    shown, store = built
    (root / ".demo").mkdir()
    shutil.copytree(store, root / ".demo" / "store")
    again = execute("01_quick_start.ipynb", folder=root / "notebooks", temporary=root)
    assert list(root.glob("eagleray-*")) == []
    assert {**again, "open": ""} == {**shown, "open": ""}
