"""Owns the set-up's items of the access account: its people, their MFA, and the probes.

A trust lets in whoever carries the tag of a team, so that whoever writes tags, keys or policies
there may do anything: set-up makes what gives nobody power (policies, a group, probes without
keys), and names what is for the account's administrator.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from accounts.aws.calls import read, write
from accounts.checks.access_proof import probe_user
from accounts.iam.policy_documents import policy_file, same_policy, to_text
from accounts.iam.role_catalogue import ROLE_PATH
from accounts.model.decision import Actor, Call, Refusal, Session
from accounts.model.organization import TAG_MANAGED, Reseller
from accounts.model.role_spec import Document
from accounts.organization_setup.items import ByHand, Later, SetupChange, SetupContext, Todo
from accounts.organization_setup.items import difference as difference_of

AS_ACCESS = Session(actor=Actor.ACCESS)
TAG_TEAM = "msp-team"
PEOPLE = "msp-people"
PROBE_POLICY = "MspProbe"
FILES = {
    "MspAssumeRoles": "access_assume_roles",
    "MspRequireMfa": "access_require_mfa",
    PROBE_POLICY: "access_probe",
}
"""Managed policies of the access account, under our path, by their names."""
OF_PEOPLE = ("MspAssumeRoles", "MspRequireMfa")
NOT_SIGNED = frozenset({"NoCredentials"})
PROBE_REFUSALS = frozenset({"NoCredentials", "MfaCodeRefused", "InvalidClientTokenId"})
"""What is said of a probe by AWS, or by the want of its profile here."""
_SEEN = ("see_identities",)

# Where we are. -------------------------------------------------------------------------


def in_the_access_account(context: SetupContext) -> Todo | None:
    reseller = context.wanted.reseller
    if reseller is None:
        return Later("once the configuration names the access account")
    where = reseller.access_account_id
    if "see_access_caller" not in context.answers:
        return read("see_access_caller", "sts", "GetCallerIdentity", session=AS_ACCESS)
    if isinstance(context.answers["see_access_caller"], Refusal):
        return ByHand(
            f"nobody signs in {where}: make a role there with svc_access.json (--policies DIR), "
            "and name it as the profile msp-access in the AWS configuration"
        )
    account_id = context.seen("see_access_caller")["Account"]
    if account_id != where:
        return ByHand(f"the profile msp-access is of {account_id}; the access account is {where}")
    if "see_access_organization" not in context.answers:
        return read(
            "see_access_organization", "organizations", "DescribeOrganization", session=AS_ACCESS
        )
    answer = context.answers["see_access_organization"]
    if isinstance(answer, Refusal) or answer["Organization"]["Id"] != context.organization_id:
        return ByHand(
            f"{where} is in no organization of ours, and our roles let in nobody from outside of "
            f"{context.organization_id}: invite it"
        )
    if "see_identities" not in context.answers:
        return _look_at_identities()
    return None


def _look_at_identities() -> Call:
    return read(
        "see_identities",
        "iam",
        "GetAccountAuthorizationDetails",
        session=AS_ACCESS,
        Filter=["User", "Group", "LocalManagedPolicy"],
    )


def _waiting(context: SetupContext) -> Todo | None:
    """The account has to be entered first; after a write its identities are looked at anew."""
    match in_the_access_account(context):
        case None:
            return None
        case Call(step="see_identities") as look:
            return look
    return Later("once we are signed in to the access account")


def _reseller(context: SetupContext) -> Reseller:
    assert context.wanted.reseller is not None, "no access account is described"
    return context.wanted.reseller


def _first(changes: Sequence[SetupChange], faults: Iterable[str], diff: str = "") -> Todo | None:
    """One write at a time; everything that is missing is told at once."""
    missing = (*(each.words for each in changes), *faults)
    if changes:
        return replace(changes[0], missing=missing)
    return ByHand("; ".join(missing), diff, missing) if missing else None


def _write(step: str, operation: str, words: str, subject: str, **arguments: Any) -> SetupChange:
    call = write(
        step, "iam", operation, session=AS_ACCESS, subject=subject, invalidates=_SEEN, **arguments
    )
    return SetupChange(call=call, words=words)


# What people may do. -------------------------------------------------------------------


def access_policies(context: SetupContext) -> Todo | None:
    if (waiting := _waiting(context)) is not None:
        return waiting
    there = _own_policies(context)
    changes, faults, diffs = [], [], []
    for name, file in FILES.items():
        wanted = policy_file(file, partition=context.partition)
        if name not in there:
            changes.append(
                _write(
                    "make_access_policy",
                    "CreatePolicy",
                    f"make the policy {name}",
                    name,
                    PolicyName=name,
                    Path=ROLE_PATH,
                    PolicyDocument=to_text(wanted),
                )
            )
            continue
        document = _default_version(there[name])
        if not same_policy(document, wanted):
            faults.append(f"put {file}.json (--policies DIR) as the default version of {name}")
            diffs.append(difference_of(document, wanted))
    return _first(changes, faults, "\n".join(diffs))


def _default_version(policy: Mapping[str, Any]) -> Document:
    version = next(each for each in policy["PolicyVersionList"] if each["IsDefaultVersion"])
    document = version["Document"]
    return json.loads(document) if isinstance(document, str) else dict(document)


def _policy_arn(context: SetupContext, name: str) -> str:
    """As it is there, under whatever path; else where we make it."""
    found = _own_policies(context).get(name)
    if found is not None:
        return str(found["Arn"])
    account_id = _reseller(context).access_account_id
    return f"arn:{context.partition}:iam::{account_id}:policy{ROLE_PATH}{name}"


def _own_policies(context: SetupContext) -> dict[str, Mapping[str, Any]]:
    listed = context.seen("see_identities")["Policies"]
    return {str(each["Arn"]).rpartition("/")[2]: each for each in listed}


def people_group(context: SetupContext) -> Todo | None:
    if (waiting := _waiting(context)) is not None:
        return waiting
    groups = {
        str(each["GroupName"]): each for each in context.seen("see_identities")["GroupDetailList"]
    }
    group = groups.get(PEOPLE)
    changes = []
    if group is None:
        changes.append(
            _write(
                "make_group", "CreateGroup", f"make the group {PEOPLE}", PEOPLE,
                GroupName=PEOPLE, Path=ROLE_PATH,
            )
        )  # fmt: skip
    attached, inline = _policies_of(group or {})
    changes += [
        _write(
            "give_group", "AttachGroupPolicy", f"give {PEOPLE} the policy {name}", name,
            GroupName=PEOPLE, PolicyArn=_policy_arn(context, name),
        )
        for name in OF_PEOPLE
        if name not in attached
    ]  # fmt: skip
    more = sorted({*attached, *inline} - set(OF_PEOPLE))
    faults = [f"{PEOPLE} may do more than enter our roles: take {name} off it" for name in more]
    return _first(changes, faults)


def _policies_of(holder: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names of those attached, and of those written into it."""
    attached = [str(each["PolicyName"]) for each in holder.get("AttachedManagedPolicies", ())]
    inline = [
        str(each["PolicyName"])
        for kind in ("UserPolicyList", "GroupPolicyList")
        for each in holder.get(kind, ())
    ]
    return attached, inline


# Probes. -------------------------------------------------------------------------------


def probe_users(context: SetupContext) -> Todo | None:
    """Theirs is a policy that does not ask for MFA: the role's trust has to.

    Refused by a policy of its own, a probe would prove nothing of the trust.
    """
    if (waiting := _waiting(context)) is not None:
        return waiting
    users = _users(context)
    changes, faults = [], []
    for team in sorted(_reseller(context).probe_teams):
        name = probe_user(team)
        user = users.get(name)
        if user is None:
            tags = {TAG_TEAM: team, TAG_MANAGED: "true"}
            changes.append(
                _write(
                    "make_probe", "CreateUser", f"make the user {name}", name,
                    UserName=name, Path=ROLE_PATH,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
            )  # fmt: skip
        elif (tag := _teams_tag(user)) != team:
            faults.append(f"tag {name} {TAG_TEAM}={team}, not {tag!r}")
        attached, inline = _policies_of(user or {})
        if PROBE_POLICY not in attached:
            words = f"give {name} the policy {PROBE_POLICY}"
            arn = _policy_arn(context, PROBE_POLICY)
            changes.append(
                _write("give_probe", "AttachUserPolicy", words, name, UserName=name, PolicyArn=arn)
            )
        groups = (user or {}).get("GroupList", ())
        more = sorted({*attached, *inline, *map(str, groups)} - {PROBE_POLICY})
        faults += [f"take {each} off {name}: its trial has to depend on our roles alone"
                   for each in more]  # fmt: skip
    return _first(changes, faults)


def probe_sign_ins(context: SetupContext) -> Todo | None:
    """Each signs in from here, with a code of its device. Keys and seeds are for a person."""
    if (waiting := _waiting(context)) is not None:
        return waiting
    faults = []
    for team in sorted(_reseller(context).probe_teams):
        name = probe_user(team)
        if name not in _users(context):
            return Later("once the probes are there")
        if f"see_mfa:{name}" not in context.answers:
            return _look_at_mfa(name)
        if not context.seen(f"see_mfa:{name}")["MFADevices"]:
            faults.append(f"register an MFA device of {name}, and have mfa_process read its codes")
            continue
        if f"see_probe:{name}" not in context.answers:
            session = Session(actor=Actor.PERSON_WITH_MFA, team=team)
            return read("see_probe", "sts", "GetCallerIdentity", session=session, subject=name)
        faults += _sign_in_faults(context, name)
    return _first((), faults)


def _sign_in_faults(context: SetupContext, name: str) -> list[str]:
    answer = context.answers[f"see_probe:{name}"]
    if not isinstance(answer, Refusal):
        arn = str(_users(context)[name]["Arn"])
        is_other = answer["Arn"] != arn
        return [f"the profile {name} signs as {answer['Arn']}, not {arn}"] if is_other else []
    match answer.code:
        case "NoCredentials":
            return [f"on the worker's machine: {answer.message}"]
        case "MfaCodeRefused":
            words = f"AWS refused the code of {name}: run this again in half a minute; if it stays"
            return [f"{words}, mfa_process reads another device"]
    return [f"the access key of {name} is no longer valid: make another"]


def _look_at_mfa(name: str) -> Call:
    return read("see_mfa", "iam", "ListMFADevices", session=AS_ACCESS, subject=name, UserName=name)


# People. -------------------------------------------------------------------------------


def people(context: SetupContext) -> Todo | None:
    """Who carries the tag of a team, is held to MFA, and has a device for it."""
    if (waiting := _waiting(context)) is not None:
        return waiting
    probes = {probe_user(team) for team in context.wanted.teams}
    probes |= {probe_user(team) for team in _reseller(context).probe_teams}
    staff = {
        name: user for name, user in _users(context).items()
        if _teams_tag(user) and name not in probes
    }  # fmt: skip
    for name in staff:
        if f"see_mfa:{name}" not in context.answers:
            return _look_at_mfa(name)
    faults = [fault for name in staff for fault in _person_faults(context, name, staff[name])]
    held = {team for user in staff.values() for team in _teams_tag(user).split(":")}
    faults += [
        f"nobody is in the team {team}: tag a user {TAG_TEAM}={team}, and add it to {PEOPLE}"
        for team in sorted(context.wanted.staffed_teams - held)
    ]
    return _first((), faults)


def _person_faults(context: SetupContext, name: str, user: Mapping[str, Any]) -> list[str]:
    faults = [
        f"{name} is tagged with the team {team!r}, which there is not"
        for team in _teams_tag(user).split(":")
        if team not in context.wanted.teams
    ]
    if PEOPLE not in user.get("GroupList", ()):
        faults.append(f"add {name} to the group {PEOPLE}: nothing holds them to MFA")
    if not context.seen(f"see_mfa:{name}")["MFADevices"]:
        faults.append(
            f"{name} has no MFA device: whoever has their password could register one of their own"
        )
    return faults


def _users(context: SetupContext) -> dict[str, Mapping[str, Any]]:
    listed = context.seen("see_identities")["UserDetailList"]
    return {str(each["UserName"]): each for each in sorted(listed, key=lambda u: u["UserName"])}


def _teams_tag(user: Mapping[str, Any]) -> str:
    # Names of tags ignore case, as those of condition keys do (IAM User Guide, "Tags for IAM
    # resources").
    tags = {str(tag["Key"]).lower(): str(tag["Value"]) for tag in user.get("Tags", ())}
    return tags.get(TAG_TEAM, "")
