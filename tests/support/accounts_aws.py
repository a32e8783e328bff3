"""A tiny AWS for the accounts core: enough to onboard in, with faults, and slow to show things."""

# Methods and arguments are named as AWS names them.
# ruff: noqa: N802, N803

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

from accounts.checks.memory import record_answer
from accounts.engine.transitions import apply_entry, record_intent
from accounts.model.decision import Actor, Answer, Call, Decision, Refusal, Send, Wait
from accounts.model.observed import Observed
from accounts.model.organization import Reseller
from accounts.model.record import Record
from accounts.model.request import AccountRequest
from accounts.onboarding.plan import next_step
from tests.support.accounts_reseller import NOW, PAYER, RESELLER

DENIED = Refusal(code="AccessDenied", message="not authorized to perform: sts:AssumeRole")
THROTTLED = Refusal(code="TooManyRequestsException", message="Rate exceeded")


class Crash(Exception):
    """The worker was killed; only the stored record is left."""


@dataclass
class Aws:
    now: datetime = NOW
    lag: timedelta = timedelta()
    """How late a list shows what was just made."""
    creation_takes: timedelta = timedelta(seconds=20)
    creation_failures: list[str] = field(default_factory=list)
    """FailureReasons of the next creations; then they succeed."""
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    creations: list[dict[str, Any]] = field(default_factory=list)
    handshakes: list[dict[str, Any]] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    budgets: dict[str, dict[str, Any]] = field(default_factory=dict)
    cost_tags: dict[str, str] = field(default_factory=lambda: {"msp:client": "Inactive"})
    sent: list[Call] = field(default_factory=list)
    refuse_next: dict[str, list[Refusal]] = field(default_factory=dict)
    """By operation."""

    def perform(self, call: Call) -> Answer:
        validate(call)
        self.sent.append(call)
        if self.refuse_next.get(call.operation):
            return self.refuse_next[call.operation].pop(0)
        self._tick()
        answer: Answer | None = getattr(self, f"_{call.operation}")(call, **call.arguments)
        return {} if answer is None else answer

    def count(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.sent)

    def invited_account(self, account_id: str, email: str) -> None:
        """The client accepts the open invitation."""
        handshake = next(h for h in self.handshakes if h["State"] == "OPEN")
        handshake["State"] = "ACCEPTED"
        self._add(account_id, "Client's own name", email, handshake["_tags"])

    def deploy_bootstrap(self, account_id: str, trust: dict[str, Any]) -> None:
        self.accounts[account_id]["roles"]["MspBootstrap"] = role_row("MspBootstrap", "/", trust)

    # Organizations

    def _DescribeOrganization(self, call: Call) -> Answer:
        organization = {"Id": "o-exampleorgid", "MasterAccountId": PAYER, "FeatureSet": "ALL"}
        return {"Organization": organization}

    def _ListAccounts(self, call: Call) -> Answer:
        shown = [a for a in self.accounts.values() if a["joined"] + self.lag <= self.now]
        return {"Accounts": [row_of(a) for a in shown]}

    def _DescribeAccount(self, call: Call, AccountId: str) -> Answer:
        return {"Account": row_of(self.accounts[AccountId])}

    def _CreateAccount(self, call: Call, **request: Any) -> Answer:
        number = len(self.creations) + 1
        row = {
            "Id": f"car-{number:032}",
            "AccountName": request["AccountName"],
            "State": "IN_PROGRESS",
            "RequestedTimestamp": self.now,
            "_request": request,
        }
        self.creations.append(row)
        return {"CreateAccountStatus": self._shown(row)}

    def _ListCreateAccountStatus(self, call: Call) -> Answer:
        shown = [r for r in self.creations if r["RequestedTimestamp"] + self.lag <= self.now]
        return {"CreateAccountStatuses": [self._shown(row) for row in shown]}

    def _DescribeCreateAccountStatus(self, call: Call, CreateAccountRequestId: str) -> Answer:
        row = next(row for row in self.creations if row["Id"] == CreateAccountRequestId)
        return {"CreateAccountStatus": self._shown(row)}

    def _ListTagsForResource(self, call: Call, ResourceId: str) -> Answer:
        return {"Tags": tag_list(self.accounts[ResourceId]["tags"])}

    def _TagResource(self, call: Call, ResourceId: str, Tags: list[dict[str, str]]) -> None:
        self.accounts[ResourceId]["tags"].update({t["Key"]: t["Value"] for t in Tags})

    def _ListParents(self, call: Call, ChildId: str) -> Answer:
        return {"Parents": [{"Id": self.accounts[ChildId]["parent"]}]}

    def _MoveAccount(
        self, call: Call, AccountId: str, SourceParentId: str, DestinationParentId: str
    ) -> Answer | None:
        if self.accounts[AccountId]["parent"] != SourceParentId:
            return Refusal(code="SourceParentNotFoundException")
        self.accounts[AccountId]["parent"] = DestinationParentId
        return None

    def _ListHandshakesForOrganization(self, call: Call, Filter: dict[str, str]) -> Answer:
        return {"Handshakes": [self._shown(row) for row in self.handshakes]}

    def _InviteAccountToOrganization(self, call: Call, **request: Any) -> Answer:
        target = request["Target"]["Id"]
        if any(h["State"] == "OPEN" and h["_target"] == target for h in self.handshakes):
            return Refusal(code="DuplicateHandshakeException")
        row = {
            "Id": f"h-{len(self.handshakes) + 1:08}",
            "State": "OPEN",
            "RequestedTimestamp": self.now,
            "ExpirationTimestamp": self.now + timedelta(days=15),
            "Resources": [
                {"Type": request["Target"]["Type"], "Value": target},
                {"Type": "NOTES", "Value": request["Notes"]},
            ],
            "_target": target,
            "_tags": {t["Key"]: t["Value"] for t in request["Tags"]},
        }
        self.handshakes.append(row)
        return {"Handshake": self._shown(row)}

    def _CancelHandshake(self, call: Call, HandshakeId: str) -> None:
        for row in self.handshakes:
            if row["Id"] == HandshakeId:
                row["State"] = "CANCELED"
        for transfer in self.transfers:
            if transfer["ActiveHandshakeId"] == HandshakeId:
                transfer["Status"] = "CANCELED"

    def _ListInboundResponsibilityTransfers(self, call: Call, Type: str) -> Answer:
        return {"ResponsibilityTransfers": self.transfers}

    def _InviteOrganizationToTransferResponsibility(self, call: Call, **request: Any) -> Answer:
        source = {"ManagementAccountId": request["Target"]["Id"]}
        number = len(self.transfers) + 1
        self.transfers.append(
            {
                "Id": f"rt-{number}",
                "Status": "REQUESTED",
                "Source": source,
                "StartTimestamp": request["StartTimestamp"],
                "ActiveHandshakeId": f"h-{number}",
            }
        )
        return {"Handshake": {"Id": f"h-{number}"}}

    def _ListPoliciesForTarget(self, call: Call, TargetId: str, Filter: str) -> Answer:
        return {"Policies": [{"Id": each} for each in sorted(self.accounts[TargetId]["scps"])]}

    def _AttachPolicy(self, call: Call, PolicyId: str, TargetId: str) -> Answer | None:
        if PolicyId in self.accounts[TargetId]["scps"]:
            return Refusal(code="DuplicatePolicyAttachmentException")
        self.accounts[TargetId]["scps"].add(PolicyId)
        return None

    # Account, budgets, Cost Explorer

    def _GetAlternateContact(self, call: Call, AccountId: str, AlternateContactType: str) -> Answer:
        contact = self.accounts[AccountId]["contacts"].get(AlternateContactType)
        if contact is None:
            return Refusal(code="ResourceNotFoundException")
        return {"AlternateContact": contact}

    def _PutAlternateContact(self, call: Call, AccountId: str, **contact: str) -> None:
        self.accounts[AccountId]["contacts"][contact["AlternateContactType"]] = contact

    def _PutAccountName(self, call: Call, AccountId: str, AccountName: str) -> None:
        self.accounts[AccountId]["name"] = AccountName

    def _DescribeBudget(self, call: Call, AccountId: str, BudgetName: str) -> Answer:
        if BudgetName not in self.budgets:
            return Refusal(code="NotFoundException")
        return {"Budget": self.budgets[BudgetName]}

    def _CreateBudget(self, call: Call, AccountId: str, Budget: dict[str, Any]) -> Answer | None:
        if Budget["BudgetName"] in self.budgets:
            return Refusal(code="DuplicateRecordException")
        self.budgets[Budget["BudgetName"]] = Budget
        return None

    def _ListCostAllocationTags(self, call: Call, TagKeys: list[str]) -> Answer:
        shown = [{"TagKey": k, "Status": s} for k, s in self.cost_tags.items() if k in TagKeys]
        return {"CostAllocationTags": shown}

    def _UpdateCostAllocationTagsStatus(
        self, call: Call, CostAllocationTagsStatus: list[dict[str, str]]
    ) -> Answer:
        self.cost_tags.update({t["TagKey"]: t["Status"] for t in CostAllocationTagsStatus})
        return {"Errors": []}

    # STS

    def _AssumeRole(self, call: Call, RoleArn: str, **more: Any) -> Answer:
        account_id, name = RoleArn.split(":")[4], RoleArn.split("/")[-1]
        role = self.accounts.get(account_id, {"roles": {}})["roles"].get(name)
        if role is None or not lets_in(role["AssumeRolePolicyDocument"], call, more):
            return DENIED
        return {"Credentials": {}}

    # IAM in the member, by the bootstrap role, or as root

    def _roles(self, call: Call) -> dict[str, Any]:
        roles: dict[str, Any] = self.accounts[call.session.account_id]["roles"]
        return roles

    def _GetAccountAuthorizationDetails(self, call: Call, Filter: list[str]) -> Answer:
        policies = self.accounts[call.session.account_id]["policies"]
        return {
            "RoleDetailList": list(self._roles(call).values()),
            "Policies": [
                {"Arn": arn, "PolicyVersionList": versions} for arn, versions in policies.items()
            ],
        }

    def _ListRoles(self, call: Call) -> Answer:
        return {"Roles": list(self._roles(call).values())}

    def _CreatePolicy(self, call: Call, PolicyName: str, Path: str, **more: Any) -> Answer | None:
        policies = self.accounts[call.session.account_id]["policies"]
        arn = f"arn:aws:iam::{call.session.account_id}:policy{Path}{PolicyName}"
        if arn in policies:
            return Refusal(code="EntityAlreadyExists")
        document = json.loads(more["PolicyDocument"])
        policies[arn] = [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document}]
        return None

    def _CreateRole(self, call: Call, RoleName: str, Path: str, **more: Any) -> Answer | None:
        if RoleName in self._roles(call):
            return Refusal(code="EntityAlreadyExists")
        row = role_row(RoleName, Path, json.loads(more["AssumeRolePolicyDocument"]))
        row["MaxSessionDuration"] = more["MaxSessionDuration"]
        row["Tags"] = more["Tags"]
        if "PermissionsBoundary" in more:
            row["PermissionsBoundary"] = {"PermissionsBoundaryArn": more["PermissionsBoundary"]}
        self._roles(call)[RoleName] = row
        return None

    def _PutRolePolicy(
        self, call: Call, RoleName: str, PolicyName: str, PolicyDocument: str
    ) -> None:
        row = self._roles(call)[RoleName]
        others = [p for p in row["RolePolicyList"] if p["PolicyName"] != PolicyName]
        mine = {"PolicyName": PolicyName, "PolicyDocument": json.loads(PolicyDocument)}
        row["RolePolicyList"] = [*others, mine]

    def _AttachRolePolicy(self, call: Call, RoleName: str, PolicyArn: str) -> None:
        self._roles(call)[RoleName]["AttachedManagedPolicies"].append({"PolicyArn": PolicyArn})

    def _UpdateAssumeRolePolicy(
        self, call: Call, RoleName: str, PolicyDocument: str
    ) -> Answer | None:
        self._roles(call)[RoleName]["AssumeRolePolicyDocument"] = json.loads(PolicyDocument)
        return None

    def _TagRole(self, call: Call, RoleName: str, Tags: list[dict[str, str]]) -> None:
        self._roles(call)[RoleName]["Tags"] = Tags

    def _GetAccountSummary(self, call: Call) -> Answer:
        return {"SummaryMap": self.accounts[call.session.account_id]["root"]}

    def _DeleteLoginProfile(self, call: Call) -> None:
        self.accounts[call.session.account_id]["root"]["AccountPasswordPresent"] = 0

    # What happens by itself

    def _tick(self) -> None:
        for row in self.creations:
            due = row["RequestedTimestamp"] + self.creation_takes <= self.now
            if row["State"] == "IN_PROGRESS" and due:
                self._finish(row)

    def _finish(self, row: dict[str, Any]) -> None:
        request = row["_request"]
        failure = self.creation_failures.pop(0) if self.creation_failures else ""
        if request["Email"] in {a["email"] for a in self.accounts.values()}:
            failure = "EMAIL_ALREADY_EXISTS"
        if failure:
            row |= {"State": "FAILED", "FailureReason": failure}
            return
        account_id = f"{333333333333 + len(self.accounts)}"
        tags = {t["Key"]: t["Value"] for t in request["Tags"]}
        self._add(account_id, request["AccountName"], request["Email"], tags)
        row |= {"State": "SUCCEEDED", "AccountId": account_id}
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{PAYER}:root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        self.deploy_bootstrap(account_id, trust)

    def _add(self, account_id: str, name: str, email: str, tags: dict[str, str]) -> None:
        self.accounts[account_id] = {
            "id": account_id,
            "name": name,
            "email": email,
            "joined": self.now,
            "state": "ACTIVE",
            "tags": dict(tags),
            "parent": "r-abcd",
            "contacts": {},
            "scps": set(),
            "roles": {},
            "policies": {},
            "root": {},
        }

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if not key.startswith("_")}


def row_of(account: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": account["id"],
        "Name": account["name"],
        "Email": account["email"],
        "State": account["state"],
        "JoinedTimestamp": account["joined"],
    }


def role_row(name: str, path: str, trust: dict[str, Any]) -> dict[str, Any]:
    return {
        "RoleName": name,
        "Path": path,
        "AssumeRolePolicyDocument": trust,
        "RolePolicyList": [],
        "AttachedManagedPolicies": [],
        "Tags": [],
    }


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lets_in(trust: dict[str, Any], call: Call, more: dict[str, Any]) -> bool:
    context = {
        "aws:PrincipalArn": RESELLER.automation_arn,
        "sts:ExternalId": more.get("ExternalId", ""),
        "sts:RoleSessionName": more["RoleSessionName"],
    }
    if call.session.actor in (Actor.PERSON, Actor.PERSON_WITH_MFA):
        context["aws:PrincipalArn"] = f"arn:aws:iam::222222222222:user/{more['RoleSessionName']}"
        context["aws:PrincipalTag/msp-team"] = call.session.team
        context["aws:PrincipalOrgID"] = RESELLER.organization_id
    if call.session.actor is Actor.PERSON_WITH_MFA:
        context |= {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60"}
    statement = trust["Statement"][0]
    return all(
        any(_matches(operator, context.get(key), value) for value in as_list(wanted))
        for operator, tested in statement.get("Condition", {}).items()
        for key, wanted in tested.items()
    )


def _matches(operator: str, has: str | None, wanted: str) -> bool:
    if has is None:
        return False
    if operator == "NumericLessThan":
        return int(has) < int(wanted)
    if operator == "StringLike" and wanted == "${aws:username}":
        return has.startswith("msp-probe-")
    return fnmatchcase(has, wanted)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _operation(service: str, operation: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation)


def validate(call: Call) -> None:
    """botocore's own model knows the operation, and takes these arguments."""
    model = _operation(call.service, call.operation)
    if model.input_shape is None:
        assert not call.arguments, call
        return
    report = ParamValidator().validate(dict(call.arguments), model.input_shape)
    assert not report.has_errors(), f"{call.operation}: {report.generate_report()}"


Fault = Callable[[Aws, Call], Answer]


def plain(aws: Aws, call: Call) -> Answer:
    return aws.perform(call)


@dataclass
class Worker:
    """The shell, as the core expects it: stores after every answer, and before a single send."""

    aws: Aws
    request: AccountRequest
    reseller: Reseller = RESELLER
    stored: Record = field(default_factory=Record)
    faults: dict[int, Fault] = field(default_factory=dict)
    """By number of the call, from 1."""
    calls: int = 0
    visits_max: int = 400

    def run(self) -> Decision:
        """Visits until it is done or a person is needed, at the times asked for."""
        for _ in range(self.visits_max):
            try:
                decision = self.visit()
            except Crash:
                self.aws.now += timedelta(seconds=5)
                continue
            if not isinstance(decision, Wait) or decision.kind == "waiting_client":
                return decision
            assert decision.again_at > self.aws.now, decision
            self.aws.now = decision.again_at
        raise AssertionError(f"still at {decision} after {self.visits_max} visits")

    def visit(self) -> Decision:
        observed = Observed()
        while True:
            decision = next_step(self.reseller, self.request, observed, self.stored, self.aws.now)
            match decision:
                case Call():
                    observed = self._call(observed, decision)
                case _ if type(decision).__name__ in ("Wait", "NeedsHuman", "Done"):
                    return decision
                case _:
                    self.stored = apply_entry(self.stored, decision)  # type: ignore[arg-type]

    def _call(self, observed: Observed, call: Call) -> Observed:
        self.calls += 1
        assert self.calls < 5_000, f"no end: {call}"
        if call.send is Send.ONCE:
            self.stored = record_intent(self.stored, call, self.aws.now)
        answer = self.faults.get(self.calls, plain)(self.aws, call)
        self.aws.now += timedelta(seconds=1)
        observed, self.stored = record_answer(
            self.request, observed, self.stored, call, answer, self.aws.now
        )
        return observed


def onboard(aws: Aws, request: AccountRequest, faults: Iterable[tuple[int, Fault]] = ()) -> Worker:
    worker = Worker(aws, request, faults=dict(faults))
    worker.run()
    return worker
