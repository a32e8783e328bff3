"""Keys over HTTP: each scope lets do what it says and nothing else, on every operation there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from jobs.environment import Environment
from service.actions.access.end_api_key import prefix_of
from service.app import create_app
from service.store.access import keys
from service.store.access.keys import Scope
from tests.api.conftest import Caller

NEEDS: dict[Scope, set[str]] = {
    Scope.READ: {
        "explain_line", "get_access_check", "get_account", "get_handover", "get_invoice",
        "get_invoice_document",
        "get_onboarding", "get_onboarding_artifact", "list_account_findings", "list_accounts",
        "list_assignments", "list_grants", "list_grants_awaiting_approval", "list_invoices",
        "list_links", "list_onboarding_events", "list_onboardings", "list_periods", "list_roles",
        "get_root_task", "list_differences", "list_root_tasks",
    },
    Scope.BILL: {"propose_credit_note"},
    Scope.ONBOARD: {
        "abort_handover", "assign_account", "attest_handover_item", "cancel_onboarding",
        "change_grants", "check_access", "create_onboarding", "create_onboardings",
        "give_handover_code", "put_role", "retry_onboarding", "set_grants", "start_handover",
    },
    Scope.APPROVE: {"approve_grants", "approve_handover_step", "approve_root_task"},
    Scope.ROOT: {"ask_root_task", "end_root_task", "perform_root_task", "withdraw_root_task"},
    Scope.ADMIN: {"create_api_key", "list_api_keys", "revoke_api_key", "rotate_api_key"},
}  # fmt: skip
OPEN = {"health"}
FOR_CLIENTS = {
    "get_account", "get_invoice", "get_invoice_document", "list_accounts", "list_invoices",
}  # fmt: skip
FILLED = {
    "onboarding_id": "onb-00000000", "account_id": "444444444444", "invoice_id": "1",
    "extension": "pdf", "name": "cloudformation.json", "check_id": "1",
    "task_id": "1", "prefix": "0" * 12, "period": "2026-10",
    "line_key": "custom/desk",
}  # fmt: skip


def operations(client: TestClient) -> list[tuple[str, str, str]]:
    """Its id, method and a path of every operation there is."""
    paths = client.get("/v1/openapi.json").json()["paths"]
    return [
        (operation["operationId"], method.upper(), path.format(**FILLED))
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


def test_every_operation_asks_for_the_one_scope_that_is_written_here(caller: Caller) -> None:
    """A new operation without a line above, or that asks for none, fails."""
    clients = {scope: caller(scopes=[scope]) for scope in Scope}
    found = operations(clients[Scope.READ])
    assert {name for name, _, _ in found} == OPEN.union(*NEEDS.values())
    for name, method, path in found:
        for scope, client in clients.items():
            answer = client.request(method, path, json={})
            assert answer.status_code != 401, (name, scope)
            refused = answer.status_code == 403
            assert refused == (name not in OPEN | NEEDS[scope]), (name, scope, answer.text)


def test_a_key_without_scopes_opens_nothing(caller: Caller) -> None:
    client = caller(scopes=[])
    statuses = {
        client.request(m, p).status_code for name, m, p in operations(client) if name not in OPEN
    }

    assert statuses == {403}


def test_a_client_s_key_finds_nothing_that_is_not_for_clients(
    caller: Caller, issued_month: None
) -> None:
    """Whatever scopes somebody gave it by mistake."""
    client = caller("c00", scopes=tuple(Scope))
    for name, method, path in operations(client):
        answer = client.request(method, path)
        if name not in FOR_CLIENTS | OPEN:
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is nothing here.")


@pytest.fixture
def admin(caller: Caller) -> TestClient:
    return caller(scopes=[Scope.ADMIN])


@pytest.fixture
def anew(environment: Environment) -> Iterator[TestClient]:
    with TestClient(create_app(environment.database)) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_made_used_replaced_and_revoked(admin: TestClient, anew: TestClient) -> None:
    asked = {"name": "PSA", "scopes": ["read"], "days": 90}
    made = admin.post("/v1/api-keys", json=asked)
    first = made.json()

    assert made.status_code == 201
    assert first["key"].startswith(f"rb_{first['prefix']}_")
    assert (first["scopes"], first["client"], first["last_used_at"]) == (["read"], None, None)
    assert anew.get("/v1/periods", headers=bearer(first["key"])).status_code == 200

    second = admin.post(f"/v1/api-keys/{first['prefix']}/rotate", json={"overlap_hours": 1}).json()
    assert second["holder"] == first["prefix"]
    for key in (first, second):
        assert anew.get("/v1/periods", headers=bearer(key["key"])).status_code == 200

    ended = admin.delete(f"/v1/api-keys/{second['prefix']}")
    assert (ended.status_code, ended.json()["revoked_at"] is None) == (200, False)
    assert anew.get("/v1/periods", headers=bearer(second["key"])).status_code == 401
    assert admin.delete(f"/v1/api-keys/{second['prefix']}").json() == ended.json()
    assert admin.delete("/v1/api-keys/000000000000").status_code == 404


def test_a_list_of_keys_shows_no_key(admin: TestClient, caller: Caller) -> None:
    secret = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}).json()["key"]
    listed = admin.get("/v1/api-keys", params={"limit": 500})
    page = admin.get("/v1/api-keys", params={"limit": 1}).json()
    rest = admin.get("/v1/api-keys", params={"cursor": page["next_cursor"]}).json()

    assert secret.rpartition("_")[2] not in listed.text
    assert prefix_of(secret) in {item["prefix"] for item in listed.json()["items"]}
    assert [*page["items"], *rest["items"]] == listed.json()["items"]


def test_when_a_key_was_last_used_is_known_also_where_it_was_refused(
    caller: Caller, environment: Environment
) -> None:
    client = caller(scopes=[Scope.APPROVE])
    prefix = prefix_of(client.headers["authorization"].removeprefix("Bearer "))
    with environment.database.transaction() as session:
        assert keys.key(session, prefix).last_used_at is None
    assert client.get("/v1/periods").status_code == 403

    with environment.database.transaction() as session:
        used_at = keys.key(session, prefix).last_used_at
        assert used_at is not None
        keys.note_use(session, prefix, used_at - timedelta(minutes=4))
    client.get("/v1/periods")
    with environment.database.transaction() as session:
        assert keys.key(session, prefix).last_used_at == used_at - timedelta(minutes=4)
