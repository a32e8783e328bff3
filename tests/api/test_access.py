"""Who may see what: no key sees more than its own, and refusals look alike."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from jobs.environment import Environment
from service.store.access import keys
from tests.api.conftest import Caller

PROBLEM = "application/problem+json"


def operations(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of every operation in the OpenAPI document, ids filled in."""
    paths: dict[str, dict[str, Any]] = client.get("/v1/openapi.json").json()["paths"]
    filled = {"{invoice_id}": "1", "{extension}": "pdf"}
    found = []
    for path, methods in paths.items():
        for name, value in filled.items():
            path = path.replace(name, value)
        found += [(method.upper(), path) for method in methods]
    return found


def test_health_needs_no_key_and_says_nothing_else(nobody: TestClient) -> None:
    answer = nobody.get("/v1/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "header", ["", "Bearer ", "Bearer rb_x", "Bearer rb_000000000000_" + "0" * 64, "Basic abc"]
)
def test_without_a_right_key_every_operation_is_refused_alike(
    nobody: TestClient, issued_month: None, header: str
) -> None:
    found = operations(nobody)
    assert {("GET", "/v1/periods"), ("GET", "/v1/invoices/1.pdf"), ("POST", "/v1/onboardings")} <= {
        *found
    }
    for method, path in found:
        if path == "/v1/health":
            continue
        answer = nobody.request(method, path, headers={"Authorization": header} if header else {})
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == PROBLEM
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"] == "Send a valid API key as `Authorization: Bearer rb_…`."


def test_a_revoked_key_opens_nothing_from_the_next_request_on(
    caller: Caller, environment: Environment
) -> None:
    client = caller()
    assert client.get("/v1/invoices").status_code == 200

    prefix = client.headers["authorization"].split("_")[1]
    with environment.database.transaction() as session:
        keys.revoke_key(session, prefix, environment.now())

    assert client.get("/v1/invoices").status_code == 401


def test_a_clients_key_sees_its_own_issued_invoices_only(
    caller: Caller, issued_month: None
) -> None:
    own = caller("c01")
    items = own.get("/v1/invoices").json()["items"]
    of_another = {"client": "c00"}

    assert [(item["client"], item["number"]) for item in items] == [("c01", "INV-000002")]
    assert own.get("/v1/invoices", params=of_another).json()["items"] == []
    for_us = caller().get("/v1/invoices", params=of_another).json()["items"]
    assert [item["number"] for item in for_us] == ["INV-000001"]


def test_anothers_invoice_is_told_from_a_missing_one_by_nothing(
    caller: Caller, issued_month: None
) -> None:
    own, theirs, missing = caller("c00"), caller("c01"), caller("c01")
    for suffix in ("", ".pdf", ".json"):
        assert own.get(f"/v1/invoices/1{suffix}").status_code == 200, "it is there for its client"
        one, none = theirs.get(f"/v1/invoices/1{suffix}"), missing.get(f"/v1/invoices/9{suffix}")
        assert (one.status_code, none.status_code) == (404, 404)
        hidden = {"instance", "request_id", "detail"}
        assert {k: v for k, v in one.json().items() if k not in hidden} == {
            k: v for k, v in none.json().items() if k not in hidden
        }
        assert one.json()["detail"].replace("1", "9") == none.json()["detail"]


def test_a_clients_key_sees_no_periods(caller: Caller, issued_month: None) -> None:
    ours, theirs = caller().get("/v1/periods"), caller("c00").get("/v1/periods")

    assert (ours.status_code, theirs.status_code) == (200, 404)
    assert ours.json()["items"] != []


@pytest.mark.parametrize("word", ["cost", "margin", "markup", "price_book", "working"])
def test_cost_and_margin_are_in_nothing_a_client_can_get(
    caller: Caller, issued_month: None, word: str
) -> None:
    client = caller("c00")
    paths = ("/v1/invoices", "/v1/invoices/1", "/v1/invoices/1.csv", "/v1/invoices/1.json")
    answers = [client.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    bodies = [answer.text for answer in answers]
    assert [body for body in bodies if "INV-000001" not in body] == []
    assert [body for body in bodies if f'"{word}"' in body or f"{word}," in body] == []
