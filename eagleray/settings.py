"""Settings: the only file that reads the environment.

Every setting is `EAGLERAY_<NAME>`, nested ones `EAGLERAY_<GROUP>__<NAME>`. Only composition
roots (the command line, a job's entry point, the notebook's `open`) call `load_settings`.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from eagleray.errors import InputError
from eagleray.setting_groups.engine import (
    ChunkerSettings,
    EmbedderSettings,
    GateSettings,
    IndexSettings,
    JobSettings,
    RerankerSettings,
    S3Settings,
    SearchSettings,
)
from eagleray.setting_groups.evaluation import EvaluationSettings
from eagleray.setting_groups.language import LanguageModelSettings
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.setting_groups.redis import RedisSettings
from eagleray.setting_groups.serving import (
    AuditSettings,
    AuthSettings,
    LogSettings,
    ServeSettings,
    TracingSettings,
)

_PREFIX: Final = "EAGLERAY_"

_COLLECTION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Names of collections: one folder of a store and one segment of a URL; none begins as a store's own do."""

_SERVICE_FACT: Final = re.compile(
    r"EAGLERAY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))"
)
_SERVICE_LINK: Final = re.compile(r"EAGLERAY_(\w+_)?PORT(_\d+_(TCP|UDP|SCTP))?")
"""What Kubernetes puts into every pod for a Service whose name begins with `eagleray`; a link holds a URL.

Source: Kubernetes, Service, Environment variables.
"""

_SERVICE_URL: Final = re.compile(r"(tcp|udp|sctp)://\S+", re.IGNORECASE)

_QUOTED: Final = re.compile(r"""(["']).*\1""", re.DOTALL)
"""A value as a file of variables has it that another program reads than a shell; no setting is like it."""


class Settings(BaseSettings):
    """All settings, validated and frozen.

    Attributes:
        store: folder, `file:///folder` or `s3://bucket/prefix`.
        collection: name of the corpus within the store.
        cache: folder for copies of segments of remote stores.
        api_key: shown to a server by `eagleray.connect` and `eagleray search --url`.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    store: str = Field(default="eagleray-store", min_length=1)
    collection: str = "default"
    cache: str = Field(default="~/.cache/eagleray", min_length=1)
    api_key: SecretStr | None = None
    s3: S3Settings = S3Settings()
    embedder: EmbedderSettings = EmbedderSettings()
    reranker: RerankerSettings = RerankerSettings()
    chunker: ChunkerSettings = ChunkerSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    serve: ServeSettings = ServeSettings()
    jobs: JobSettings = JobSettings()
    parsing: ParsingSettings = ParsingSettings()
    gate: GateSettings = GateSettings()
    auth: AuthSettings = AuthSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    redis: RedisSettings = RedisSettings()
    llm: LanguageModelSettings = LanguageModelSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @field_validator("collection")
    @classmethod
    def _check_collection(cls, name: str) -> str:
        if _COLLECTION.fullmatch(name) is None:
            expected = "1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit"
            raise ValueError(f"{name!r} is not the name of a collection; expected {expected}")
        return name

    @property
    def options(self) -> str:
        """Options of a command that name this collection, ready for a shell."""
        return f"--store {shlex.quote(self.store)} --collection {shlex.quote(self.collection)}"

    @property
    def cache_folder(self) -> Path:
        """Folder for copies of segments of remote stores."""
        return Path(self.cache).expanduser()


def load_named(
    *, store: str = "", collection: str = "", groups: Mapping[str, Mapping[str, object]] | None = None
) -> Settings:
    """Return the settings of a collection that is named.

    Args:
        store: folder or `s3://bucket/prefix`; empty leaves what the environment says.
        collection: its name; empty leaves what the environment says.
        groups: group -> settings of it to put on top, such as `{"jobs": {"workers": 4}}`.

    Raises:
        InputError: a setting cannot be used.
    """
    named = {"store": store, "collection": collection}
    return load_settings(**(groups or {}), **{name: value for name, value in named.items() if value})


def load_settings(**overrides: object) -> Settings:
    """Return the settings from the environment, with `overrides` on top.

    Names are read in any case. Variables that Kubernetes writes for its Services are passed over.

    Raises:
        InputError: a name is unknown or a value does not fit; says which and what is allowed.
    """
    given = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_PREFIX) and not _is_service_link(name.upper(), value)
    }
    known = {f"{_PREFIX}{name}".upper(): kind for name, kind in _list_kinds(Settings)}
    for name in sorted(given):
        if name.upper() not in known:
            raise InputError(detail=f"unknown setting {name}; {_find_nearest(name.upper(), known)}")
        if _QUOTED.fullmatch(given[name]) and not _is_secret(known[name.upper()]):
            detail = "the value has quotation marks around it, which are part of it; leave them out"
            raise InputError(detail=f"setting {name}: {detail}")
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        told = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            told = f"there is no such setting; {_find_nearest(f'{_PREFIX}{name}', known)}"
        raise InputError(detail=f"setting {_PREFIX}{name}: {told}") from error
    except SettingsError as error:
        raise InputError(detail=f"a setting of a whole group must be a JSON object: {error}") from error


def list_settings(settings: Settings) -> list[dict[str, str]]:
    """Return every setting in order: `setting`, its `value`, and its `source`.

    The source is `environment`, `option` where the command line names it, or `default`. A secret is shown as
    asterisks.
    """
    return [
        {"setting": name, "value": value, "source": _find_source(name, is_set=is_set)}
        for name, value, is_set in _list_values(settings, _PREFIX)
    ]


def forbid_usage_reports() -> None:
    """Set what keeps Ray and MLflow, where this process loads them, from reporting their use to anybody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


def _list_values(group: BaseModel, prefix: str) -> Iterator[tuple[str, str, bool]]:
    """Yield name, shown value, and whether it was given, of a group's settings."""
    for name in type(group).model_fields:
        value, full = getattr(group, name), f"{prefix}{name}".upper()
        if isinstance(value, BaseModel):
            yield from _list_values(value, f"{full}__")
        else:
            yield full, "" if value is None else str(value), name in group.model_fields_set


def _find_source(name: str, *, is_set: bool) -> str:
    """Return where the value of a setting comes from."""
    given = {other.upper() for other in os.environ}
    if name in given or (is_set and name.rpartition("__")[0] in given):
        return "environment"
    return "option" if is_set else "default"


def _is_service_link(name: str, value: str) -> bool:
    """Return whether Kubernetes wrote a variable for a Service: no setting, and no misspelt one either."""
    is_link = _SERVICE_LINK.fullmatch(name) is not None and _SERVICE_URL.fullmatch(value) is not None
    return is_link or _SERVICE_FACT.fullmatch(name) is not None


def _find_nearest(name: str, known: Collection[str]) -> str:
    """Return what to do about an unknown name, in upper case."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else "docs/reference.md lists every setting"


def _is_secret(kind: object) -> bool:
    """Return whether a setting of a type is a secret, which may be any text."""
    return kind is SecretStr or SecretStr in get_args(kind)


def _list_kinds(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """Yield the name and the type of each setting of a group and of each group within it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ((f"{name}__{inner}", inner_kind) for inner, inner_kind in _list_kinds(kind))
        yield name, kind
