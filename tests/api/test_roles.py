"""Roles of one's own over HTTP: judged before they are stored, by AWS's rules and ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.store.database import Database
from tests.api.test_onboardings import ONBOARDER, caller
from tests.support.onboarding import opened

ROLE: dict[str, Any] = {
    "name": "OurOps", "purpose": "Looks", "stage": "run", "trust": "human_mfa", "team": "ops",
    "managed": ["ReadOnlyAccess"],
}  # fmt: skip


@pytest.fixture
def staff(database: Database) -> Iterator[TestClient]:
    with opened(database) as installation, caller(installation, *ONBOARDER) as client:
        yield client


def test_a_role_is_stored_or_refused_and_never_half(staff: TestClient) -> None:
    wrong: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"name": "mspadmin"}, 400, "mspadmin is our own role MspAdmin"),
        ({"name": "Opsé"}, 422, "/body/name"),
        ({"team": "../pwned"}, 422, "/body/team"),
        ({"team": "a\nb"}, 422, "/body/team"),
        ({"trust": "identity_center", "permission_set": "*"}, 422, "/body/permission_set"),
        ({"purpose": "日本"}, 422, "/body/purpose"),
        ({"managed": ["AdministratorAccess"], "bounded": False}, 400, "become an administrator"),
        ({"managed": ["NoSuchPolicyAtAll"]}, 400, "is none of AWS's"),
        ({"managed": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}, 400, "is an ARN"),
    )
    for change, status, words in wrong:
        answer = staff.post("/v1/roles", json=ROLE | change)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert staff.post("/v1/roles", json=ROLE).json()["warnings"] == []
    assert "another name" in staff.post("/v1/roles", json=ROLE | {"name": "OUROPS"}).text
    names = [each["name"] for each in staff.get("/v1/roles").json()["items"]]
    assert names[5:] == ["OurOps"]
