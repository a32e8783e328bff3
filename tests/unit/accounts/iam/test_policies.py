"""Policies: what ships is sound, and what is uploaded is judged before any write."""

import json
from typing import Any

import pytest

from accounts.iam.policy_checks import PolicyKind, validate_policy
from accounts.iam.policy_documents import guard_policies, same_policy, service_policies, to_text
from accounts.iam.role_catalogue import (
    CATALOGUE,
    MSP_ADMIN,
    boundary_document,
    desired_role,
    pick_roles,
)
from accounts.iam.trust_policies import (
    automation_trust,
    human_trust,
    identity_center_trust,
    third_party_trust,
)
from accounts.model.role_spec import RoleSpec, RoleStage, TrustKind, check_role
from kernel.errors import BadInput
from kernel.findings import Finding, Severity, is_blocked
from tests.support.accounts_reseller import CREATE, EXTERNAL_ID, MEMBER, RESELLER


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return sorted({finding.code for finding in findings})


def statement(**parts: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **parts}]}


def trust(principal: Any, **condition: Any) -> dict[str, Any]:
    return statement(Principal=principal, Action="sts:AssumeRole", Condition=condition)


@pytest.mark.parametrize("name", service_policies(RESELLER))
def test_the_service_policies_have_no_finding_and_fit(name: str) -> None:
    document = service_policies(RESELLER)[name]

    assert validate_policy(document, PolicyKind.MANAGED, where=name) == ()
    assert len(to_text(document)) < 6_144


@pytest.mark.parametrize("name", ["scp_membership", "scp_root"])
def test_the_guards_have_no_finding(name: str) -> None:
    assert validate_policy(guard_policies(RESELLER)[name], PolicyKind.GUARD, where=name) == ()


def test_the_boundary_has_no_finding() -> None:
    document = boundary_document(RESELLER)

    assert validate_policy(document, PolicyKind.BOUNDARY, where="boundary") == ()


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_no_role_of_the_catalogue_lets_anyone_become_an_administrator(spec: RoleSpec) -> None:
    role = desired_role(check_role(spec), RESELLER, CREATE, MEMBER)

    assert role.inline is not None
    assert validate_policy(role.trust, PolicyKind.TRUST, where=spec.name) == ()
    found = validate_policy(role.inline, PolicyKind.INLINE, where=spec.name)
    assert codes(found) == (["acts_through_workloads"] if spec.name == "MspEngineer" else [])
    assert not is_blocked(found)


def test_onboarding_and_offboarding_are_apart() -> None:
    """Neither may approve, and the onboarding role may end no membership."""
    policies = service_policies(RESELLER)
    denied = {
        name: {
            action
            for each in policies[name]["Statement"]
            if each["Effect"] == "Deny"
            for action in each["Action"]
        }
        for name in ("svc_onboard", "svc_offboard")
    }

    assert {"organizations:CloseAccount", "organizations:DetachPolicy"} <= denied["svc_onboard"]
    assert "organizations:RemoveAccountFromOrganization" in denied["svc_onboard"]
    assert "organizations:TagResource" in denied["svc_offboard"]


def test_people_are_trusted_with_a_fresh_mfa_only() -> None:
    document = human_trust(RESELLER, teams=("oncall",), mfa_age_seconds=28_800)

    assert document["Statement"][0]["Condition"] == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "28800"},
        "StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"},
        "StringLike": {
            "aws:PrincipalTag/msp-team": ["oncall", "oncall:*", "*:oncall", "*:oncall:*"],
            "sts:RoleSessionName": "${aws:username}",
        },
    }


def test_identity_center_is_trusted_by_its_role_and_never_by_mfa() -> None:
    document = identity_center_trust(RESELLER, permission_set="MspEngineer")
    condition = document["Statement"][0]["Condition"]
    name = "AWSReservedSSO_MspEngineer_" + 16 * "?"
    home = "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com"

    assert condition["ArnLike"] == {"aws:PrincipalArn": [f"{home}/{name}", f"{home}/*/{name}"]}
    assert condition["StringEquals"] == {"aws:PrincipalOrgID": "o-exampleorgid"}
    assert "MultiFactorAuth" not in to_text(document)


def test_automation_is_our_two_roles_with_the_external_id() -> None:
    document = automation_trust(RESELLER, external_id=EXTERNAL_ID)

    assert document["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert document["Statement"][0]["Condition"] == {
        "ArnEquals": {
            "aws:PrincipalArn": [
                "arn:aws:iam::111111111111:role/msp-onboard",
                "arn:aws:iam::111111111111:role/msp-offboard",
            ]
        },
        "StringEquals": {"sts:ExternalId": "msp-3f0c9a77b1e24d58"},
    }


def test_a_third_party_is_trusted_with_the_external_id() -> None:
    document = third_party_trust(RESELLER, account_id="464622532012", external_id=EXTERNAL_ID)

    assert validate_policy(document, PolicyKind.TRUST, where="vendor") == ()
    with pytest.raises(BadInput, match="ExternalId has 16 to 1224"):
        third_party_trust(RESELLER, account_id="464622532012", external_id="short")


ROOT = {"AWS": "arn:aws:iam::111111111111:root"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (trust("*"), "trusts_everyone"),
        (trust({"AWS": "*"}), "trusts_everyone"),
        (trust({"AWS": ["*"]}, StringEquals={"sts:ExternalId": EXTERNAL_ID}), "trusts_everyone"),
        (trust(ROOT), "trusts_an_account"),
        (trust(ROOT, StringEquals={"aws:PrincipalOrgID": "o-exampleorgid"}), "trusts_an_account"),
        (trust(ROOT, BoolIfExists={"aws:MultiFactorAuthPresent": "true"}), "trust_if_exists"),
        (statement(NotPrincipal=ROOT, Action="sts:AssumeRole"), "trusts_everyone"),
        (statement(Action="sts:AssumeRole"), "policy_form"),
    ],
)
def test_a_trust_that_lets_too_many_in_is_refused(document: dict[str, Any], code: str) -> None:
    findings = validate_policy(document, PolicyKind.TRUST, where="MspCustom")

    assert is_blocked(findings)
    assert code in codes(findings)


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        ("{", "policy_not_json", "line 1"),
        ("[]", "policy_not_json", "no JSON object"),
        (statement(Action="ec2:Frobnicate", Resource="*"), "unknown_action", "ec2:Frobnicate"),
        (statement(Action="nosuch:*", Resource="*"), "unknown_action", "nosuch:*"),
        (statement(Action="s3:GetObject"), "policy_form", "exactly one of Resource"),
        (statement(Action="s3:GetObject", Resource="*", Principal="*"), "policy_form", "Principal"),
        (statement(Action=5, Resource="*"), "policy_form", "Action must be text"),
        (statement(Action="s3:*", Resource="*", Effect="Permit"), "policy_form", "Allow or Deny"),
        (statement(Action="s3:*", Resource="*", Colour="red"), "policy_form", "'Colour'"),
        ({"Version": "2008-10-17", "Statement": []}, "policy_form", "2012-10-17"),
        (
            statement(Action="s3:*", Resource="*", Condition={"StringIs": {"aws:username": "a"}}),
            "policy_form",
            "'StringIs' is no condition operator",
        ),
        (
            statement(Action="s3:GetObject", Resource="*", Condition={"Bool": {"ec2:Vpc": "true"}}),
            "unfit_condition",
            "ec2:Vpc is no condition key of s3:getobject",
        ),
        (
            statement(Action="iam:PutUserPolicy", Resource="*"),
            "privilege_escalation",
            "become an administrator",
        ),
        (
            statement(Action=["iam:PassRole", "lambda:*"], Resource="*"),
            "privilege_escalation",
            "iam:passrole",
        ),
        (statement(Action="s3:GetObject", Resource="x" * 10_240), "policy_too_long", "10,240"),
        (statement(Sid="a b", Action="s3:*", Resource="*"), "policy_form", "its Sid 'a b'"),
        (statement(Sid="Ünique", Action="s3:*", Resource="*"), "policy_form", "its Sid 'Ünique'"),
        (
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                    {"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"},
                ],
            },
            "policy_form",
            "its Sid 'A' is another",
        ),
        (
            statement(Action="s3:GetObject", Resource="mybucket/*"),
            "policy_form",
            "'mybucket/*' is no ARN",
        ),
        (statement(Action="s3:*", Resource="arn:aws:*:::x"), "policy_form", "is no ARN"),
        (statement(Action="s3:*", Resource=""), "policy_form", "is no ARN"),
        (statement(Action="s3:*", Resource=[]), "policy_form", "Resource must be text"),
        (statement(Action=[], Resource="*"), "policy_form", "Action must be text"),
        (
            statement(Action="iam:GetRole", Resource="arn:aws:iam:us-east-1:111111111111:role/x"),
            "policy_form",
            "an ARN of IAM has no region",
        ),
    ],
)
def test_an_uploaded_policy_is_judged_in_plain_words(document: Any, code: str, words: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)

    findings = validate_policy(text, PolicyKind.INLINE, where="upload")

    found = [finding for finding in findings if finding.code == code]
    assert found
    assert found[0].severity is Severity.CRITICAL
    assert any(words.replace(",", "") in finding.message for finding in found)


def test_a_sound_uploaded_policy_has_no_finding() -> None:
    document = statement(Action=["s3:GetObject", "s3:List*"], Resource="arn:aws:s3:::reports/*")

    assert validate_policy(document, PolicyKind.INLINE, where="upload") == ()


def test_roles_are_picked_by_name_and_automation_always() -> None:
    picked = pick_roles(["MspOnCall", "MspAdmin"])

    assert [spec.name for spec in picked] == ["MspAdmin", "MspOnCall", "MspAutomation"]
    with pytest.raises(BadInput, match="no role is called 'MspChef'"):
        pick_roles(["MspChef"])


def test_an_entry_that_cannot_be_a_role_is_refused() -> None:
    with pytest.raises(BadInput, match="1 to 12 hours"):
        check_role(RoleSpec(**fields(session_seconds=900)))
    with pytest.raises(BadInput, match="needs a team"):
        check_role(RoleSpec(**fields(team="")))
    with pytest.raises(BadInput, match="without a policy"):
        check_role(RoleSpec(**fields(managed=())))


def fields(**other: Any) -> dict[str, Any]:
    sound = {"name": "MspX", "stage": RoleStage.RUN, "purpose": "", "team": "x"}
    return {**sound, "trust": TrustKind.HUMAN_MFA, "managed": ("ReadOnlyAccess",), **other}


def test_a_role_is_bounded_tagged_and_under_our_path() -> None:
    role = desired_role(MSP_ADMIN, RESELLER, CREATE, MEMBER)

    assert role.path == "/msp/"
    assert role.boundary_arn == "arn:aws:iam::333333333333:policy/msp/MspBoundary"
    assert role.managed_arns == ("arn:aws:iam::aws:policy/AdministratorAccess",)
    assert role.tags == {
        "msp:client": "acme",
        "msp:managed": "true",
        "msp:onboarding-id": "onb-7f3a",
    }


def test_policies_are_the_same_whatever_the_order_and_one_for_a_list() -> None:
    one = statement(Action="s3:GetObject", Resource=["a", "b"])
    other = {
        "Statement": {"Resource": ["b", "a"], "Action": ["s3:GetObject"], "Effect": "Allow"},
        "Version": "2012-10-17",
    }

    assert same_policy(one, other)
    assert not same_policy(one, statement(Action="s3:GetObject", Resource=["a"]))
    assert not same_policy(
        trust(ROOT, Bool={"aws:MultiFactorAuthPresent": "true"}),
        trust(ROOT, Bool={"aws:MultiFactorAuthPresent": "false"}),
    )


def test_our_guards_fit_what_aws_took_before_it_doubled_its_quota() -> None:
    """5,120 characters, of which a page of quotas may still speak: `docs/aws_promises.md`."""
    guards = guard_policies(RESELLER)

    assert set(guards) == {"scp_membership", "scp_root"}
    assert max(len(to_text(document)) for document in guards.values()) <= 5_120
