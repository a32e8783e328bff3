"""Grants over HTTP: listed, changed for an account or a client, and what to delete is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.store.access.keys import Scope
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.api.test_onboardings import ONBOARDER, ask, caller
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened

CHANGE = "/v1/grants:change"
LATER = "2027-12-01T18:00:00Z"


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    with opened(database) as installation:
        yield installation


@pytest.fixture
def live(installation: Installation) -> Onboarding:
    return onboarded(installation, CREATE)


@pytest.fixture
def staff(installation: Installation) -> Iterator[TestClient]:
    with caller(installation, *ONBOARDER) as client:
        yield client


def held(staff: TestClient, **filters: Any) -> list[tuple[str, str]]:
    items = staff.get("/v1/grants", params=filters).json()["items"]
    return [(item["team"], item["role"]) for item in items]


def test_grants_are_listed_in_pages_and_by_team_client_and_account(
    live: Onboarding, staff: TestClient
) -> None:
    whole = [
        ("admins", "MspAdmin"), ("finance", "MspBilling"), ("engineers", "MspEngineer"),
        ("oncall", "MspOnCall"),
    ]  # fmt: skip
    first = staff.get("/v1/grants", params={"limit": 3}).json()
    rest = staff.get("/v1/grants", params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert held(staff) == held(staff, client="acme", account_id=live.account_id) == whole
    assert held(staff, team="finance") == [("finance", "MspBilling")]
    assert held(staff, client="globex") == []
    assert [item["team"] for item in [*first["items"], *rest["items"]]] == [t for t, _ in whole]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert rest["items"][0] == {
        "team": "oncall", "role": "MspOnCall", "account_id": live.account_id, "client": "acme",
        "external_refs": {},
        "account_name": live.request.account_name, "until": None,
    }  # fmt: skip


def test_a_revocation_says_what_to_delete_and_a_worker_takes_the_power(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    body = {"client": "acme", "revoke": [{"team": "oncall"}]}
    calls = len(installation.aws.log)
    answer = ask(staff, body, path=CHANGE)
    (gone,) = answer.json()["revoked"]

    assert (answer.status_code, answer.headers["retry-after"]) == (202, "5")
    assert len(installation.aws.log) == calls
    assert gone["role_arn"] == f"arn:aws:iam::{live.account_id}:role/msp/MspOnCall"
    assert [each["file"] for each in gone["delete"]] == [
        "oncall-links.csv", "oncall.aws-config", "oncall.aesr.ini", "oncall/config",
        "oncall.1password.csv", "oncall.bitwarden.csv", "oncall.bitwarden.json",
    ]  # fmt: skip
    assert answer.json()["shut"] == [f"{live.account_id}:role/msp/MspOnCall"]
    assert answer.json()["onboardings"] == [live.id]
    assert ("oncall", "MspOnCall") not in held(staff)

    installation.work()
    assert "prove_refusal:MspOnCall shut to oncall" in installation.stored(live.id).record.proofs
    links = staff.get("/v1/links", params={"format": "aesr"}).json()["items"]
    assert [file["team"] for file in links] == ["admins", "engineers", "finance"]
    words = [each for each in installation.events(live.id) if each.step == "set_grants"]
    assert words[0].actor.startswith("API key ")


def test_the_same_key_is_answered_the_same_and_done_once(
    live: Onboarding, staff: TestClient
) -> None:
    given = {"team": "oncall", "role": "MspEngineer"}
    body = {"account_id": live.account_id, "grant": [given]}
    first, again = ask(staff, body, path=CHANGE), ask(staff, body, path=CHANGE)

    assert first.json()["granted"] == [given | {"account_id": live.account_id, "until": None}]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    anew = ask(staff, body, "another-key", CHANGE)
    assert not any(anew.json().values())
    assert ask(staff, body, None, CHANGE).status_code == 400


def test_a_grant_ends_at_a_time_whatever_its_zone(live: Onboarding, staff: TestClient) -> None:
    given = {"team": "oncall", "role": "MspEngineer"}
    path = {"account_id": live.account_id}
    kept = given | path | {"until": "2027-12-01T16:30:00+00:00"}
    asked = path | {"grant": [given | {"until": "2027-12-01T18:30:00+02:00"}]}
    answer = ask(staff, asked, path=CHANGE)

    assert answer.json()["granted"] == [kept]
    (shown,) = staff.get("/v1/grants", params={"team": "oncall", **path}).json()["items"][:1]
    assert {key: shown[key] for key in kept} == kept
    for end, words in (("2020-01-01T00:00:00Z", "that is over"), ("2027-12-01T18:30:00", "zone")):
        wrong = path | {"grant": [given | {"until": end}]}
        refused = ask(staff, wrong, f"key-{words[:4]}", CHANGE)
        assert (refused.status_code, words in refused.text) == (400, True)
    put = f"/v1/accounts/{live.account_id}/grants"
    exactly = staff.put(put, json={"grants": [given]}).json()
    assert [each["until"] for each in exactly["granted"]] == [None]


def test_an_administrators_role_is_approved_by_another_key(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    given = {"team": "oncall", "role": "MspAdmin"}
    held_there = given | {"account_id": live.account_id, "until": None}
    answer = ask(staff, {"client": "acme", "grant": [given]}, path=CHANGE).json()
    approval = {"account_id": live.account_id, "grants": [given]}

    assert (answer["granted"], answer["awaiting_approval"]) == ([], [held_there])
    (waiting,) = staff.get("/v1/grants/approvals").json()["items"]
    assert {key: waiting[key] for key in held_there} == held_there
    assert staff.post("/v1/grants/approvals", json=approval).status_code == 403
    with caller(installation, Scope.APPROVE) as second:
        approved = second.post("/v1/grants/approvals", json=approval)
        again = second.post("/v1/grants/approvals", json=approval)
    assert (approved.status_code, approved.json()["granted"]) == (202, [held_there])
    assert again.status_code == 404
    assert ("oncall", "MspAdmin") in held(staff)


def test_the_key_that_asked_for_an_administrators_role_may_not_approve(
    installation: Installation, live: Onboarding
) -> None:
    given = {"team": "oncall", "role": "MspAdmin"}
    with caller(installation, *ONBOARDER, Scope.APPROVE) as alone:
        ask(alone, {"client": "acme", "grant": [given]}, path=CHANGE)
        body = {"client": "acme", "grants": [given]}
        refused = alone.post("/v1/grants/approvals", json=body)

    assert (refused.status_code, refused.json()["code"]) == (409, "same_person")


def test_put_makes_it_exactly_these(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    path = f"/v1/accounts/{live.account_id}/grants"
    wanted = {"grants": [{"team": "admins", "role": "MspAdmin"}]}

    answer = staff.put(path, json=wanted)
    assert answer.status_code == 202
    assert {each["team"] for each in answer.json()["revoked"]} == {"engineers", "finance", "oncall"}
    assert held(staff) == [("admins", "MspAdmin")]
    installation.work()
    assert installation.stored(live.id).state == "live"
    assert staff.put(path, json=wanted).json()["onboardings"] == []


def test_a_change_on_condition_is_not_made_regardless(live: Onboarding, staff: TestClient) -> None:
    """Two people who set an account's grants: whoever asks not to overwrite, overwrites nothing."""
    path, before = f"/v1/accounts/{live.account_id}/grants", held(staff)
    wanted = {"grants": [{"team": "admins", "role": "MspAdmin"}]}
    refused = staff.put(path, json=wanted, headers={"If-Match": '"as-i-saw-it"'})

    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert held(staff) == before
    assert staff.put(path, json=wanted, headers={"If-Match": "*"}).status_code == 202


def test_what_is_wrong_is_one_problem_and_changes_nothing(
    live: Onboarding, staff: TestClient
) -> None:
    before = held(staff)
    good = {"team": "oncall", "role": "MspAdmin"}
    wrong: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"client": "acme", "grant": [good | {"team": "cooks"}]}, 400, "no team is called"),
        ({"client": "acme", "grant": [good | {"role": "Root"}]}, 400, "no role for people is"),
        ({"client": "acme", "revoke": [{"team": "cooks"}]}, 400, "no team is called 'cooks'"),
        ({"grant": [good]}, 400, "say either the account or the client"),
        ({"client": "acme", "account_id": live.account_id}, 400, "either the account or"),
        ({"client": "globex", "grant": [good]}, 404, "has no onboarded account"),
        ({"account_id": "999999999999", "grant": [good]}, 404, "has no onboarded account"),
        ({"client": "acme", "grant": [{"team": "oncall"}]}, 422, "/body/grant/0/role"),
        ({"client": "acme", "grants": []}, 422, "Extra inputs"),
        # The later of two ends, or the grant, used to win without a word.
        ({"client": "acme", "grant": [good, good | {"until": LATER}]}, 400, "granted twice"),
        ({"client": "acme", "grant": [good], "revoke": [good]}, 400, "granted and revoked"),
    )
    for number, (body, status, words) in enumerate(wrong):
        answer = ask(staff, body, f"key-{number}", CHANGE)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), body
        assert answer.headers["content-type"] == "application/problem+json"
    put = f"/v1/accounts/{live.account_id}/grants"
    assert staff.put(put, json={"grants": [good, good | {"until": LATER}]}).status_code == 400
    assert held(staff) == before


def test_all_of_a_team_is_revoked_but_what_it_is_granted_beside(
    live: Onboarding, staff: TestClient
) -> None:
    body = {"client": "acme", "revoke": [{"team": "oncall"}]}
    ask(staff, body | {"grant": [{"team": "oncall", "role": "MspBilling"}]}, path=CHANGE)

    assert held(staff, team="oncall") == [("oncall", "MspBilling")]


def test_only_our_own_people_see_and_only_some_change(
    installation: Installation, live: Onboarding
) -> None:
    body = {"client": "acme", "revoke": [{"team": "oncall"}]}
    with (
        caller(installation, Scope.READ) as viewer,
        caller(installation, *Scope, client="acme") as client,
    ):
        assert len(held(viewer)) == 4
        assert ask(viewer, body, path=CHANGE).status_code == 403
        assert client.get("/v1/grants").status_code == 404
        assert ask(client, body, path=CHANGE).status_code == 404
        path = f"/v1/accounts/{live.account_id}/grants"
        assert client.put(path, json={"grants": []}).status_code == 404
