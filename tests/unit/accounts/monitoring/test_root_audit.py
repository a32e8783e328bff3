"""Root in words: the payer's own, its central management, and whose turn it is to be audited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.model.decision import Answer, Refusal
from accounts.monitoring.root_audit import (
    central_findings,
    due_audits,
    member_findings,
    payer_findings,
)
from kernel.findings import Finding, Severity
from tests.support.accounts_reseller import MEMBER, NOW, PAYER

COLUMNS = "user,arn,password_enabled,password_last_used,mfa_active,access_key_1_active,"
COLUMNS += "access_key_1_last_used_date,access_key_2_active,cert_1_active,cert_2_active,novelty"
TRUSTED = {"EnabledServicePrincipals": [{"ServicePrincipal": "iam.amazonaws.com"}]}
FEATURES = {"EnabledFeatures": ["RootCredentialsManagement", "RootSessions"]}
DENIED = Refusal(code="AccessDenied", message="not authorized")
NO_APPS: Answer = {"VirtualMFADevices": []}


def report(
    *,
    used: str = "no_information",
    mfa: str = "true",
    key: str = "false",
    key_used: str = "N/A",
    age: timedelta = timedelta(),
) -> dict[str, Any]:
    row = f"<root_account>,arn,not_supported,{used},{mfa},{key},{key_used},false,false,false,x"
    other = "alice,arn,true,2026-11-22T10:00:00+00:00,false,true,N/A,false,false,false,x"
    content = f"{COLUMNS}\n{other}\n{row}\n".encode()
    return {"Content": content, "GeneratedTime": NOW - age}


def summary(*, mfa: int = 1, keys: int = 0, certificates: int = 0) -> dict[str, Any]:
    counts = {
        "AccountMFAEnabled": mfa,
        "AccountAccessKeysPresent": keys,
        "AccountSigningCertificatesPresent": certificates,
        "AccountPasswordPresent": 1,
    }
    return {"SummaryMap": counts}


def payer(**answers: Answer) -> dict[str, Finding]:
    asked: dict[str, Answer] = {"summary": summary(), "report": report(), "apps": NO_APPS}
    found = payer_findings(PAYER, **(asked | answers), now=NOW)
    return {f"{each.code}{each.where.removeprefix(PAYER)}": each for each in found}


def test_a_root_user_with_a_passkey_and_no_keys_is_fine() -> None:
    assert payer() == {}


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"summary": summary(mfa=0)}, "payer_root_without_mfa", "register a passkey"),
        ({"summary": summary(keys=1)}, "payer_root_access_keys", "then delete it"),
        ({"summary": summary(certificates=1)}, "payer_root_certificates", "delete it"),
        ({"report": report(used="2026-11-20T08:15:00+00:00")}, "payer_root_used", "20 08:15"),
        ({"report": report(key_used="2026-11-01T00:00:00Z")}, "payer_root_key_used", "2026-11-01"),
        ({"report": report(age=timedelta(days=3))}, "payer_root_report_old", "2026-11-20"),
    ],
)  # fmt: skip
def test_each_weakness_of_the_payer_s_root_is_said_in_words(
    answers: dict[str, Answer], code: str, words: str
) -> None:
    found = payer(**answers)

    assert list(found) == [code]
    assert words in found[code].message


def test_a_sign_in_of_long_ago_is_no_finding() -> None:
    assert payer(report=report(used="2026-10-23T08:00:00+00:00")) == {}


def test_an_app_is_told_apart_from_a_hardware_key() -> None:
    serial = f"arn:aws:iam::{PAYER}:mfa/phone"
    root = {"SerialNumber": serial, "User": {"Arn": f"arn:aws:iam::{PAYER}:root"}}
    alice = {"SerialNumber": serial, "User": {"Arn": f"arn:aws:iam::{PAYER}:user/alice"}}

    assert payer(apps={"VirtualMFADevices": [alice]}) == {}
    assert list(payer(apps={"VirtualMFADevices": [alice, root]})) == ["payer_root_virtual_mfa"]


def test_what_aws_did_not_say_is_told_and_the_rest_judged_all_the_same() -> None:
    found = payer(summary=DENIED, report=report(mfa="FALSE", key="TRUE"), apps=DENIED)

    assert set(found) == {
        "payer_root_unseen GetAccountSummary", "payer_root_unseen ListVirtualMFADevices",
        "payer_root_without_mfa", "payer_root_access_keys",
    }  # fmt: skip
    assert "AccessDenied not authorized" in found["payer_root_unseen GetAccountSummary"].message


def test_a_report_without_root_is_no_all_clear() -> None:
    nobody = {"Content": b"user,arn\n\xff\xfe,\n", "GeneratedTime": NOW}

    assert list(payer(report=nobody)) == ["payer_root_unseen <root_account>"]


@pytest.mark.parametrize(
    ("features", "trusted", "codes"),
    [
        (FEATURES, TRUSTED, []),
        (DENIED, {"EnabledServicePrincipals": []}, ["root_access_untrusted"]),
        ({"EnabledFeatures": ["RootSessions"]}, TRUSTED, ["root_credentials_unmanaged"]),
        ({"EnabledFeatures": ["RootCredentialsManagement"]}, TRUSTED, ["root_sessions_off"]),
        ({}, TRUSTED, ["root_credentials_unmanaged", "root_sessions_off"]),
        (DENIED, TRUSTED, ["root_access_unseen"]),
        (FEATURES, DENIED, ["root_access_unseen"]),
    ],
)
def test_central_management_is_on_or_said_not_to_be(
    features: Answer, trusted: Answer, codes: list[str]
) -> None:
    assert [each.code for each in central_findings(PAYER, features, trusted)] == codes


def test_credentials_that_came_back_are_critical_and_those_a_client_keeps_are_a_warning() -> None:
    ours = member_findings(MEMBER, summary(keys=1), may_delete=True)
    theirs = member_findings(MEMBER, summary(keys=1), may_delete=False)

    codes = ["root_password", "root_access_keys", "root_mfa"]
    assert [each.code for each in ours] == [each.code for each in theirs] == codes
    assert {each.severity for each in ours} == {Severity.CRITICAL}
    assert {each.severity for each in theirs} == {Severity.WARNING}
    assert "again, though it had none" in ours[0].message
    assert "keeps until it agrees" in theirs[0].message


def test_a_refused_audit_is_told() -> None:
    assert [each.code for each in member_findings(MEMBER, DENIED, may_delete=True)] == [
        "root_unaudited"
    ]


def test_in_a_week_everybody_has_a_turn_and_no_day_has_more_than_its_share() -> None:
    everybody = [f"{number:012}" for number in range(100)]
    audited: dict[str, datetime] = {}
    days = []
    for day in range(14):
        now = datetime(2026, 11, 1, 4, 17, tzinfo=UTC) + timedelta(days=day, seconds=day)
        today = due_audits(everybody, audited, troubled=frozenset(), now=now)
        audited |= dict.fromkeys(today, now)
        days.append(set(today))

    assert {len(each) for each in days} <= {15, 10}, "a seventh of 100 is 15; the last day has 10"
    assert set.union(*days[:7]) == set.union(*days[7:]) == set(everybody)


def test_the_troubled_are_looked_at_every_day() -> None:
    audited = dict.fromkeys(["a", "b"], NOW)

    assert due_audits("ab", audited, troubled=frozenset("b"), now=NOW) == ("b",)
    assert due_audits("a", audited, troubled=frozenset("b"), now=NOW) == ()


def test_an_audit_by_a_clock_that_was_ahead_does_not_count() -> None:
    audited = {"a": NOW + timedelta(days=400), "b": NOW - timedelta(days=1)}

    assert due_audits("ab", audited, troubled=frozenset(), now=NOW) == ("a",)
