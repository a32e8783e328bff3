"""What the OpenAPI document says of a field is what the field takes."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from service.api.accounts.handover_schemas import HandoverRequest
from service.api.accounts.roles import RoleRequest
from service.api.keys import KeyRequest, RotationRequest

WITHOUT_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"


def test_a_role_s_patterns_are_in_the_document() -> None:
    """AWS's, not that of any text: a check that asked first hid them."""
    said = RoleRequest.model_json_schema()["properties"]

    assert said["name"]["pattern"] == "^[A-Za-z0-9_+=,.@-]{1,64}$"
    assert said["team"]["pattern"] == "^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$"
    assert said["third_party_account"]["anyOf"][0]["pattern"] == "^[0-9]{12}$"
    assert said["managed"]["items"]["pattern"] == "^[A-Za-z0-9_+=,.@/:-]{1,512}$"


def test_names_of_an_object_are_texts_as_well() -> None:
    said = HandoverRequest.model_json_schema()["properties"]["client_contact"]

    assert said["propertyNames"] == {
        "type": "string", "maxLength": 40, "pattern": WITHOUT_CONTROLS,
    }  # fmt: skip


@pytest.mark.parametrize("hours", [24, 24.0])
def test_a_whole_number_is_one_however_it_is_written(hours: float) -> None:
    assert RotationRequest(overlap_hours=hours).overlap_hours == 24  # type: ignore[arg-type]


@pytest.mark.parametrize("hours", [24.5, "24", True, None, float("nan"), float("inf"), 169.0])
def test_what_is_no_whole_number_is_refused(hours: Any) -> None:
    with pytest.raises(ValidationError):
        RotationRequest(overlap_hours=hours)


def test_a_role_s_seconds_are_whole_however_they_are_written() -> None:
    """Of a form of the configuration file, which takes the same."""
    said = RoleRequest.model_json_schema()["properties"]["session_seconds"]
    asked = {"name": "Reader", "purpose": "x", "stage": "run", "trust": "human_mfa"}

    assert (said["type"], said["minimum"], said["maximum"]) == ("integer", 900, 43_200)
    assert RoleRequest.model_validate(asked | {"session_seconds": 3600.0}).session_seconds == 3_600
    with pytest.raises(ValidationError):
        RoleRequest.model_validate(asked | {"mfa_age_seconds": 3600.5})


def test_days_are_bounded_in_the_document() -> None:
    said = KeyRequest.model_json_schema()["properties"]["days"]

    assert said["anyOf"] == [{"type": "integer", "minimum": 1, "maximum": 3650}, {"type": "null"}]
