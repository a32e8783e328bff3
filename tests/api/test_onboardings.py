"""Onboardings over HTTP: asked for once, shown with AWS's words, moved by a worker only."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from service.actions.access.create_api_key import create_api_key
from service.actions.access.end_api_key import prefix_of, rotate_api_key
from service.app import create_app
from service.store.access.keys import Scope
from service.store.database import Database, DatabaseUnavailable
from service.store.session import Session
from tests.support.onboarding import INVITED, Installation, accept_and_deploy, opened

CREATE = {"kind": "create", "client": "acme", "name": "prod", "external_ref": "HALO-1"}
INVITE = {
    "kind": "invite", "client": "globex", "name": "main", "account_id": INVITED,
    "external_ref": "HALO-2",
}  # fmt: skip
ONBOARDER = (Scope.READ, Scope.ONBOARD)


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
        yield installation


def caller(installation: Installation, *scopes: Scope, client: str | None = None) -> TestClient:
    with installation.database.transaction() as session:
        key = create_api_key(
            session, "psa", scopes=scopes, client=client, actor="test", now=installation.now()
        )
    return TestClient(
        create_app(installation.database, installation.now),
        headers={"Authorization": f"Bearer {key}"},
        raise_server_exceptions=False,
    )


@pytest.fixture
def psa(installation: Installation) -> Iterator[TestClient]:
    with caller(installation, *ONBOARDER) as client:
        yield client


def ask(
    psa: TestClient, body: dict[str, Any], key: str | None = "key-1", path: str = "/v1/onboardings"
) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return psa.post(path, json=body, headers=headers)


def test_an_account_is_asked_for_and_a_worker_takes_it_to_live(
    installation: Installation, psa: TestClient
) -> None:
    answer = ask(psa, CREATE)
    asked = answer.json()

    assert (answer.status_code, asked["state"]) == (202, "requested")
    assert answer.headers["location"] == f"/v1/onboardings/{asked['id']}"
    assert answer.headers["retry-after"] == "5"
    assert asked["name"] == "prod"
    assert installation.aws.log == []

    installation.work()
    live = psa.get(answer.headers["location"]).json()
    assert (live["state"], live["waiting"], live["next_at"]) == ("live", None, None)
    assert len(live["account_id"]) == 12
    assert [(step["stage"], step["state"]) for step in live["steps"]] == [
        ("reserved", "done"), ("creating", "done"), ("linked", "done"), ("in_ou", "done"),
        ("roles_in_place", "done"), ("verified", "done"), ("live", "done"),
    ]  # fmt: skip
    assert live["artifacts"] == []


def test_a_repetition_gets_the_same_answer_and_does_nothing(psa: TestClient) -> None:
    first, second = ask(psa, CREATE), ask(psa, CREATE, '"key-1"')

    assert second.json() == first.json()
    assert (second.status_code, second.headers["location"]) == (202, first.headers["location"])
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(psa.get("/v1/onboardings").json()["items"]) == 1


def test_a_hundred_repetitions_at_once_make_one_onboarding(psa: TestClient) -> None:
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: ask(psa, CREATE), range(100)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 99


def test_the_same_ticket_under_many_keys_at_once_makes_one_onboarding(psa: TestClient) -> None:
    with ThreadPoolExecutor(10) as senders:
        answers = list(senders.map(lambda n: ask(psa, CREATE, f"key-{n}"), range(20)))

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 19


def test_an_answer_leaves_only_after_its_work_is_committed(
    psa: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Database.transaction

    @contextmanager
    def dies_at_the_commit(database: Database) -> Iterator[Session]:
        with real(database) as session:
            yield session
            raise DatabaseUnavailable(RuntimeError("the connection is lost"))

    with monkeypatch.context() as lost:
        lost.setattr(Database, "transaction", dies_at_the_commit)
        unanswered = ask(psa, CREATE)
    again = ask(psa, CREATE)

    assert (unanswered.status_code, unanswered.json()["retryable"]) == (503, True)
    assert (again.status_code, "idempotent-replayed" in again.headers) == (202, False)


def test_a_key_is_needed_and_may_not_ask_for_something_else(psa: TestClient) -> None:
    without = ask(psa, CREATE, None)
    ask(psa, CREATE)
    other = ask(psa, CREATE | {"name": "test"})

    assert without.status_code == 400
    assert "Idempotency-Key" in without.json()["detail"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_reference_used_before_is_a_conflict_that_says_where(psa: TestClient) -> None:
    first = ask(psa, CREATE)
    forgotten = ask(psa, CREATE, "another-key")

    assert (forgotten.status_code, forgotten.json()["code"]) == (409, "already_onboarded")
    assert forgotten.headers["location"] == first.headers["location"]


def test_two_keys_with_the_same_idempotency_key_do_not_meet(
    installation: Installation, psa: TestClient
) -> None:
    ask(psa, CREATE)
    with caller(installation, *ONBOARDER) as other:
        answer = ask(other, CREATE | {"name": "test", "external_ref": "HALO-9"})

    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (202, False)


def test_validate_only_checks_all_of_it_and_records_nothing(
    installation: Installation, psa: TestClient
) -> None:
    good = ask(psa, INVITE, None, "/v1/onboardings?validate_only=true")
    bad = ask(psa, INVITE | {"roles": ["Nobody"]}, None, "/v1/onboardings?validate_only=true")

    assert good.status_code == 200
    assert good.json()["what_changes"][0].startswith("Charges from the moment of acceptance")
    assert good.json()["steps"][0] == {
        "stage": "invited", "goals": ["organization_fit", "invited"], "state": "current",
    }  # fmt: skip
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_input")
    assert psa.get("/v1/onboardings").json()["items"] == []
    assert installation.aws.log == []


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"account_name": "x"}, 422, "Extra inputs"),
    ({"state": "live"}, 422, "Extra inputs"),
    ({"kind": "steal"}, 422, "/body/kind"),
    ({"external_ref": ""}, 422, "/body/external_ref"),
    ({"external_ref": "HALO-1 "}, 400, "begins or ends with a blank"),
    ({"client": "nobody"}, 400, "there is no client 'nobody'"),
    ({"roles": ["Root"]}, 400, "no role is called 'Root'"),
    ({"account_id": "999999999999"}, 400, "no account_id yet"),
    ({"email": "a" * 60 + "@msp.example"}, 400, "64"),
    ({"budget": "-1"}, 400, "no positive amount"),
    ({"payer_account_id": "999999999999"}, 404, "is not described"),
]


def test_bad_input_gets_one_clear_problem_and_no_write(
    installation: Installation, psa: TestClient
) -> None:
    for change, status, words in BAD:
        answer = ask(psa, CREATE | change)
        assert (answer.status_code, answer.json()["status"]) == (status, status), change
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]
    assert psa.get("/v1/onboardings").json()["items"] == []
    assert installation.aws.log == []


def test_an_invitation_shows_reason_expiry_aws_s_words_and_next_look(
    installation: Installation, psa: TestClient
) -> None:
    where = ask(psa, INVITE).headers["location"]
    installation.work(until=installation.now() + timedelta(minutes=10))
    waits = psa.get(where).json()

    assert waits["state"] == "waiting_client"
    assert waits["waiting"]["reason"] == "the client has to accept the invitation"
    assert waits["waiting"]["aws_words"].endswith("OPEN")
    assert waits["waiting"]["expires_at"] == "2026-12-08T12:00:00+00:00"
    assert waits["next_at"] == "2026-11-23T12:15:00+00:00"
    assert [step["state"] for step in waits["steps"]][:2] == ["done", "current"]

    installation.work(client=lambda: accept_and_deploy(installation, waits["id"]))
    assert psa.get(where).json()["state"] == "live"


def test_a_member_is_adopted_and_shows_who_consented_to_what(
    installation: Installation, psa: TestClient
) -> None:
    member = "666666666666"
    installation.aws.add_member(member, name="Lab", email="lab@globex.example")
    body = {
        "kind": "adopt", "client": "globex", "name": "", "account_id": member,
        "external_ref": "HALO-6", "consents": ["adoption"], "consented_by": "Jane Roe",
    }  # fmt: skip

    planned = ask(psa, body, None, "/v1/onboardings?validate_only=true").json()
    answer = ask(psa, body)
    installation.work()
    shown = psa.get(answer.headers["location"]).json()

    assert planned["what_changes"][0].startswith("The account stays a member")
    assert [step["stage"] for step in planned["steps"]] == [
        "linked", "in_ou", "roles_in_place", "verified", "live",
    ]  # fmt: skip
    assert (answer.status_code, shown["kind"], shown["state"]) == (202, "adopt", "live")
    assert (shown["consents"], shown["consented_by"]) == (["adoption"], "Jane Roe")
    assert shown["email"] == "lab@globex.example"
    assert ask(psa, body | {"consented_by": ""}, "key-2").status_code == 409
    assert ask(psa, body | {"consented_by": "x" * 201}, "key-3").status_code == 422


def test_what_the_client_deploys_is_served_under_the_names_one_expects(psa: TestClient) -> None:
    where = ask(psa, INVITE).headers["location"]
    names = ("cloudformation.yaml", "terraform.tf", "cli.sh")
    texts = {name: psa.get(f"{where}/artifacts/{name}") for name in names}

    assert {answer.status_code for answer in texts.values()} == {200}
    assert texts["cloudformation.yaml"].json()["AWSTemplateFormatVersion"] == "2010-09-09"
    assert all("sts:ExternalId" in answer.text for answer in texts.values())
    assert psa.get(f"{where}/artifacts/passwd").status_code == 404


def test_every_attempt_is_listed_with_aws_s_request_id(
    installation: Installation, psa: TestClient
) -> None:
    where = ask(psa, CREATE).headers["location"]
    installation.work()
    events: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = psa.get(f"{where}/events", params={"limit": 50, "cursor": cursor}).json()
        events += page["items"]
        cursor = page["next_cursor"]

    made = [e for e in events if e["operation"] == "organizations:CreateAccount"]
    assert [(e["kind"], e["outcome"]) for e in made] == [("intent", None), ("call", "ok")]
    assert made[1]["request_id"]
    assert [e["id"] for e in events] == sorted({e["id"] for e in events}, key=int)


def test_a_batch_is_all_or_none_with_a_result_for_each_and_an_end(psa: TestClient) -> None:
    items = [CREATE | {"external_ref": f"HALO-{n}", "name": f"p{n}"} for n in range(3)]
    good = ask(psa, {"items": items}, path="/v1/onboardings:batch")
    wrong = [items[0] | {"external_ref": "X-1"}, items[1] | {"client": "nobody"}]
    bad = ask(psa, {"items": wrong}, "key-2", "/v1/onboardings:batch")

    assert good.status_code == 202
    assert [item["external_ref"] for item in good.json()["items"]] == ["HALO-0", "HALO-1", "HALO-2"]
    assert good.json()["ends_at"] > "2026-11-23T12:0"
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_input")
    assert [error["pointer"] for error in bad.json()["errors"]] == ["/body/items/1"]
    assert len(psa.get("/v1/onboardings").json()["items"]) == 3
    found = psa.get("/v1/onboardings", params={"batch_id": good.json()["id"], "limit": 2}).json()
    assert (len(found["items"]), found["has_more"]) == (2, True)
    too_many = {"items": [CREATE] * 201}
    assert ask(psa, too_many, "key-3", "/v1/onboardings:batch").status_code == 422


def test_what_waits_is_retried_and_what_has_no_account_is_cancelled(
    installation: Installation, psa: TestClient
) -> None:
    where = ask(psa, INVITE).headers["location"]
    refused = psa.post(f"{where}/retry", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")

    cancelled = psa.post(f"{where}/cancel")
    installation.work()
    assert cancelled.status_code == 202
    assert psa.get(where).json()["state"] == "cancelled"
    assert psa.post(f"{where}/cancel").json()["state"] == "cancelled"


def test_writing_needs_the_scope_and_reading_a_key_of_ours(
    installation: Installation, psa: TestClient
) -> None:
    where = ask(psa, CREATE).headers["location"]
    with (
        caller(installation, Scope.READ) as viewer,
        caller(installation, *Scope, client="acme") as client,
    ):
        assert viewer.get(where).status_code == 200
        refused = ask(viewer, CREATE | {"external_ref": "X"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert viewer.post(f"{where}/cancel").status_code == 403
        for path in ("/v1/onboardings", where, f"{where}/events", f"{where}/artifacts/cli.sh"):
            assert client.get(path).status_code == 404
        assert ask(client, CREATE | {"external_ref": "X"}).status_code == 404


def test_a_handover_is_approved_by_another_key(installation: Installation, psa: TestClient) -> None:
    where = ask(psa, CREATE).headers["location"]
    installation.work()
    installation.aws.clock.advance(days=5)
    path = f"{where}/handover"
    plan = psa.post(f"{path}?validate_only=true", json={"exit": "close"})
    assert [each["key"] for each in plan.json()["checklist"] if each["is_dangerous"]] == [
        "roles",
        "close",
    ]
    assert psa.get(path).status_code == 404

    started = ask(psa, {"exit": "close"}, path=path)
    assert (started.status_code, started.headers["location"]) == (202, path)
    own = caller(installation, *ONBOARDER, Scope.APPROVE)
    with own, caller(installation, Scope.APPROVE) as second:
        assert psa.post(f"{path}/approvals", json={"item": "close"}).status_code == 403
        approved = second.post(f"{path}/approvals", json={"item": "close"})
    assert approved.status_code == 202
    by = {each["key"]: each["approved_by"] for each in approved.json()["checklist"]}
    assert by["close"].startswith("API key ")
    installation.work()
    assert psa.get(path).json()["onboarding"]["waiting"]["what_to_do"] != ""
    aborted = psa.post(f"{path}/abort").json()
    assert aborted["is_aborted"] is True
    installation.work()
    assert psa.get(where).json()["state"] == "live"


def test_the_requester_may_not_approve_itself(installation: Installation) -> None:
    with caller(installation, *ONBOARDER, Scope.APPROVE) as alone:
        where = ask(alone, CREATE).headers["location"]
        installation.work()
        ask(alone, {"exit": "close"}, path=f"{where}/handover")
        refused = alone.post(f"{where}/handover/approvals", json={"item": "close"})

    assert (refused.status_code, refused.json()["code"]) == (409, "same_person")


def test_a_rotated_key_is_the_same_person_s(installation: Installation) -> None:
    """It repeats what the old one asked for, and approves nothing that the old one began."""
    with caller(installation, *ONBOARDER, Scope.APPROVE) as old:
        first = ask(old, CREATE)
        installation.work()
        where = first.headers["location"]
        ask(old, {"exit": "close"}, path=f"{where}/handover")
        given = old.headers["authorization"].removeprefix("Bearer ")
        with installation.database.transaction() as session:
            made = rotate_api_key(
                session, prefix_of(given), overlap_hours=1, actor="test", now=installation.now()
            )
        old.headers["authorization"] = f"Bearer {made}"
        again = ask(old, CREATE)
        refused = old.post(f"{where}/handover/approvals", json={"item": "close"})

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (refused.status_code, refused.json()["code"]) == (409, "same_person")


def test_events_are_told_as_they_come_until_it_is_live(
    installation: Installation, psa: TestClient
) -> None:
    asked = ask(psa, CREATE).json()
    path = f"/v1/onboardings/{asked['id']}/events"
    worker = Thread(target=installation.work)

    with psa.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
        worker.start()
        told = "".join(answer.iter_text())
    worker.join()

    assert answer.headers["content-type"].startswith("text/event-stream")
    listed = psa.get(path, params={"limit": 500}).json()["items"]
    ids = [line.removeprefix("id: ") for line in told.splitlines() if line.startswith("id: ")]
    assert ids == [each["id"] for each in listed]
    assert "event: asked" in told and '"operation":"organizations:CreateAccount"' in told
    last = {"Accept": "text/event-stream", "Last-Event-ID": ids[-2]}
    assert psa.get(path, headers=last).text.count("data: ") == 1
    assert psa.get(path, headers=last | {"Last-Event-ID": "x"}).status_code == 422
