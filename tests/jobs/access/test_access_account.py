"""The access account is set up: what gives nobody power is made, all else is named exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from accounts.checks.access_proof import probe_user
from accounts.iam.policy_documents import as_list, policy_file, service_policies, to_text
from accounts.model.role_spec import Document
from accounts.organization_setup.items import WantedSetup
from jobs.aws.signers import ACCESS as ACCESS_SIGNER
from jobs.aws.signers import Signer
from jobs.onboarding.setting_up import SetupReport
from sandbox.aws.reseller import add_user, register
from service.store.database import Database
from tests.support.accounts_reseller import ACCESS, RESELLER
from tests.support.iam.rights import without
from tests.support.onboarding import allow, document, keys_of, service_role
from tests.support.organization_setups import Operator, at_work, outcome_of, states

OURS = (
    "access_account", "access_policies", "people_group", "probe_users", "probe_sign_ins", "people",
)  # fmt: skip
TEAMS = ("admins", "engineers", "finance", "oncall")
NOTHING = allow("s3:ListAllMyBuckets", Resource="*")


@dataclass
class Administrator:
    """Of the access account, beside the operator of the payer."""

    operator: Operator
    signers: dict[str, Signer] = field(default_factory=dict)

    @property
    def iam(self) -> Any:
        return self.operator.aws.client("iam", ACCESS)

    def signs_in(self, policy: Document | None = None) -> None:
        """A role there with our document, named as a profile."""
        wanted = policy or self.operator.plan().policies["svc_access"]
        self.signers[ACCESS_SIGNER] = Signer(
            service_role(self.operator.aws, ACCESS_SIGNER, wanted, ACCESS)
        )
        self.operator.signs(self.operator.keys, **self.signers)

    def registers(self, team: str) -> None:
        """Device and key of a probe that set-up has made, and its profile here."""
        sign_in = register(self.operator.aws, probe_user(team))
        code = partial(sign_in.code, self.operator.aws)
        self.signers[probe_user(team)] = Signer(keys_of(sign_in), sign_in.mfa_serial, code)
        self.operator.signs(self.operator.keys, **self.signers)

    def employs(self, name: str, teams: str) -> None:
        """A person with an MFA device, held to it by the group."""
        add_user(self.operator.aws, name, tags={"msp-team": teams}, policy=document(NOTHING))
        self.iam.add_user_to_group(GroupName="msp-people", UserName=name)

    def plan(self) -> SetupReport:
        return self.operator.plan(WantedSetup())

    def missing(self, key: str) -> list[str]:
        outcome = outcome_of(self.plan(), key)
        return list(outcome.missing or (outcome.words,))

    def states(self, report: SetupReport) -> dict[str, str]:
        every = states(report)
        return {key: every[key] for key in OURS}


@pytest.fixture
def administrator(database: Database) -> Iterator[Administrator]:
    """The payer's part is done and described; of the access account nothing is."""
    with at_work(database) as operator:
        operator.set_up()
        operator.by_hand()
        operator.described()
        yield Administrator(operator)


@pytest.fixture
def settled(administrator: Administrator) -> Administrator:
    """Everything is so: probes with devices, keys and profiles, and a person in every team."""
    administrator.signs_in()
    administrator.operator.set_up(WantedSetup())
    for team in TEAMS:
        administrator.registers(team)
    administrator.employs("ada", "admins:engineers")
    administrator.employs("grace", "oncall:finance")
    return administrator


def test_before_anybody_signs_in_there_it_says_who_has_to_with_what(
    administrator: Administrator,
) -> None:
    report = administrator.plan()

    assert administrator.states(report) == {
        "access_account": "by hand", "access_policies": "later", "people_group": "later",
        "probe_users": "later", "probe_sign_ins": "later", "people": "later",
    }  # fmt: skip
    assert outcome_of(report, "access_account").words == (
        "nobody signs in 222222222222: make a role there with svc_access.json (--policies DIR), "
        "and name it as the profile msp-access in the AWS configuration"
    )
    assert report.policies["svc_access"] == service_policies(RESELLER)["svc_access"]
    assert not report.is_fine


def test_with_its_own_rights_only_it_makes_what_gives_nobody_power(
    administrator: Administrator,
) -> None:
    administrator.signs_in()
    planned = administrator.plan()
    administrator.operator.aws.log.clear()

    made = administrator.operator.set_up(WantedSetup())

    assert list(outcome_of(planned, "access_policies").missing) == [
        "make the policy MspAssumeRoles", "make the policy MspRequireMfa",
        "make the policy MspProbe",
    ]  # fmt: skip
    assert administrator.states(made) == {
        "access_account": "is so", "access_policies": "made", "people_group": "made",
        "probe_users": "made", "probe_sign_ins": "by hand", "people": "by hand",
    }  # fmt: skip
    assert administrator.operator.writes() == [
        *["CreatePolicy"] * 3, "CreateGroup", *["AttachGroupPolicy"] * 2,
        *["CreateUser", "AttachUserPolicy"] * 4,
    ]  # fmt: skip
    assert administrator.missing("probe_sign_ins") == [
        f"register an MFA device of msp-probe-{team}, and have mfa_process read its codes"
        for team in TEAMS
    ]
    assert administrator.missing("people") == [
        f"nobody is in the team {team}: tag a user msp-team={team}, and add it to msp-people"
        for team in TEAMS
    ]
    with administrator.operator.environment.database.transaction() as session:
        audited = session.connection().exec_driver_sql(
            "select count(*) from audit_entry where action = 'set_up' and after->>'item' in "
            "('access_policies', 'people_group', 'probe_users')"
        )
        assert audited.scalar_one() == 14


def test_run_again_once_people_did_their_part_all_is_fine_and_nothing_is_changed(
    settled: Administrator,
) -> None:
    settled.operator.aws.log.clear()

    report = settled.operator.set_up(WantedSetup())

    assert set(settled.states(report).values()) == {"is so"}
    assert report.is_fine
    assert [name for name in settled.operator.writes() if name != "AssumeRole"] == []


def test_a_person_does_nothing_without_mfa_but_register_a_device(settled: Administrator) -> None:
    aws = settled.operator.aws
    settled.iam.create_user(UserName="bob", Tags=[{"Key": "msp-team", "Value": "oncall"}])
    settled.iam.add_user_to_group(GroupName="msp-people", UserName="bob")
    key = settled.iam.create_access_key(UserName="bob")["AccessKey"]
    bob = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")

    assert refusal(lambda: bob.client("iam").list_users()) == "AccessDenied"
    other = partial(bob.client("iam").list_mfa_devices, UserName="ada")
    assert refusal(other) == "AccessDenied"
    assert bob.client("iam").list_mfa_devices(UserName="bob")["MFADevices"] == []
    made = bob.client("iam").create_virtual_mfa_device(VirtualMFADeviceName="bob")
    assert made["VirtualMFADevice"]["SerialNumber"] == f"arn:aws:iam::{ACCESS}:mfa/bob"
    role = f"arn:aws:iam::{aws.world.payer_id}:role/msp/MspAdmin"
    enter = partial(bob.client("sts").assume_role, RoleArn=role, RoleSessionName="bob")
    assert refusal(enter) == "AccessDenied"


def refusal(act: Any) -> str:
    with pytest.raises(ClientError) as refused:
        act()
    return str(refused.value.response["Error"]["Code"])


def test_each_thing_that_is_amiss_of_people_is_a_line(settled: Administrator) -> None:
    iam = settled.iam
    iam.create_user(UserName="eve", Tags=[{"Key": "msp-team", "Value": "oncall:onkall"}])
    iam.remove_user_from_group(GroupName="msp-people", UserName="grace")
    iam.tag_user(UserName="ada", Tags=[{"Key": "msp-team", "Value": "admins"}])

    assert settled.missing("people") == [
        "eve is tagged with the team 'onkall', which there is not",
        "add eve to the group msp-people: nothing holds them to MFA",
        "eve has no MFA device: whoever has their password could register one of their own",
        "add grace to the group msp-people: nothing holds them to MFA",
        "nobody is in the team engineers: tag a user msp-team=engineers, and add it to msp-people",
    ]


def test_what_is_there_is_adopted_and_where_it_says_more_or_else_that_is_named(
    settled: Administrator,
) -> None:
    iam, probe = settled.iam, "msp-probe-oncall"
    iam.tag_user(UserName=probe, Tags=[{"Key": "msp-team", "Value": "admins"}])
    iam.add_user_to_group(GroupName="msp-people", UserName=probe)
    iam.attach_group_policy(
        GroupName="msp-people", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    weaker = policy_file("access_require_mfa", partition="aws")
    weaker["Statement"] = weaker["Statement"][:-1]
    iam.create_policy_version(
        PolicyArn=f"arn:aws:iam::{ACCESS}:policy/msp/MspRequireMfa",
        PolicyDocument=to_text(weaker),
        SetAsDefault=True,
    )
    settled.operator.aws.log.clear()

    report = settled.operator.set_up(WantedSetup())

    assert outcome_of(report, "access_policies").words == (
        "put access_require_mfa.json (--policies DIR) as the default version of MspRequireMfa"
    )
    assert '+      "Sid": "NothingElseWithoutMfa"' in outcome_of(report, "access_policies").diff
    assert settled.missing("people_group") == [
        "msp-people may do more than enter our roles: take ReadOnlyAccess off it"
    ]
    assert settled.missing("probe_users") == [
        "tag msp-probe-oncall msp-team=oncall, not 'admins'",
        "take msp-people off msp-probe-oncall: its trial has to depend on our roles alone",
    ]
    assert settled.operator.writes() == []


def test_a_probe_that_cannot_sign_in_here_is_named_with_what_it_lacks(
    settled: Administrator,
) -> None:
    signers = settled.signers
    del signers[probe_user("admins")]
    own = signers[probe_user("oncall")]
    signers[probe_user("engineers")] = own
    signers[probe_user("oncall")] = Signer(own.session, own.mfa_serial, lambda: "000000")
    settled.operator.signs(settled.operator.keys, **signers)

    user = "arn:aws:iam::222222222222:user/msp/msp-probe"
    nobody, other, code = settled.missing("probe_sign_ins")
    assert nobody == (
        "on the worker's machine: nobody signs as msp-probe-admins: add it to the AWS configuration"
    )
    assert other == f"the profile msp-probe-engineers signs as {user}-oncall, not {user}-engineers"
    assert code == (
        "AWS refused the code of msp-probe-oncall: run this again in half a minute; if it stays, "
        "mfa_process reads another device"
    )


def test_another_account_or_organization_is_not_taken_for_it(
    administrator: Administrator,
) -> None:
    operator = administrator.operator
    signer = Signer(operator.aws.session())
    operator.signs(operator.keys, **{ACCESS_SIGNER: signer})
    words = outcome_of(administrator.plan(), "access_account").words
    assert words == (
        f"the profile msp-access is of {operator.aws.world.payer_id}; "
        "the access account is 222222222222"
    )


RIGHTS = [
    (statement["Sid"], action)
    for statement in service_policies(RESELLER)["svc_access"]["Statement"]
    for action in as_list(statement["Action"])
]


@pytest.mark.parametrize("right", RIGHTS, ids="-".join)
def test_without_one_of_its_rights_an_item_is_refused(
    administrator: Administrator, right: tuple[str, str]
) -> None:
    whole = service_policies(RESELLER)["svc_access"]
    administrator.signs_in(without(json.loads(to_text(whole)), *right))

    report = administrator.operator.set_up(WantedSetup())

    refused = [each.words for each in report.outcomes if each.state == "refused"]
    assert refused and right[1] in refused[0], states(report)
