"""A hand-over's own part of the tiny AWS, and the shell around its decisions."""

# Methods and arguments of the pretend AWS are named as AWS names them.
# ruff: noqa: N802, N803

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.checks.memory import record_answer
from accounts.engine.transitions import apply_entry, attest
from accounts.handover.checklist import next_handover_step
from accounts.model.decision import Answer, Call, Decision, Done, NeedsHuman, Wait
from accounts.model.handover import Handover, HandoverKind
from accounts.model.observed import Observed
from accounts.model.record import Proof, Record
from tests.support.accounts_aws import DENIED, Aws, Crash, Worker
from tests.support.accounts_reseller import CREATE, MEMBER, NOW, RESELLER

CLIENT_CONTACT = {
    "FullName": "A. Acme", "AddressLine1": "1 Main", "City": "Cork", "PostalCode": "T12",
    "CountryCode": "IE", "PhoneNumber": "+353 21 000",
}  # fmt: skip
DANGEROUS = {
    "root_guard", "root_email", "roles", "membership_guard", "remove", "close", "end_transfer",
}  # fmt: skip
DIRECTORY = "arn:aws:sso:::instance/ssoins-1111111111111111"
ROLE_ARNS = tuple(
    f"arn:aws:iam::{MEMBER}:role/msp/{name}"
    for name in ("MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall")
)
ASKED = Handover(
    request=CREATE,
    exit=HandoverKind.STANDALONE,
    asked_by="ann",
    approvals=dict.fromkeys(DANGEROUS, "bob"),
    client_email="cloud@acme.example",
    client_contact=CLIENT_CONTACT,
    registered_roles=ROLE_ARNS,
)


@dataclass
class AwsOnTheWayOut(Aws):
    email: str = CREATE.email
    contact: dict[str, str] = field(default_factory=dict)
    phone: str = "UNVERIFIED"
    delegated: list[str] = field(default_factory=list)
    stack_sets: list[dict[str, Any]] = field(default_factory=list)
    permission_sets: list[str] = field(default_factory=list)
    shares: dict[str, list[str]] = field(default_factory=dict)
    reserved: list[str] = field(default_factory=list)
    invitations: list[dict[str, Any]] = field(default_factory=list)
    gone: dict[str, Any] = field(default_factory=dict)

    def _GetPrimaryEmail(self, call: Call, AccountId: str) -> Answer:
        return {"PrimaryEmail": self.email}

    def _StartPrimaryEmailUpdate(self, call: Call, **more: str) -> Answer:
        return {"Status": "PENDING"}

    def _AcceptPrimaryEmailUpdate(self, call: Call, PrimaryEmail: str, **more: str) -> Answer:
        self.email = PrimaryEmail
        return {"Status": "ACCEPTED"}

    def _GetContactInformation(self, call: Call, AccountId: str) -> Answer:
        return {"ContactInformation": self.contact, "VerificationStatus": self.phone}

    def _PutContactInformation(self, call: Call, **more: Any) -> None:
        self.contact = more["ContactInformation"]

    def _SendPhoneNumberVerification(self, call: Call, AccountId: str) -> Answer:
        return {"Status": "PENDING"}

    def _VerifyPhoneNumber(self, call: Call, AccountId: str, Otp: str) -> Answer:
        self.phone = "VERIFIED"
        return {"Status": "VERIFIED"}

    def _CreateLoginProfile(self, call: Call) -> Answer:
        return {"LoginProfile": {}}

    def _ListDelegatedServicesForAccount(self, call: Call, AccountId: str) -> Answer:
        return {"DelegatedServices": [{"ServicePrincipal": name} for name in self.delegated]}

    def _ListStackSets(self, call: Call, Status: str) -> Answer:
        return {"Summaries": self.stack_sets}

    def _ListStackInstances(self, call: Call, StackSetName: str, **more: str) -> Answer:
        return {"Summaries": [{"Region": "eu-west-1"}]}

    def _ListInstances(self, call: Call) -> Answer:
        return {"Instances": [{"InstanceArn": DIRECTORY}]}

    def _ListPermissionSetsProvisionedToAccount(self, call: Call, **more: str) -> Answer:
        return {"PermissionSets": self.permission_sets}

    def _GetResourceShares(self, call: Call, resourceOwner: str, **more: str) -> Answer:
        return {"resourceShares": [{"name": name} for name in self.shares.get(resourceOwner, [])]}

    def _DescribeReservedInstances(self, call: Call, **more: Any) -> Answer:
        return {"ReservedInstances": [{"ReservedInstancesId": name} for name in self.reserved]}

    def _DescribeSavingsPlans(self, call: Call, states: list[str]) -> Answer:
        return {"savingsPlans": []}

    def _ListHandshakesForAccount(self, call: Call, **more: Any) -> Answer:
        return {"Handshakes": self.invitations}

    def _DeleteAlternateContact(
        self, call: Call, AccountId: str, AlternateContactType: str
    ) -> None:
        del self.accounts[AccountId]["contacts"][AlternateContactType]

    def _DetachPolicy(self, call: Call, PolicyId: str, TargetId: str) -> None:
        self.accounts[TargetId]["scps"].remove(PolicyId)

    def _DetachRolePolicy(self, call: Call, RoleName: str, PolicyArn: str) -> None:
        self._roles(call)[RoleName]["AttachedManagedPolicies"] = []

    def _DeleteRolePolicy(self, call: Call, RoleName: str, PolicyName: str) -> None:
        self._roles(call)[RoleName]["RolePolicyList"] = []

    def _DeleteRole(self, call: Call, RoleName: str) -> None:
        row = self._roles(call).pop(RoleName)
        assert not row["RolePolicyList"]
        assert not row["AttachedManagedPolicies"]

    def _DeletePolicy(self, call: Call, PolicyArn: str) -> None:
        del self.accounts[call.session.account_id]["policies"][PolicyArn]

    def _RemoveAccountFromOrganization(self, call: Call, AccountId: str) -> None:
        self.gone[AccountId] = self.accounts.pop(AccountId)

    def _CloseAccount(self, call: Call, AccountId: str) -> None:
        self.accounts[AccountId]["state"] = "PENDING_CLOSURE"

    def _UpdateAssumeRolePolicy(
        self, call: Call, RoleName: str, PolicyDocument: str
    ) -> Answer | None:
        if call.session.account_id in self.gone:
            shut = self.gone[call.session.account_id]["roles"].pop(RoleName, None) is None
            return DENIED if shut else None
        return super()._UpdateAssumeRolePolicy(call, RoleName, PolicyDocument)

    def _AssumeRole(self, call: Call, RoleArn: str, **more: Any) -> Answer:
        account_id, name = RoleArn.split(":")[4], RoleArn.split("/")[-1]
        if self.accounts.get(account_id, {}).get("state") in ("PENDING_CLOSURE", "SUSPENDED"):
            return DENIED
        if name in self.gone.get(account_id, {"roles": {}})["roles"]:
            return {"Credentials": {}}
        return super()._AssumeRole(call, RoleArn, **more)


@dataclass
class Desk:
    """The shell of a hand-over."""

    aws: AwsOnTheWayOut
    handover: Handover
    stored: Record
    codes: dict[str, str] = field(default_factory=dict)
    crash_after: int = 0
    now: datetime = NOW

    def run(self) -> Decision:
        observed = Observed()
        while True:
            decision = next_handover_step(
                RESELLER, self.handover, observed, self.stored, self.now, codes=self.codes
            )
            match decision:
                case Call():
                    answer = self.aws.perform(decision)
                    self.crash_after -= 1
                    if self.crash_after == 0:
                        raise Crash
                    observed, self.stored = record_answer(
                        self.handover.request, observed, self.stored, decision, answer, self.now
                    )
                case Wait() | NeedsHuman() | Done():
                    return decision
                case _:
                    self.stored = apply_entry(self.stored, decision)

    def attest(self, *items: str) -> None:
        for item in items:
            proof = Proof(at=NOW, words="seen", by="ann")
            self.stored = attest(self.stored, item, proof)


def a_live_desk() -> Desk:
    """The account of CREATE, live, and its hand-over asked for."""
    aws = AwsOnTheWayOut()
    worker = Worker(aws, CREATE)
    worker.run()
    aws.sent.clear()
    return Desk(aws, ASKED, worker.stored)


def invitation(state: str) -> dict[str, Any]:
    return {
        "Id": "h-theirs", "State": state, "RequestedTimestamp": NOW,
        "ExpirationTimestamp": NOW + timedelta(days=15), "Parties": [], "Resources": [],
    }  # fmt: skip


def approved(desk: Desk, tag: str = "handover-approved") -> Desk:
    desk.aws.accounts[MEMBER]["tags"]["msp:offboarding"] = tag
    return desk


def recovered(desk: Desk) -> Desk:
    approved(desk)
    desk.codes = {"root_email": "123456", "phone": "654321"}
    desk.attest("root_sign_in", "client_admin", "evidence", "dependencies")
    return desk
