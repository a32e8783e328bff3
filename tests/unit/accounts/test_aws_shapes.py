"""Our copies of AWS's rules for texts are AWS's: each is compared with botocore's own model."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import Loader

from accounts.model.aws_shapes import (
    CONTACT_INFORMATION,
    CONTACT_NEEDED,
    PERMISSION_SET,
    ROLE_DESCRIPTION,
    ROLE_NAME,
    SHAPES,
    Shape,
    check_shape,
)
from accounts.model.contacts import STATE_NEEDED
from kernel.errors import BadInput


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.service}-{shape.name}")
def test_a_shape_is_awss_own(shape: Shape) -> None:
    model = Loader().load_service_model(shape.service, "service-2")["shapes"][shape.name]

    assert (shape.chars_min, shape.chars_max) == (model.get("min", 0), model["max"])
    assert shape.pattern == model.get("pattern", "")


def test_a_contact_has_awss_fields_and_no_other() -> None:
    models = Loader().load_service_model("account", "service-2")["shapes"]
    information = models["ContactInformation"]

    assert {key: each.name for key, each in CONTACT_INFORMATION.items()} == {
        key: member["shape"] for key, member in information["members"].items()
    }
    assert sorted(information["required"]) == sorted(CONTACT_NEEDED)
    said = information["members"]["StateOrRegion"]["documentation"]
    assert all(country in said for country in STATE_NEEDED)
    assert len(STATE_NEEDED) == len(re.findall(r"\b[A-Z]{2}\b", said.partition("countries:")[2]))


@pytest.mark.parametrize(
    ("shape", "good"),
    [
        (ROLE_NAME, "Msp_Ops+=,.@-9"),
        (ROLE_NAME, "x" * 64),
        (PERMISSION_SET, "x" * 32),
        (ROLE_DESCRIPTION, ""),
        (ROLE_DESCRIPTION, "Löscht nichts\tund liest"),
    ],
)
def test_what_aws_takes_is_taken(shape: Shape, good: str) -> None:
    assert check_shape(good, shape, what="it") == good


@pytest.mark.parametrize(
    ("shape", "bad"),
    [
        (ROLE_NAME, ""),
        (ROLE_NAME, "x" * 65),
        (ROLE_NAME, "MspÜber"),
        (ROLE_NAME, "Msp١"),
        (ROLE_NAME, "MspOps\n"),
        (ROLE_NAME, "msp/Ops"),
        (PERMISSION_SET, "*"),
        (PERMISSION_SET, "a b/c"),
        (PERMISSION_SET, "${aws:username}"),
        (PERMISSION_SET, "x" * 33),
        (ROLE_DESCRIPTION, "株式会社"),
        (ROLE_DESCRIPTION, "a\x00b"),
    ],
)
def test_what_aws_does_not_take_is_refused_in_words(shape: Shape, bad: str) -> None:
    with pytest.raises(BadInput, match=r"^it (has|is)"):
        check_shape(bad, shape, what="it")
