"""Root tasks over HTTP: asked by one key, approved by another, and refused in words."""

from __future__ import annotations

import pytest

from service.store.access.keys import Scope
from tests.api.conftest import Caller

ASKED = {
    "account_id": "444444444444", "task": "unlock_bucket", "resource": "acme-data",
    "reason": "locked out: T-4711",
}  # fmt: skip


def test_an_account_that_is_not_ours_is_not_entered(caller: Caller) -> None:
    answer = caller(scopes=[Scope.ROOT]).post("/v1/root-tasks", json=ASKED)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"].startswith("444444444444 is no live account of ours")


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("account_id", "4444", 422),
        ("task", "delete_everything", 422),
        ("reason", "short", 422),
        ("reason", "two\nlines of a reason", 422),
        ("resource", "a b", 422),
        ("resource", "UPPER", 400),
        ("region", "nowhere", 400),
        ("credentials", "please", 422),
    ],
)
def test_bad_input_is_refused_before_anything_is_stored(
    caller: Caller, field: str, value: str, status: int
) -> None:
    answer = caller(scopes=[Scope.ROOT]).post("/v1/root-tasks", json={**ASKED, field: value})

    assert answer.status_code == status, answer.text
    listed = caller().get("/v1/root-tasks").json()
    assert listed == {"items": [], "next_cursor": None, "has_more": False}


def test_what_there_is_not_is_said(caller: Caller) -> None:
    assert caller().get("/v1/root-tasks/7").json()["detail"] == "there is no root task 7"
    approver = caller(scopes=[Scope.APPROVE])
    assert approver.post("/v1/root-tasks/7/approve").status_code == 404
