"""Where Access Analyzer can be asked, no policy is written that it finds fault with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from accounts.iam.policy_documents import service_policies
from accounts.organization_setup.items import WantedSetup
from jobs.aws.calls import Caller
from jobs.aws.signers import ANALYZER, Signer, Signers
from jobs.onboarding.setting_up import set_up
from sandbox.aws import Fault
from service.store.database import Database
from tests.support.onboarding import CREATE, Office, kept_clients, onboard, opened, service_role
from tests.support.setting_up import administrator, bare


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    """With the profile `msp-analyzer`; the judge finds nothing unless a test says so."""
    with opened(database) as office:
        policy = service_policies(office.reseller)["svc_analyzer"]
        analyzer = Signer(service_role(office.aws, ANALYZER, policy))
        also(office, ANALYZER, analyzer)
        judge(office, {})
        office.aws.log.clear()
        with office.aws.enforced():
            yield office


def also(office: Office, name: str, signer: Signer) -> None:
    """From now on somebody signs by this name, too."""
    office.signers = Signers({**office.signers.named, name: signer})
    caller = Caller(office.signers, kept_clients(), office.aws.clock.now)
    office.environment = replace(office.environment, caller=caller)


def judge(office: Office, faults: Mapping[str, str]) -> None:
    """Finds this type of fault in whatever holds these words."""

    def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            {
                "findingDetails": "the words are wrong",
                "findingType": kind,
                "issueCode": "TEST",
                "learnMoreLink": "https://docs.example/test",
                "locations": [],
            }
            for words, kind in faults.items()
            if words in asked["policyDocument"]
        ]
        return {"findings": found}

    office.aws.stub("accessanalyzer", "ValidatePolicy", answer)


def kinds(office: Office) -> set[tuple[str, str]]:
    asked = office.aws.calls("accessanalyzer:ValidatePolicy")
    return {(e.params["policyType"], e.params.get("validatePolicyResourceType", "")) for e in asked}


def test_every_policy_of_an_account_is_judged_before_it_is_written(office: Office) -> None:
    assert onboard(office, CREATE).state == "live"

    names = [entry.name for entry in office.aws.log]
    writes = (
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:CreatePolicy",
        "iam:UpdateAssumeRolePolicy",
    )
    written = [index for index, name in enumerate(names) if name in writes]
    assert len(written) == 12
    assert {names[index - 1] for index in written} == {"accessanalyzer:ValidatePolicy"}
    assert kinds(office) == {
        ("RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument"), ("IDENTITY_POLICY", ""),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["ERROR", "SECURITY_WARNING"])
def test_what_is_found_wrong_is_not_written_and_needs_a_person(office: Office, kind: str) -> None:
    judge(office, {"iam:PassRole": kind})

    stopped = onboard(office, CREATE)

    assert stopped.state == "needs_human" and stopped.waiting is not None
    assert stopped.waiting.aws_words == f"PolicyUnsound {kind} TEST: the words are wrong"
    sent = [e for e in office.aws.log if "iam:PassRole" in str(e.params) and e.name[:4] == "iam:"]
    assert sent == []


def test_a_suggestion_or_a_plain_warning_blocks_nothing(office: Office) -> None:
    judge(office, {"Version": "SUGGESTION", "Statement": "WARNING"})

    assert onboard(office, CREATE).state == "live"


def test_where_the_judge_does_not_answer_nothing_is_written_until_it_does(office: Office) -> None:
    office.aws.faults.on("accessanalyzer:ValidatePolicy", Fault.THROTTLE, times=3)

    assert onboard(office, CREATE).state == "live"
    outcomes = [entry.outcome for entry in office.aws.calls("accessanalyzer:ValidatePolicy")]
    assert outcomes[:4] == ["lost", "lost", "lost", "ok"]


def test_guards_are_judged_at_set_up(office: Office) -> None:
    bare(office)
    judge(office, {"LeaveOrganization": "ERROR"})
    also(office, "msp-setup", Signer(administrator(office.aws)))

    report = set_up(
        office.environment, WantedSetup(alert_email="d@msp.example"), yes=frozenset(), actor="ada"
    )

    found = {outcome.key: outcome for outcome in report.outcomes}
    assert found["membership_guard"].state == "refused"
    assert "the words are wrong" in found["membership_guard"].words
    assert found["root_guard"].state == "made"
