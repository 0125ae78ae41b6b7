"""Settings of evaluations."""

from __future__ import annotations

from pydantic import BaseModel, Field

from eagleray.setting_groups import FROZEN


class EvaluationSettings(BaseModel):
    """Where evaluations are tracked.

    Attributes:
        mlflow: folder, or `sqlite:///` and a file, in which MLflow keeps runs; empty for none.
        experiment: of MLflow, that they are filed under.
    """

    model_config = FROZEN

    mlflow: str = ""
    experiment: str = Field(default="eagleray", min_length=1)
