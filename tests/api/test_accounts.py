"""Accounts over HTTP: whose they are from which day, and whom our roles there let in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from jobs.onboarding.checking import run_access_check
from jobs.onboarding.tasks import tasks
from kernel.findings import critical, warning
from sandbox.aws import PAYER
from service.api import cursors
from service.store import queue
from service.store.access.keys import Scope
from service.store.accounts.members import put_findings
from service.store.accounts.onboardings import Onboarding
from service.store.database import Database
from tests.api.test_onboardings import ONBOARDER, caller
from tests.support.accounts_reseller import ACCESS
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, allow, document, opened


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


def test_an_account_has_its_name_client_and_state(live: Onboarding, staff: TestClient) -> None:
    listed = staff.get("/v1/accounts", params={"client": "acme", "state": "live"}).json()
    shown = {
        "id": live.account_id, "name": live.request.account_name, "client": "acme",
        "external_refs": {}, "state": "live",
    }  # fmt: skip

    assert listed == {"items": [shown], "next_cursor": None, "has_more": False}
    one = staff.get(f"/v1/accounts/{live.account_id}").json()
    assert one == shown | {"onboarding_id": live.id}
    assert staff.get("/v1/accounts", params={"state": "archived"}).json()["items"] == []


def test_accounts_come_in_pages(live: Onboarding, staff: TestClient) -> None:
    for account_id in ("700000000001", "700000000002"):
        asked = {"client": "globex", "from": "2026-11-01"}
        assert staff.post(f"/v1/accounts/{account_id}/assignments", json=asked).status_code == 200
    first = staff.get("/v1/accounts", params={"limit": 2}).json()
    rest = staff.get("/v1/accounts", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [item["id"] for item in [*first["items"], *rest["items"]]] == [
        live.account_id, "700000000001", "700000000002",
    ]  # fmt: skip
    assert (first["has_more"], rest["has_more"]) == (True, False)
    other = {"client": "acme", "cursor": first["next_cursor"]}
    assert staff.get("/v1/accounts", params=other).status_code == 400


def test_findings_are_shown_the_worst_first_and_to_no_client(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    found = [
        warning("root_password", "444444444444", "its client keeps it"),
        critical("mailbox_lost", live.account_id, "we do not control the e-mail"),
        critical("aws_mail_root", f"{live.account_id} mail 7", 'a mail: "sign-in"'),
    ]
    with installation.database.transaction() as session:
        put_findings(session, PAYER, found, installation.now(), looked_at=lambda _: True)
    first = staff.get("/v1/accounts/findings", params={"limit": 2}).json()
    cursor = {"limit": 2, "cursor": first["next_cursor"]}
    rest = staff.get("/v1/accounts/findings", params=cursor).json()

    assert [each["code"] for each in first["items"]] == ["aws_mail_root", "mailbox_lost"]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert rest["items"] == [
        {
            "severity": "warning", "code": "root_password", "where": "444444444444",
            "message": "its client keeps it", "payer": PAYER,
            "found_at": installation.now().isoformat(), "seen_at": installation.now().isoformat(),
        }
    ]  # fmt: skip
    other = staff.get("/v1/accounts/findings", params={"payer": "999999999999"}).json()
    assert other["items"] == []
    wrong = {"payer": "999999999999", "cursor": first["next_cursor"]}
    assert staff.get("/v1/accounts/findings", params=wrong).status_code == 400
    short = {"cursor": cursors.encode(("critical",), {"list": "findings", "payer": None})}
    assert staff.get("/v1/accounts/findings", params=short).status_code == 400
    with caller(installation, *Scope, client="acme") as own:
        assert own.get("/v1/accounts/findings").status_code == 404


def test_a_clients_key_sees_its_accounts_and_nothing_of_how_they_came_to_be(
    installation: Installation, live: Onboarding
) -> None:
    path = f"/v1/accounts/{live.account_id}"
    with (
        caller(installation, *Scope, client="acme") as own,
        caller(installation, Scope.READ, client="globex") as other,
    ):
        assert [item["id"] for item in own.get("/v1/accounts").json()["items"]] == [live.account_id]
        assert own.get(path).json()["onboarding_id"] is None
        assert own.get("/v1/accounts", params={"client": "globex"}).json()["items"] == []
        assert own.post(f"{path}/access:check").status_code == 404
        assert own.get(f"{path}/assignments").status_code == 404
        assert own.get("/v1/links", params={"format": "aesr"}).status_code == 404
        assert other.get("/v1/accounts").json()["items"] == []
        hidden, missing = other.get(path), other.get("/v1/accounts/999999999999")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert (
        hidden.json()["detail"].replace(live.account_id, "999999999999")
        == (missing.json()["detail"])
    )


def test_an_account_changes_hands_from_a_day_on_and_nothing_is_written_over(
    live: Onboarding, staff: TestClient
) -> None:
    path = f"/v1/accounts/{live.account_id}/assignments"
    moved = {"client": "globex", "from": "2027-01-01"}
    expected = [
        {"client": "acme", "external_refs": {}, "from": "2026-11-23", "to": "2027-01-01"},
        {"client": "globex", "external_refs": {}, "from": "2027-01-01", "to": None},
    ]

    assert staff.post(path, json=moved).json()["items"] == expected
    assert staff.post(path, json=moved).json()["items"] == expected
    assert staff.get(path).json()["items"] == expected
    taken = staff.post(path, json={"client": "initech", "from": "2026-12-01"})
    assert (taken.status_code, taken.json()["code"]) == (409, "account_taken")
    assert staff.get(path).json()["items"] == expected
    nobody = staff.post(path, json={"client": "nobody", "from": "2027-01-01"})
    assert nobody.status_code == 400


def test_a_check_of_access_is_recorded_here_and_made_by_a_job(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    calls = len(installation.aws.log)
    asked = staff.post(f"/v1/accounts/{live.account_id}/access:check")
    where = asked.headers["location"]

    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    assert len(installation.aws.log) == calls
    run_access_check(installation.environment, int(asked.json()["id"]))
    done = staff.get(where).json()
    assert (done["state"], done["is_as_expected"]) == ("done", True)
    expected = [each["expected"] for each in done["results"]]
    assert (expected.count("allowed"), expected.count("refused")) == (5, 6)
    assert staff.get(where.replace(live.account_id, "999999999999")).status_code == 404


def test_the_job_of_a_check_is_one_that_workers_know() -> None:
    assert queue.CHECK_ACCESS == "rebill:check_access"
    assert "check_access" in {name.rpartition(":")[2] for name in tasks.tasks}


def test_a_role_that_lets_in_without_mfa_is_found(
    installation: Installation, live: Onboarding, staff: TestClient
) -> None:
    """Somebody lifted our guard, and opened a role to the access account."""
    organizations, scp = (
        installation.aws.client("organizations"),
        installation.reseller.membership_scp_id,
    )
    organizations.detach_policy(PolicyId=scp, TargetId=live.account_id)
    trust = document(allow("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCESS}:root"}))
    iam = installation.aws.client("iam", live.account_id)
    iam.update_assume_role_policy(RoleName="MspOnCall", PolicyDocument=trust)
    installation.aws.clock.advance(hours=1)
    asked = staff.post(f"/v1/accounts/{live.account_id}/access:check").json()
    run_access_check(installation.environment, int(asked["id"]))

    done = staff.get(f"/v1/accounts/{live.account_id}/access-checks/{asked['id']}").json()
    wrong = [each for each in done["results"] if not each["is_as_expected"]]
    assert done["is_as_expected"] is False
    assert [(each["role_arn"].rsplit("/")[-1], each["expected"]) for each in wrong] == [
        ("MspOnCall", "refused")
    ]
    assert wrong[0]["aws_words"] == "AssumeRole succeeded"


def test_what_has_no_roles_of_ours_is_not_checked(
    installation: Installation, staff: TestClient
) -> None:
    staff.post(
        "/v1/accounts/700000000001/assignments", json={"client": "acme", "from": "2026-11-01"}
    )

    assert staff.post("/v1/accounts/700000000001/access:check").status_code == 404


def test_links_are_a_file_for_each_team(live: Onboarding, staff: TestClient) -> None:
    files = staff.get("/v1/links", params={"format": "1password"}).json()["items"]
    own = staff.get("/v1/links", params={"format": "switch-role", "team": "oncall"}).json()

    assert [file["team"] for file in files] == ["admins", "engineers", "finance", "oncall"]
    assert [file["name"] for file in own["items"]] == ["oncall-links.csv"]
    assert f"account={live.account_id}&roleName=msp/MspOnCall" in own["items"][0]["text"]
    assert staff.get("/v1/links", params={"format": "lastpass"}).status_code == 422
