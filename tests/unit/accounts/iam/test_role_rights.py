"""A role of one's own is judged by its rights, whatever way they come: uploaded, or AWS's own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from accounts.iam.role_catalogue import CATALOGUE, MSP_ADMIN, MSP_ON_CALL
from accounts.iam.role_rights import is_administrative, judge_rights
from accounts.model.request import check_request
from accounts.model.role_spec import RoleSpec, TrustKind, check_role
from kernel.errors import BadInput
from kernel.findings import Severity
from service.actions.onboarding.check_roles import check_catalogue_role
from tests.support.accounts_reseller import CREATE, RESELLER
from tests.support.managed_policies import LIST, class_of, listed, published

OWN = replace(MSP_ON_CALL, name="OurOps", policy="", managed=("ReadOnlyAccess",))


def with_managed(*names: str) -> RoleSpec:
    return replace(OWN, managed=names)


def with_policy(**statement: Any) -> RoleSpec:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}
    return replace(OWN, managed=(), custom=document)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AdministratorAccess", "become an administrator"),
        ("PowerUserAccess", "become an administrator"),
        ("IAMFullAccess", "become an administrator"),
        ("AWSCodeCommitFullAccess", "become an administrator"),
        ("job-function/SystemAdministrator", "become an administrator"),
        ("NoSuchPolicyAtAll", "is none of AWS's as of 2026-09-30"),
        ("readonlyaccess", "is none of AWS's"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "give what stands behind policy/, 'ReadOnly"),
        ("ViewOnlyAccess", "is 'job-function/ViewOnlyAccess' with AWS: give its path"),
        ("aws-service-role/AWSSupportServiceRolePolicy", "to its own roles only"),
    ],
)
@pytest.mark.parametrize("trust", [TrustKind.HUMAN_MFA, TrustKind.THIRD_PARTY])
@pytest.mark.parametrize("bounded", [True, False])
def test_a_managed_policy_is_judged_as_an_uploaded_one(
    name: str, words: str, trust: TrustKind, *, bounded: bool
) -> None:
    spec = replace(
        with_managed(name), trust=trust, bounded=bounded, third_party_account="464622532012"
    )
    with pytest.raises(BadInput, match=words):
        check_catalogue_role(spec, [RESELLER], own=[])


def test_what_is_harmless_passes_and_what_acts_through_workloads_is_told() -> None:
    harmless = with_managed("ReadOnlyAccess", "SecurityAudit", "job-function/ViewOnlyAccess")
    (found,) = judge_rights(with_managed("AmazonEC2FullAccess"))

    assert judge_rights(harmless) == ()
    assert (found.severity, found.code) == (Severity.WARNING, "acts_through_workloads")
    with pytest.raises(BadInput, match="names a managed policy twice"):
        check_catalogue_role(with_managed("ReadOnlyAccess", "ReadOnlyAccess"), [RESELLER], own=[])
    with pytest.raises(BadInput, match="AWS attaches 10 managed policies"):
        check_role(with_managed(*(f"p{number}" for number in range(11))))


BOUND = {"iam:PermissionsBoundary": "arn:aws:iam::333333333333:policy/msp/MspBoundary"}
OTHER = {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
ROLES = "arn:aws:iam::333333333333:role/app/*"


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ({"NotAction": "iam:*", "Resource": "*"}, {"allows_by_exclusion"}),
        ({"Action": "*", "Resource": ROLES}, {"identity_rights"}),
        ({"Action": "iam:PutRolePolicy", "Resource": ROLES}, {"identity_rights"}),
        ({"Action": "IAM:Update*", "Resource": ROLES}, {"identity_rights"}),
        ({"Action": "iam:Create?ole", "Resource": ROLES}, {"identity_rights"}),
        (
            {"Action": "iam:CreateRole", "Resource": ROLES, "Condition": {"StringLike": BOUND}},
            {"identity_rights"},
        ),
        (
            {"Action": "iam:CreateRole", "Resource": ROLES, "Condition": {"StringEquals": OTHER}},
            {"identity_rights"},
        ),
        ({"Action": "iam:CreateRole", "Resource": ROLES, "Condition": {"ArnEquals": BOUND}}, set()),
        ({"Action": ["iam:Get*", "iam:List*", "iam:PassRole"], "Resource": ROLES}, set()),
    ],
)
def test_an_uploaded_policy_gives_no_rights_over_identities(
    statement: dict[str, Any], codes: set[str]
) -> None:
    assert {each.code for each in judge_rights(with_policy(**statement))} == codes


def test_of_the_shipped_roles_one_is_an_administrators() -> None:
    assert [spec.name for spec in CATALOGUE if is_administrative(spec)] == ["MspAdmin"]
    assert is_administrative(with_managed("NoSuchPolicyAtAll"))
    assert is_administrative(with_policy(Action="iam:PutUserPolicy", Resource="*"))
    assert not is_administrative(OWN)


@pytest.mark.parametrize("name", ["mspadmin", "MSPBOOTSTRAP", "organizationaccountaccessrole"])
def test_our_own_names_are_ours_whatever_the_case(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} is our own role"):
        check_catalogue_role(replace(OWN, name=name), [RESELLER], own=[])


def test_own_names_differ_by_more_than_case() -> None:
    with pytest.raises(BadInput, match="OUROPS is OurOps to AWS, which ignores case"):
        check_catalogue_role(replace(OWN, name="OUROPS"), [RESELLER], own=[OWN])
    assert check_catalogue_role(OWN, [RESELLER], own=[OWN]) == ()


def test_a_request_names_a_role_once_whatever_the_case() -> None:
    roles = (OWN, replace(OWN, name="OUROPS"))
    with pytest.raises(BadInput, match="asked for twice: OUROPS, OurOps"):
        check_request(RESELLER, replace(CREATE, roles=roles))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "MspÜber"}, "the name of a role is 'MspÜber'"),
        ({"name": "AWSServiceRoleForMe"}, "AWS keeps such names"),
        ({"name": "awsreservedsso_Eng"}, "AWS keeps such names"),
        ({"purpose": "日本"}, "its purpose is"),
        ({"purpose": "x" * 1_001}, "has 0 to 1000 characters, not 1001"),
        ({"team": "../pwned"}, "is no key of a team"),
        ({"team": "a\nb"}, "is no key of a team"),
        ({"team": ".."}, "is no key of a team"),
        ({"permission_set": "*"}, r"its permission set is '\*'"),
        ({"permission_set": "${aws:username}"}, "its permission set is"),
        ({"permission_set": "a b/c"}, "its permission set is"),
        ({"permission_set": "x" * 33}, "has 1 to 32 characters"),
    ],
)
def test_texts_of_a_role_are_what_aws_takes(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_role(
            replace(OWN, trust=TrustKind.IDENTITY_CENTER, **{"permission_set": "E", **wrong})
        )


def test_the_list_is_all_of_awss_and_judged_as_it_says() -> None:
    """A sample here; the whole in the proof."""
    every = published()
    stored = json.loads(LIST.read_text("utf-8"))["policies"]
    kinds = {path: kind for kind, paths in stored.items() for path in paths}

    assert set(kinds) == set(every)
    assert kinds[MSP_ADMIN.managed[0]] == "escalating"
    for path in ("AdministratorAccess", "ReadOnlyAccess", "AWSLambda_FullAccess", "IAMFullAccess"):
        assert class_of(path, every[path]) == kinds[path]


@pytest.mark.proof
def test_the_whole_list_is_as_it_would_be_made_today() -> None:
    assert json.loads(LIST.read_text("utf-8")) == listed()
