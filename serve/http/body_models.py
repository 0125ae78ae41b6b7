"""What the models of all bodies share: how `null`, unknown fields and truth values are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

MAX_FIELDS: Final = 64
"""Fields of one object, known or not: each unknown one would be a sentence of the answer."""


def _refuse_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number, found a truth value")
    return value


Int = Annotated[int, BeforeValidator(_refuse_truth)]
"""A whole number; `true` is none."""

Finite = Annotated[float, BeforeValidator(_refuse_truth), Field(allow_inf_nan=False)]
"""A number that is neither infinite nor `NaN`; `true` is none."""


def bound_items(most: int) -> BeforeValidator:
    """Return what refuses an object of more members with one sentence, before any of them is looked at.

    Pydantic counts the members of an object last, and says of each what is wrong with it.
    """

    def check(value: object) -> object:
        if isinstance(value, Mapping) and len(value) > most:
            raise ValueError(f"expected at most {most} members, found {len(value)}")
        return value

    return BeforeValidator(check)


Absent = SkipJsonSchema[None]
"""What an optional field has that is not given, where a description names no null."""


def drop_null_entries(value: Any) -> Any:
    """Return an object of named values without those that are `null`: they are not given."""
    if not isinstance(value, Mapping):
        return value
    return {name: item for name, item in value.items() if item is not None}


def lower_case(value: object) -> object:
    """Return text in lower case, and anything else as it is."""
    return value.lower() if isinstance(value, str) else value


def show_example(**example: Any) -> ConfigDict:
    """Return what shows an example of a body in the description of the API."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def describe_optional(description: str | None = None, **bounds: Any) -> Any:
    """Return what describes an optional field that has no default."""
    return Field(default=None, description=description, json_schema_extra=_drop_default, **bounds)


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class Body(BaseModel):
    """A body, or an object within one, whose fields are all known.

    `null` counts as not given wherever a field need not be given: clients write what they leave out so.

    Attributes:
        kept_nulls: fields that need not be given, and of which `null` says something all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kept_nulls: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if len(value) > MAX_FIELDS:
            raise ValueError(f"expected at most {MAX_FIELDS} fields, found {len(value)}")
        absent = {
            name for name, field in cls.model_fields.items() if not field.is_required()
        } - cls.kept_nulls
        return {name: item for name, item in value.items() if item is not None or name not in absent}
