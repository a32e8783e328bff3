"""Owns how values of the core are written down as plain JSON, and read back."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_adapters: dict[type, TypeAdapter[Any]] = {}


def to_json(value: object) -> Any:
    """JSON values; decimals and days as text, so that nothing is lost."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], plain: Any) -> T:
    """The value that `to_json` wrote."""
    value: T = _adapter(kind).validate_python(plain)
    return value


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
