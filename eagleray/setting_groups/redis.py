"""Settings of what several serving processes share through Redis."""

from __future__ import annotations

from typing import Final, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from eagleray.setting_groups import FROZEN

_SCHEMES: Final = ("redis://", "rediss://", "unix://")
_LEAST_SECRET: Final = 16


class RedisSettings(BaseModel):
    """Where Redis is, and what is kept there.

    Attributes:
        url: `redis://…`, `rediss://…` (TLS) or `unix://…`; may hold a password. `None` shares nothing.
        password: where the URL holds none.
        secret: of at least 16 characters, the same for all who share; names and values are derived from it.
        timeout_s: seconds that connecting and one command may take.
        pause_s: seconds that Redis is left alone after it failed.
        ttl_s: seconds that vectors and answers are kept.
        results: whether whole answers are kept, beside the vectors of questions.
        max_result_bytes: a longer answer is not kept.
    """

    model_config = FROZEN

    url: SecretStr | None = None
    password: SecretStr | None = None
    secret: SecretStr | None = None
    timeout_s: float = Field(default=0.05, gt=0.0, le=5.0)
    pause_s: float = Field(default=1.0, gt=0.0, le=600.0)
    ttl_s: int = Field(default=3600, ge=1, le=30 * 86_400)
    results: bool = True
    max_result_bytes: int = Field(default=1 << 20, ge=1, le=64 << 20)

    @model_validator(mode="after")
    def _refuse_half_of_it(self) -> Self:
        if self.url is None:
            return self
        if not self.url.get_secret_value().startswith(_SCHEMES):
            raise ValueError(f"expected URL to begin with {', '.join(_SCHEMES)}")
        if self.secret is None or len(self.secret.get_secret_value()) < _LEAST_SECRET:
            raise ValueError(f"expected SECRET of at least {_LEAST_SECRET} characters beside URL")
        return self
