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


def _contact(name: str, chars_max: int, pattern: str = "", words: str = "any characters") -> Shape:
    return Shape(
        service="account", name=name, pattern=pattern, chars_min=1, chars_max=chars_max, words=words
    )


ALTERNATE_CONTACT = {
    "name": _contact("Name", 64),
    "title": _contact("Title", 50),
    "email": _contact(
        "EmailAddress", 254, r"[\s]*[\w+=.#|!&-]+@[\w.-]+\.[\w]+[\s]*", "a plain ASCII address"
    ),
    "phone": _contact("PhoneNumber", 25, r"[\s0-9()+-]+", "digits, blanks and ()+-"),
}
"""Of the three contacts that AWS calls alternate, by our field."""
CONTACT_INFORMATION = {
    "FullName": _contact("FullName", 50),
    "CompanyName": _contact("CompanyName", 50),
    "AddressLine1": _contact("AddressLine", 60),
    "AddressLine2": _contact("AddressLine", 60),
    "AddressLine3": _contact("AddressLine", 60),
    "City": _contact("City", 50),
    "DistrictOrCounty": _contact("DistrictOrCounty", 50),
    "StateOrRegion": _contact("StateOrRegion", 50),
    "PostalCode": _contact("PostalCode", 20),
    "CountryCode": Shape(service="account", name="CountryCode", chars_min=2, chars_max=2),
    "PhoneNumber": _contact(
        "ContactInformationPhoneNumber", 20, r"[+][\s0-9()-]+",
        "+ and then digits, blanks and ()-: the number with its country's code",
    ),
    "WebsiteUrl": _contact("WebsiteUrl", 256),
}  # fmt: skip
"""Of an account's primary contact, by AWS's own field."""
CONTACT_NEEDED = ("AddressLine1", "City", "CountryCode", "FullName", "PhoneNumber", "PostalCode")

SHAPES = (
    ROLE_NAME, ROLE_DESCRIPTION, PERMISSION_SET, SESSION_NAME, *ALTERNATE_CONTACT.values(),
    *CONTACT_INFORMATION.values(),
)  # fmt: skip


def check_shape(text: str, shape: Shape, *, what: str) -> str:
    """The text itself, or BadInput, which begins with `what`."""
    if not shape.chars_min <= len(text) <= shape.chars_max:
        raise BadInput(
            f"{what} has {shape.chars_min} to {shape.chars_max} characters, not {len(text)}"
        )
    if shape.pattern and re.fullmatch(shape.pattern, text, re.ASCII) is None:
        raise BadInput(f"{what} is {text!r}; AWS takes {shape.words}")
    return text
