"""Owns how values of the core are written down as plain JSON, and read back.

Fields that a later version adds have defaults, so that a weeks-old record is read as it was meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Form:
    adapter: TypeAdapter[Any]
    has_sets: bool
    """Asked once for a type: writing sets in order is slow, and a statement has none."""


_forms: dict[type, _Form] = {}


def to_json(value: object) -> Any:
    """JSON values; decimals and days as text, so that nothing is lost; a set in its sorted order.

    As it stands, a set has another order in each process, and equal values would be stored as
    different text.
    """
    form = _form(type(value))
    if not form.has_sets:
        return form.adapter.dump_python(value, mode="json")
    return to_jsonable_python(_in_order(form.adapter.dump_python(value)))


def from_json(kind: type[T], plain: Any) -> T:
    """The value that `to_json` wrote."""
    value: T = _form(kind).adapter.validate_python(plain)
    return value


def _form(kind: type) -> _Form:
    if kind not in _forms:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        _forms[kind] = _Form(adapter, _has_sets(adapter.core_schema))
    return _forms[kind]


def _has_sets(schema: Any) -> bool:
    match schema:
        case {"type": "set" | "frozenset"}:
            return True
        case dict():
            return any(map(_has_sets, schema.values()))
        case list() | tuple():
            return any(map(_has_sets, schema))
    return False


def _in_order(tree: Any) -> Any:
    match tree:
        case dict():
            return {key: _in_order(each) for key, each in tree.items()}
        case list() | tuple():
            return [_in_order(each) for each in tree]
        case set() | frozenset():
            return sorted(tree)
    return tree
