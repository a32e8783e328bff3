"""Owns how the core's values are written down: plain JSON, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_adapters: dict[type, TypeAdapter[Any]] = {}


def to_json(value: object) -> Any:
    """Plain JSON of a value of the core: decimals as text, sets sorted, nothing lost."""
    return to_plain(_adapter(type(value)).dump_python(value))


def from_json(kind: type[T], plain: Any) -> T:
    """The value that `to_json` wrote."""
    value: T = _adapter(kind).validate_python(plain)
    return value


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_plain(value: Any) -> Any:
    """Plain JSON of nested mappings, sequences and scalars."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(to_plain(item) for item in value)
        case list() | tuple():
            return [to_plain(item) for item in value]
        case _:
            raise TypeError(f"no canonical form for {type(value).__name__}")
