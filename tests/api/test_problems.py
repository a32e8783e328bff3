"""Every error is a problem with a request id, and every exception of ours has a status."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from jobs.environment import Environment
from kernel.errors import BadInput, NotFound, RebillError, Refused, Unavailable
from service.api import problems
from service.app import create_app
from service.store.access.keys import Scope
from service.store.database import Database
from tests.api.conftest import Caller


def subclasses(error: type[RebillError]) -> Iterator[type[RebillError]]:
    yield error
    for each in error.__subclasses__():
        yield from subclasses(each)


def test_every_exception_of_ours_has_a_status() -> None:
    found = {error: problems.status_of(error) for error in subclasses(RebillError)}

    assert found[BadInput] == 400
    assert found[NotFound] == 404
    assert found[Refused] == 409
    assert found[Unavailable] == 503
    assert {status for error, status in found.items() if error is not RebillError} == {
        400,
        404,
        409,
        422,
        503,
    }


def test_a_database_without_room_is_503_and_keeps_nothing(
    environment: Environment, caller: Caller
) -> None:
    """Reading goes on; once there is room, so does writing."""
    client, database = caller(scopes=(Scope.ADMIN,)), environment.database
    with database.transaction() as session:
        session.execute(sa.text(FULL))

    answer = client.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]})
    body = answer.json()

    assert (answer.status_code, body["code"], body["retryable"]) == (503, "database_full", True)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"].startswith("no space left on the database's disk: make room there")
    assert {each["name"] for each in client.get("/v1/api-keys").json()["items"]} == {"test"}
    with database.transaction() as session:
        session.execute(sa.text("DROP TRIGGER full_disk ON api_key"))
    assert client.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}).status_code == 201


FULL = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'could not extend file "base/1/2": No space left on device'
        USING ERRCODE = 'disk_full';
    END $$;
    CREATE TRIGGER full_disk AFTER INSERT ON api_key EXECUTE FUNCTION no_room();
"""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/invoices", 405),
        ("GET", "/v1/invoices?limit=0", 422),
        ("GET", "/v1/invoices?period=2018-13", 422),
        ("GET", "/v1/invoices?state=lost", 422),
        ("GET", "/v1/invoices?client=%00", 422),
        ("GET", "/v1/invoices?client=Acme'--", 422),
    ],
)
def test_errors_are_problems(caller: Caller, method: str, path: str, status: int) -> None:
    answer = caller().request(method, path)
    body = answer.json()

    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["request_id"] == answer.headers["x-request-id"] != ""
    assert {"type", "title", "detail", "instance", "code", "retryable", "errors"} < set(body)


def test_a_decent_request_id_comes_back_and_another_does_not(caller: Caller) -> None:
    client = caller()
    mine = client.get("/v1/nothing", headers={"X-Request-ID": "ticket-4711"})
    forged = client.get("/v1/nothing", headers={"X-Request-ID": "a b; DROP"})

    assert mine.json()["request_id"] == "ticket-4711"
    assert forged.json()["request_id"] not in {"a b; DROP", ""}


def test_a_crash_tells_nothing_of_itself(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: object) -> bool:
        raise RuntimeError("secret words")

    monkeypatch.setattr("service.api.health.is_answering", crash)
    with TestClient(create_app(database), raise_server_exceptions=False) as client:
        answer = client.get("/v1/health")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert answer.json()["code"] == "internal_error"


def test_every_answer_has_safe_headers(caller: Caller) -> None:
    for path in ("/v1/health", "/v1/nothing", "/v1/invoices"):
        headers = caller().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_the_openapi_document_speaks_of_problems_only(caller: Caller) -> None:
    schema = caller().get("/v1/openapi.json").json()

    assert schema["openapi"].startswith("3.1")
    assert "Problem" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in str(schema)
    assert "/v1/invoices" in schema["paths"]
    assert all(
        operation["responses"]["422"]["content"].keys() == {"application/problem+json"}
        for methods in schema["paths"].values()
        for operation in methods.values()
    )
