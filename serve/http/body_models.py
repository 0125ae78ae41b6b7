"""What the models of all bodies share: how `null`, unknown fields and truth values are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import GenericAlias, MappingProxyType, NoneType
from typing import Annotated, Any, ClassVar, Final, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic.json_schema import SkipJsonSchema

from eagleray.contracts.hits import RULE, OptionRule

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


Share = Annotated[Finite, Field(ge=0.0, le=1.0)]
"""A number from 0 to 1."""


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
        named_elsewhere: name that another body has for a field -> its name here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kept_nulls: ClassVar[frozenset[str]] = frozenset()
    named_elsewhere: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if len(value) > MAX_FIELDS:
            raise ValueError(f"expected at most {MAX_FIELDS} fields, found {len(value)}")
        for other, name in cls.named_elsewhere.items():
            if other in value and name not in value:
                raise ValueError(f"`{other}` is called `{name}` here")
        absent = {
            name for name, field in cls.model_fields.items() if not field.is_required()
        } - cls.kept_nulls
        return {name: item for name, item in value.items() if item is not None or name not in absent}


MAX_MEMBERS: Final = 8
"""Members of a mapping within a body."""

BodyKind = TypeVar("BodyKind", bound=Body)


def with_fields_of(options: type, **bodies: type[Body]) -> Callable[[type[BodyKind]], type[BodyKind]]:
    """Return what gives a body a field for each option: of its type, within its bounds, with its default.

    Args:
        options: a frozen dataclass whose fields have rules (`hits.OptionRule`).
        bodies: for options that are options themselves, by their names, the body each is.
    """
    hints = get_type_hints(options)

    def derive(body: type[BodyKind]) -> type[BodyKind]:
        derived: dict[str, Any] = {}
        for item in fields(options):
            rule: OptionRule = item.metadata[RULE]
            inner, hint = bodies.get(item.name), hints[item.name]
            bounds = _list_bounds(hint, rule) if hint in _NUMBERS else {}
            kind = inner or _choose_type(hint, rule)
            default = inner() if inner else item.default
            derived[item.name] = (kind, Field(default=default, description=rule.description, **bounds))
        made: type[BodyKind] = create_model(
            body.__name__, __base__=body, __module__=body.__module__, __doc__=body.__doc__, **derived
        )
        return made

    return derive


_NUMBERS: Final[Mapping[Any, Any]] = {int: Int, float: Finite}
"""A number's type -> the one that it has in a body."""


def _choose_type(hint: Any, rule: OptionRule) -> Any:
    """Return the type that a field of a body has for an option; numbers inside it have their bounds."""
    if NoneType in get_args(hint):
        (given,) = (part for part in get_args(hint) if part is not NoneType)
        return _bound(given, rule) | None
    if get_origin(hint) is not None:
        name, number = get_args(hint)
        return Annotated[GenericAlias(dict, (name, _bound(number, rule))), bound_items(MAX_MEMBERS)]
    return _NUMBERS.get(hint, hint)


def _bound(hint: Any, rule: OptionRule) -> Any:
    kind, bounds = _choose_type(hint, rule), _list_bounds(hint, rule) if hint in _NUMBERS else {}
    return Annotated[kind, Field(**bounds)] if bounds else kind


def _list_bounds(kind: Callable[[float], float], rule: OptionRule) -> dict[str, Any]:
    given = {"ge": rule.least, "le": rule.most}
    return {name: kind(bound) for name, bound in given.items() if bound is not None}
