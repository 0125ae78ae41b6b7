"""How language models are served: one file of settings, in which everything that could grow has a bound."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eagleray.errors import InputError

_FOLDER: Final = Path(__file__).parent / "profiles"
_STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True)
_CACHE_BOUNDS: Final = ("kv_cache_memory_bytes", "gpu_memory_utilization")
_ENGINE_BOUNDS: Final = ("max_model_len", "max_num_seqs")
_HEALTH_TIMEOUT_S: Final = 60.0
"""An engine that reads long conversations on busy cores is slow to say that it lives."""

_STARTS: Final = 1
"""Of a replica: a model that cannot be loaded is told, and not loaded twenty times."""

Count = Annotated[int, Field(ge=1)]


class ReplicaBounds(BaseModel):
    """How many processes do the same.

    Attributes:
        min: that there always are.
        max: that there are at most.
        target_ongoing_requests: of one, beyond which another is begun; needed where `max` is more than `min`.
    """

    model_config = _STRICT

    min: Count = 1
    max: Count = 1
    target_ongoing_requests: Count | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max is {self.max}, less than min, {self.min}")
        if self.max > self.min and self.target_ongoing_requests is None:
            raise ValueError("target_ongoing_requests says when another is begun; max is more than min")
        return self

    def show(self) -> dict[str, Any]:
        """Return them as options of a deployment of Ray Serve."""
        if self.target_ongoing_requests is None:
            return {"num_replicas": self.min}
        scaling = {
            "min_replicas": self.min,
            "max_replicas": self.max,
            "target_ongoing_requests": self.target_ongoing_requests,
        }
        return {"autoscaling_config": scaling}


class IngressSettings(BaseModel):
    """What takes requests, and passes them on to the models.

    Attributes:
        max_ongoing_requests: that one replica has at once.
    """

    model_config = _STRICT

    replicas: ReplicaBounds = ReplicaBounds()
    max_ongoing_requests: Count

    def show(self) -> dict[str, Any]:
        """Return it as options of a deployment of Ray Serve."""
        return {"max_ongoing_requests": self.max_ongoing_requests, **self.replicas.show()}


class Accelerator(BaseModel):
    """What the models compute on."""

    model_config = _STRICT

    kind: Literal["cpu", "gpu"]


class Lora(BaseModel):
    """LoRA adapters, each of which is a model `NAME:ADAPTER`.

    Attributes:
        path: `s3://`, `gs://` or `abfss://` folder with a folder for each adapter.
        max_per_replica: that one replica holds at once; the one not used for longest leaves.
    """

    model_config = _STRICT

    path: Annotated[str, Field(pattern="^(s3|gs|abfss|azure)://.")]
    max_per_replica: Count


class ServedModelSettings(BaseModel):
    """How each model is served.

    Attributes:
        max_ongoing_requests: that one replica has at once, waiting ones included.
        max_queued_requests: that wait for a replica; beyond, callers are refused.
        engine: arguments of vLLM's engine: tokens, sequences and cache are bounded.
        environment: variables of its processes.
    """

    model_config = _STRICT

    accelerator: Accelerator
    replicas: ReplicaBounds = ReplicaBounds()
    max_ongoing_requests: Count
    max_queued_requests: Count
    engine: dict[str, Any]
    environment: dict[str, str] = Field(default_factory=dict)
    lora: Lora | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        missing = [name for name in _ENGINE_BOUNDS if name not in self.engine]
        if not any(name in self.engine for name in _CACHE_BOUNDS):
            missing.append(" or ".join(_CACHE_BOUNDS))
        if missing:
            raise ValueError(f"engine has no {', no '.join(missing)}: nothing bounds what it takes")
        return self

    def show(self, *, name: str, folder: Path) -> dict[str, Any]:
        """Return arguments of `ray.serve.llm.LLMConfig` for a model in a folder."""
        lora = {"dynamic_lora_loading_path": self.lora.path} if self.lora else {}
        deployment = {
            "max_ongoing_requests": self.max_ongoing_requests,
            "max_queued_requests": self.max_queued_requests,
            "health_check_timeout_s": _HEALTH_TIMEOUT_S,
            "max_constructor_retry_count": _STARTS,
            **self.replicas.show(),
        }
        shown = {
            "model_loading_config": {"model_id": name, "model_source": str(folder)},
            "accelerator_config": self.accelerator.model_dump(),
            "deployment_config": deployment,
            "engine_kwargs": self.engine | ({"enable_lora": True} if self.lora else {}),
            "runtime_env": {"env_vars": {**OFFLINE, **self.environment}},
        }
        if self.lora:
            shown["lora_config"] = {**lora, "max_num_adapters_per_replica": self.lora.max_per_replica}
        return shown


OFFLINE: Final[Mapping[str, str]] = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
"""Variables by which vLLM asks no server about models, and tells none of what it does."""


class ServingProfile(BaseModel):
    """A file of settings, for one model or several that are served alike."""

    model_config = _STRICT

    model: ServedModelSettings
    ingress: IngressSettings


def load_profile(name: str) -> ServingProfile:
    """Return a profile: one that comes with this package, by its name, or that of a YAML file.

    Raises:
        InputError: there is none, or it cannot be read; says which value is wrong.
    """
    known = {path.stem: path for path in sorted(_FOLDER.glob("*.yaml"))}
    path = known.get(name, Path(name))
    try:
        return ServingProfile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}, or a YAML file"
        raise InputError(detail=f"there is no profile {name!r}; {hint}") from error
    except yaml.YAMLError as error:
        raise InputError(detail=f"profile {name}: not valid YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:3]
        )
        raise InputError(detail=f"profile {name}: {faults}") from error
