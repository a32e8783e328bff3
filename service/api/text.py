"""Owns what text may come in: of every string of a body, whatever its field."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

WITHOUT_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"
"""As the OpenAPI document says it of every text without a pattern of its own."""

TURNED_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They show a text in another order than it has (Unicode Technical Report 36)."""


def check_text(text: str) -> str:
    """Raises ValueError on what no name, word or number has, or what passes for another.

    NUL, which PostgreSQL cannot store; other control characters and line separators; halves of
    surrogate pairs; turning characters; digits but 0 to 9, which Python takes for numbers and AWS
    does not.
    """
    for char in text:
        category = unicodedata.category(char)
        if category in {"Cc", "Cs", "Zl", "Zp"} or char in TURNED_ROUND:
            raise ValueError(f"U+{ord(char):04X} may not be in a text")
        if category == "Nd" and not char.isascii():
            raise ValueError(f"U+{ord(char):04X} looks like a digit; write 0 to 9")
    return text


def check_texts(given: Any) -> Any:
    """Of whatever JSON holds, as deep as it goes."""
    match given:
        case str():
            check_text(given)
        case list():
            for each in given:
                check_texts(each)
        case dict():
            for name, each in given.items():
                check_text(name)
                check_texts(each)
    return given


def _note_pattern(schema: dict[str, Any]) -> None:
    for name, shown in schema.get("properties", {}).items():
        schema["properties"][name] = _with_pattern(shown)


def _with_pattern(shown: Mapping[str, Any]) -> dict[str, Any]:
    said = dict(shown)
    if said.get("type") == "string" and not said.keys() & {"pattern", "enum", "format", "const"}:
        return {**said, "pattern": WITHOUT_CONTROLS}
    if "additionalProperties" in said:
        # What pydantic says of a name is not that it is a string: no JSON has another.
        said["propertyNames"] = {"type": "string", **said.get("propertyNames", {})}
    for inside in ("items", "additionalProperties", "propertyNames"):
        if isinstance(said.get(inside), dict):
            said[inside] = _with_pattern(said[inside])
    if "anyOf" in said:
        said["anyOf"] = [_with_pattern(each) for each in said["anyOf"]]
    return said


class PlainText(BaseModel):
    """Every string in it is checked before its field sees it."""

    model_config = ConfigDict(json_schema_extra=_note_pattern)

    @field_validator("*", mode="before")
    @classmethod
    def _check_texts(cls, given: Any) -> Any:
        return check_texts(given)
