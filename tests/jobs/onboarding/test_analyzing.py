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
from tests.support.onboarding import (
    CREATE,
    Installation,
    kept_clients,
    onboard,
    opened,
    service_role,
)
from tests.support.setting_up import administrator, bare


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    """With the profile `msp-analyzer`; the judge finds nothing unless a test says so."""
    with opened(database) as installation:
        policy = service_policies(installation.reseller)["svc_analyzer"]
        analyzer = Signer(service_role(installation.aws, ANALYZER, policy))
        also(installation, ANALYZER, analyzer)
        judge(installation, {})
        installation.aws.log.clear()
        with installation.aws.enforced():
            yield installation


def also(installation: Installation, name: str, signer: Signer) -> None:
    """From now on somebody signs by this name, too."""
    installation.signers = Signers({**installation.signers.named, name: signer})
    caller = Caller(installation.signers, kept_clients(), installation.aws.clock.now)
    installation.environment = replace(installation.environment, caller=caller)


def judge(installation: Installation, faults: Mapping[str, str]) -> None:
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

    installation.aws.stub("accessanalyzer", "ValidatePolicy", answer)


def kinds(installation: Installation) -> set[tuple[str, str]]:
    asked = installation.aws.calls("accessanalyzer:ValidatePolicy")
    return {(e.params["policyType"], e.params.get("validatePolicyResourceType", "")) for e in asked}


def test_every_policy_of_an_account_is_judged_before_it_is_written(
    installation: Installation,
) -> None:
    assert onboard(installation, CREATE).state == "live"

    names = [entry.name for entry in installation.aws.log]
    writes = (
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:CreatePolicy",
        "iam:UpdateAssumeRolePolicy",
    )
    written = [index for index, name in enumerate(names) if name in writes]
    assert len(written) == 12
    assert {names[index - 1] for index in written} == {"accessanalyzer:ValidatePolicy"}
    assert kinds(installation) == {
        ("RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument"), ("IDENTITY_POLICY", ""),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["ERROR", "SECURITY_WARNING"])
def test_what_is_found_wrong_is_not_written_and_needs_a_person(
    installation: Installation, kind: str
) -> None:
    judge(installation, {"iam:PassRole": kind})

    stopped = onboard(installation, CREATE)

    assert stopped.state == "needs_human" and stopped.waiting is not None
    assert stopped.waiting.aws_words == f"PolicyUnsound {kind} TEST: the words are wrong"
    sent = [
        e for e in installation.aws.log if "iam:PassRole" in str(e.params) and e.name[:4] == "iam:"
    ]
    assert sent == []


def test_a_suggestion_or_a_plain_warning_blocks_nothing(installation: Installation) -> None:
    judge(installation, {"Version": "SUGGESTION", "Statement": "WARNING"})

    assert onboard(installation, CREATE).state == "live"


def test_where_the_judge_does_not_answer_nothing_is_written_until_it_does(
    installation: Installation,
) -> None:
    installation.aws.faults.on("accessanalyzer:ValidatePolicy", Fault.THROTTLE, times=3)

    assert onboard(installation, CREATE).state == "live"
    outcomes = [entry.outcome for entry in installation.aws.calls("accessanalyzer:ValidatePolicy")]
    assert outcomes[:4] == ["lost", "lost", "lost", "ok"]


def test_guards_are_judged_at_set_up(installation: Installation) -> None:
    bare(installation)
    judge(installation, {"LeaveOrganization": "ERROR"})
    also(installation, "msp-setup", Signer(administrator(installation.aws)))

    report = set_up(
        installation.environment,
        WantedSetup(alert_email="d@msp.example"),
        yes=frozenset(),
        actor="ada",
    )

    found = {outcome.key: outcome for outcome in report.outcomes}
    assert found["membership_guard"].state == "refused"
    assert "the words are wrong" in found["membership_guard"].words
    assert found["root_guard"].state == "made"
