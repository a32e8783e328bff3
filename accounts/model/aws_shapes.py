"""Owns AWS's own rules for texts that people give us: each shape's characters and its length.

As AWS's API models have them, letter by letter (`tests/unit/accounts/test_aws_shapes.py` compares
them with botocore's); `\\w`, `\\d` and `\\s` mean ASCII there, as in Java.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernel.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    service: str
    name: str
    """As AWS's model of the service calls it."""
    pattern: str = ""
    chars_min: int
    chars_max: int
    words: str = "any characters"
    """What the pattern lets in, for people."""


ROLE_NAME = Shape(
    service="iam", name="roleNameType", pattern=r"[\w+=,.@-]+", chars_min=1, chars_max=64,
    words="ASCII letters, digits and _+=,.@-",
)  # fmt: skip
ROLE_DESCRIPTION = Shape(
    service="iam", name="roleDescriptionType",
    pattern=r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*", chars_min=0, chars_max=1_000,
    words="ASCII and western European letters",
)  # fmt: skip
PERMISSION_SET = Shape(
    service="sso-admin", name="PermissionSetName", pattern=r"[\w+=,.@-]+", chars_min=1,
    chars_max=32, words="ASCII letters, digits and _+=,.@-",
)  # fmt: skip
SESSION_NAME = Shape(
    service="sts", name="roleSessionNameType", pattern=r"[\w+=,.@-]*", chars_min=2, chars_max=64,
    words="ASCII letters, digits and _+=,.@-",
)  # fmt: skip

SHAPES = (ROLE_NAME, ROLE_DESCRIPTION, PERMISSION_SET, SESSION_NAME)


def check_shape(text: str, shape: Shape, *, what: str) -> str:
    """The text itself, or BadInput, which begins with `what`."""
    if not shape.chars_min <= len(text) <= shape.chars_max:
        raise BadInput(
            f"{what} has {shape.chars_min} to {shape.chars_max} characters, not {len(text)}"
        )
    if shape.pattern and re.fullmatch(shape.pattern, text, re.ASCII) is None:
        raise BadInput(f"{what} is {text!r}; AWS takes {shape.words}")
    return text
