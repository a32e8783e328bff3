"""What a request meets before its key: pace, size, method, query, and every string of its body."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi.testclient import TestClient

from jobs.environment import Environment
from service.api.edge import ADDRESSES_MAX, BODY_BYTES_MAX, Pace
from service.app import create_app
from service.cli.system.serve import run_server
from service.store.access.keys import Scope
from tests.api.conftest import Caller
from tests.api.test_keys import operations

PROBLEM = "application/problem+json"
JSON = {"Content-Type": "application/json"}


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def nobody(environment: Environment, seconds: Seconds) -> Iterator[TestClient]:
    """Three requests at once, and one each two seconds."""
    app = create_app(environment.database, pace=Pace(burst=3, per_second=0.5, seconds=seconds))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_who_has_no_key_is_slowed_down(nobody: TestClient, seconds: Seconds) -> None:
    answers = [nobody.get("/v1/invoices") for _ in range(5)]
    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
    assert answers[3].headers["content-type"] == PROBLEM
    assert answers[3].headers["retry-after"] == "30"
    assert (answers[3].json()["code"], answers[3].json()["retryable"]) == (
        "too_many_requests", True,
    )  # fmt: skip
    assert answers[3].json()["request_id"] == answers[3].headers["x-request-id"] != ""
    seconds.now += 2
    assert [nobody.get("/v1/invoices").status_code for _ in range(2)] == [401, 429]


def test_guesses_through_a_proxy_do_not_have_it_take_us_for_dead(nobody: TestClient) -> None:
    """A load balancer asks for our health from the address that its callers have here, too."""
    wrong = {"Authorization": "Bearer rb_000000000000_" + "0" * 64}
    assert [nobody.get("/v1/invoices", headers=wrong).status_code for _ in range(4)][-1] == 429

    assert [nobody.get("/v1/health").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_whoever_says_to_be_somebody_else_is_slowed_down_all_the_same(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `rebill serve` has uvicorn run: by itself that believes X-Forwarded-For from 127.0.0.1."""
    served: list[uvicorn.Config] = []
    monkeypatch.setattr(
        uvicorn, "run", lambda app, **how: served.append(uvicorn.Config(app, **how))
    )
    run_server(environment.database, environment.snapshots.root, host="127.0.0.1", port=0)
    (config,) = served
    config.load()
    with TestClient(config.loaded_app, client=("127.0.0.1", 50_000)) as client:
        statuses = [
            client.get("/v1/health", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
            for n in range(65)
        ]

    assert statuses[:60] == [200] * 60
    assert 429 in statuses


def test_who_guesses_keys_is_slowed_down_and_whose_key_opens_is_not(
    nobody: TestClient, caller: Caller
) -> None:
    """From one address, as behind a proxy: a stranger's guesses shut nobody out."""
    wrong = {"Authorization": "Bearer rb_000000000000_" + "0" * 64}
    right = {"Authorization": caller().headers["authorization"]}
    statuses = [nobody.get("/v1/invoices", headers=wrong).status_code for _ in range(5)]

    assert statuses == [401, 401, 401, 429, 429]
    assert {nobody.get("/v1/invoices", headers=right).status_code for _ in range(9)} == {200}


def test_the_pace_forgets_the_address_it_saw_the_longest_ago(seconds: Seconds) -> None:
    pace = Pace(burst=1, per_second=0.001, seconds=seconds)
    assert (pace.take("first"), pace.take("first")) == (True, False)
    for number in range(ADDRESSES_MAX):
        pace.take(str(number))
    assert pace.take("first") is True


@pytest.mark.parametrize("said", [True, False], ids=["said", "chunked"])
def test_a_huge_body_is_refused_before_it_is_read_and_before_its_key(
    nobody: TestClient, said: bool
) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * (BODY_BYTES_MAX // 10)

    body = b" " * (BODY_BYTES_MAX + 1) if said else chunks()
    answer = nobody.post("/v1/onboardings", content=body, headers=JSON)

    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert answer.json()["code"] == "request_entity_too_large"


def test_a_body_of_the_longest_batch_is_taken(caller: Caller) -> None:
    item = {
        "kind": "create", "client": "c" * 64, "name": "n" * 200, "email": "e" * 320,
        "roles": ["r" * 64] * 20, "budget": "1" * 30, "external_ref": "x" * 200,
    }  # fmt: skip
    body = json.dumps({"items": [item] * 200}).encode()
    assert len(body) < BODY_BYTES_MAX
    answer = caller(scopes=[Scope.ONBOARD]).post(
        "/v1/onboardings:batch", content=body, headers=JSON
    )

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5_000, b"\xff\xfe", b'{"kind": NaN}', b""]
)
def test_a_body_that_breaks_parsers_is_refused(caller: Caller, body: bytes) -> None:
    answer = caller(scopes=[Scope.ONBOARD]).post("/v1/onboardings", content=body, headers=JSON)

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("number=X", "/query/number", "unknown_parameter"),
        ("updated_since=2026-11-01", "/query/updated_since", "unknown_parameter"),
        ("Period=2018-10", "/query/Period", "unknown_parameter"),
        ("foo", "/query/foo", "unknown_parameter"),
        ("limit=1&limit=2", "/query/limit", "repeated_parameter"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused(
    caller: Caller, query: str, pointer: str, code: str
) -> None:
    answer = caller().get(f"/v1/invoices?{query}")

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        (pointer, code)
    ]


def test_every_operation_refuses_a_parameter_it_does_not_know(caller: Caller) -> None:
    client = caller(scopes=tuple(Scope))
    statuses = {
        name: client.request(method, f"{path}?foo=1").status_code
        for name, method, path in operations(client)
    }
    assert {name for name, status in statuses.items() if status != 422} == set()


@pytest.mark.parametrize(
    "period", ["0000-01", "9999-12", "3000-01", "2018-13", "2018-1", "２018-10"]
)
def test_a_month_that_cannot_be_is_refused(caller: Caller, period: str) -> None:
    assert caller().get("/v1/invoices", params={"period": period}).status_code == 422


def test_head_is_get_without_its_body(caller: Caller, issued_month: None) -> None:
    client = caller()
    for path in ("/v1/health", "/v1/invoices", "/v1/invoices/1.pdf", "/v1/openapi.json"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        same = ("content-type", "content-length", "etag")
        assert [head.headers.get(each) for each in same] == [got.headers.get(each) for each in same]
    assert client.head("/v1/nothing").status_code == 404


def test_head_of_a_stream_ends(caller: Caller) -> None:
    """It asks for the page: a stream without a body would say nothing for five minutes."""
    answer = caller().head(
        "/v1/onboardings/onb-00000000/events", headers={"Accept": "text/event-stream"}
    )
    assert answer.status_code == 404


def test_allow_names_all_methods_of_a_path(caller: Caller) -> None:
    allowed = {
        "/v1/onboardings": "GET, HEAD, OPTIONS, POST",
        "/v1/roles": "GET, HEAD, OPTIONS, POST",
        "/v1/invoices/1.pdf": "GET, HEAD, OPTIONS",
        "/v1/onboardings:batch": "OPTIONS, POST",
        "/v1/api-keys/000000000000": "DELETE, OPTIONS",
    }
    client = caller()
    for path, methods in allowed.items():
        refused, options = client.request("PATCH", path), client.options(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert (options.status_code, options.headers["allow"]) == (204, methods)
    assert client.head("/v1/onboardings:batch").status_code == 405
    assert client.options("/v1/nothing").status_code == 404
    assert client.get("/v1/invoices/").status_code == 404


@pytest.mark.parametrize("weak", ['W/"{}"', '"x", W/"{}"', '"{}"', "*", 'W/"x" , W/"{}"'])
def test_who_has_the_document_gets_none(caller: Caller, issued_month: None, weak: str) -> None:
    client = caller()
    etag = client.get("/v1/invoices/1.csv").headers["etag"].strip('"')
    asked = {"If-None-Match": weak.format(etag)}

    assert client.get("/v1/invoices/1.csv", headers=asked).status_code == 304


@pytest.mark.parametrize("other", ['"x"', 'W/"x"', "", '"*"'])
def test_who_has_another_document_gets_this_one(
    caller: Caller, issued_month: None, other: str
) -> None:
    answer = caller().get("/v1/invoices/1.csv", headers={"If-None-Match": other})

    assert answer.status_code == 200


def test_the_openapi_document_says_where_an_idempotency_key_is_required(caller: Caller) -> None:
    paths = caller().get("/v1/openapi.json").json()["paths"]
    required = {
        operation["operationId"]
        for methods in paths.values()
        for operation in methods.values()
        for each in operation.get("parameters", ())
        if each["name"].lower() == "idempotency-key" and each["required"]
    }
    assert required == {
        "change_grants",
        "create_onboarding",
        "create_onboardings",
        "propose_credit_note",
        "start_handover",
    }


BAD_TEXTS = {
    "NUL": "a\x00b", "newline": "a\nb", "escape": "\x1b[31m", "delete": "a\x7f", "C1": "a\x85b",
    "line separator": "a\u2028b", "turned round": "a\u202egpj.exe", "Arabic digit": "prod-\u0661",
    "full-width digit": "prod-\uff11", "mathematical digit": "prod-\U0001d7d9",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/onboardings", {"name": "{}"}, "/body/name"),
        ("/v1/onboardings", {"roles": ["{}"]}, "/body/roles"),
        ("/v1/onboardings:batch", {"items": [{"name": "{}"}]}, "/body/items"),
        ("/v1/onboardings/onb-00000000/handover", {"client_contact": {"{}": "x"}},
         "/body/client_contact"),
        ("/v1/roles", {"policy": {"Statement": [{"Sid": "{}"}]}}, "/body/policy"),
        ("/v1/api-keys", {"name": "{}"}, "/body/name"),
    ],
)  # fmt: skip
def test_no_string_of_a_body_brings_what_is_no_text(
    caller: Caller, path: str, body: dict[str, object], pointer: str, text: str
) -> None:
    sent = json.dumps(body).replace("{}", json.dumps(text)[1:-1], 1)
    answer = caller(scopes=tuple(Scope)).post(path, content=sent, headers=JSON)

    assert answer.status_code == 422
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}


def test_half_a_character_is_refused(caller: Caller) -> None:
    answer = caller(scopes=tuple(Scope)).post(
        "/v1/api-keys", content=b'{"name": "a\\ud800"}', headers=JSON
    )

    assert answer.status_code == 422
    assert "/body/name" in {each["pointer"] for each in answer.json()["errors"]}


@pytest.mark.parametrize(
    "account_id", ["٤٤٤٤٤٤٤٤٤٤٤٤", "４４４４４４４４４４４４", "44444444444", "444444444444\n"]
)
def test_an_account_s_number_is_aws_s(caller: Caller, account_id: str) -> None:
    client = caller(scopes=tuple(Scope))

    assert client.get("/v1/grants", params={"account_id": account_id}).status_code == 422
    body = {"account_id": account_id, "revoke": []}
    sent = client.post("/v1/grants:change", json=body, headers={"Idempotency-Key": "x"})
    assert sent.status_code == 422
