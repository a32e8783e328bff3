"""An account as its identities, and every state that writes to IAM, allowed one by one, lead to.

What is written is always the most there is: all rights, open trust. Less would lead nowhere more.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from accounts.iam.policy_documents import guard_policies, to_text
from accounts.iam.role_catalogue import boundary_document, desired_role
from accounts.model.role_spec import Document, RoleSpec
from sandbox.aws.iam.evaluator import AuthorizationRequest, verdict
from tests.support.accounts_reseller import CREATE, MEMBER, RESELLER

ARN = f"arn:aws:iam::{MEMBER}:"
OURS = f"{ARN}policy/msp/MspBoundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BOOTSTRAP = f"{ARN}role/MspBootstrap"


def _allow(actions: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return to_text({"Version": "2012-10-17", "Statement": [statement]})


ALL, READS = _allow("*"), _allow("s3:GetObject")


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """A role or a user; `policies` are texts, and ARNs of managed policies and groups."""

    arn: str
    policies: tuple[str, ...] = ()
    boundary: str = ""
    opens_to: str = ""
    """`account`, `service`, `saml` or `anchor`: whoever may use that can become it."""
    held: bool = False
    """The one we watch can act as it."""

    @property
    def kind(self) -> str:
        return "Role" if ":role/" in self.arn else "User"


@dataclass(frozen=True, slots=True)
class Account:
    identities: tuple[Identity, ...]
    texts: tuple[tuple[str, str], ...]
    """Of managed policies and groups, by ARN."""

    def with_(self, changed: Identity, *, instead_of: Identity | None = None) -> Account:
        others = [each for each in self.identities if each is not instead_of]
        return replace(self, identities=tuple(sorted((*others, changed))))

    def with_text(self, arn: str, text: str) -> Account:
        return replace(self, texts=tuple(sorted({**dict(self.texts), arn: text}.items())))


def is_ours(arn: str) -> bool:
    return "/msp/" in arn or arn == BOOTSTRAP


@dataclass(frozen=True, slots=True)
class Rules:
    """What binds everybody in the account, and the boundary's text when the search begins."""

    guards: tuple[str, ...]
    boundary: str
    roles: tuple[tuple[RoleSpec, str], ...]
    """Our roles, and the text of their inline policies."""


def shipped_rules(
    specs: tuple[RoleSpec, ...], *, boundary: Document | None = None, guard: Document | None = None
) -> Rules:
    guards = guard_policies(RESELLER)
    inline = {spec: desired_role(spec, RESELLER, CREATE, MEMBER).inline for spec in specs}
    return Rules(
        guards=(to_text(guard or guards["scp_membership"]), to_text(guards["scp_root"])),
        boundary=to_text(boundary or boundary_document(RESELLER)),
        roles=tuple((spec, to_text(text or {"Statement": []})) for spec, text in inline.items()),
    )


def account_under(rules: Rules) -> Account:
    """Ours, a workload in the boundary, and a client's own identities outside of it."""
    ours = (
        Identity(
            f"{ARN}role/msp/{spec.name}",
            (text, *(f"arn:aws:iam::aws:policy/{name}" for name in spec.managed)),
            OURS if spec.bounded else "",
        )
        for spec, text in rules.roles
    )
    clients = (
        Identity(f"{ARN}user/client-admin", (f"{ARN}group/client-admins",)),
        Identity(f"{ARN}user/client-reader", (READS,)),
        Identity(f"{ARN}role/ClientAdmin", (ALL,), opens_to="account"),
        Identity(f"{ARN}role/ClientDeploy", (ALL,), opens_to="service"),
        Identity(f"{ARN}role/ClientTask", (f"{ARN}policy/ClientTask",), opens_to="service"),
        Identity(f"{ARN}role/ClientStaff", (ALL,), opens_to="saml"),
        Identity(f"{ARN}role/ClientPlant", (ALL,), opens_to="anchor"),
    )
    workload = Identity(f"{ARN}role/workload/App", (f"{ARN}policy/workload/App",), OURS, "service")
    texts = {
        OURS: rules.boundary,
        ADMINISTRATOR: ALL,
        f"{ARN}policy/ClientTask": READS,
        f"{ARN}policy/workload/App": READS,
        f"{ARN}group/client-admins": ALL,
    }
    identities = sorted((*ours, *clients, workload, Identity(BOOTSTRAP, (ALL,))))
    return Account(tuple(identities), tuple(sorted(texts.items())))


Context = tuple[tuple[str, str], ...]
"""By condition key in lower case; '' for a key that the request does not have."""


def may(
    rules: Rules, account: Account, who: Identity, action: str, resource: str, context: Context = ()
) -> bool:
    """By guards, own policies and boundary."""
    return _may(_layers(rules, account.texts, who), who.arn, action, resource, context)


@functools.cache
def _layers(rules: Rules, texts: Context, who: Identity) -> tuple[tuple[str, ...], ...]:
    known = dict(texts)
    own = tuple(known.get(each, each) for each in who.policies)
    bounds = ((known[who.boundary],),) if who.boundary else ()
    return ((ALL, *rules.guards), own, *bounds)


@functools.cache
def _may(
    layers: tuple[tuple[str, ...], ...], who: str, action: str, resource: str, context: Context
) -> bool:
    known = {key: [value] for key, value in context if value}
    known |= {"aws:principalarn": [who], "aws:principalaccount": [MEMBER]}
    ask = AuthorizationRequest(action, resource, known)
    return all(verdict(list(layer), ask) == "Allow" for layer in layers)


@dataclass(frozen=True, slots=True)
class Write:
    """One call, what it changes, and whose that is if it is not the caller's to change."""

    action: str
    resource: str
    wrongs: str = ""
    """`ours`, `outsider`, or '' for what may be changed."""
    before: Identity | None = None
    after: Identity | None = None
    widens: str = ""
    """The managed policy or group that holds all rights afterwards."""
    context: tuple[tuple[str, str], ...] = ()
    """By condition key."""
    also: str = ""
    """A second resource that the same action is needed on."""

    def __str__(self) -> str:
        return f"{self.action} {self.resource.rpartition(':')[2]}"

    def done_to(self, account: Account) -> Account:
        if self.widens:
            return account.with_text(self.widens, ALL)
        if self.after is None:
            return account
        return account.with_(self.after, instead_of=self.before)


BOUNDARY_KEY, POLICY_KEY = "iam:permissionsboundary", "iam:policyarn"


def writes(account: Account) -> Iterator[Write]:
    """Every write there is, whoever may send it."""
    for one in account.identities:
        yield from _of_identity(one)
    yield from _creations(account)
    for arn, _ in account.texts:
        yield from _shared(account, arn)


@functools.cache
def _of_identity(one: Identity) -> tuple[Write, ...]:
    return (*_rights(one), *_boundaries(one), *_doors(one))


def _wrongs(one: Identity) -> str:
    if is_ours(one.arn):
        return "ours"
    return "outsider" if one.boundary != OURS and not one.held else ""


def _rights(one: Identity) -> Iterator[Write]:
    wrongs, bound = _wrongs(one), (BOUNDARY_KEY, one.boundary)
    more = replace(one, policies=tuple(sorted({*one.policies, ALL})))
    put, attach = f"iam:Put{one.kind}Policy", f"iam:Attach{one.kind}Policy"
    yield Write(put, one.arn, wrongs, one, more, context=(bound,))
    administrator = (POLICY_KEY, ADMINISTRATOR)
    yield Write(attach, one.arn, wrongs, one, more, context=(bound, administrator))
    # A denial of their own that is taken away is a right given.
    for verb in ("Delete", "Detach"):
        yield Write(f"iam:{verb}{one.kind}Policy", one.arn, wrongs, context=(bound,))
    for verb in ("Tag", "Untag", "Delete"):
        yield Write(f"iam:{verb}{one.kind}", one.arn, wrongs)


def _boundaries(one: Identity) -> Iterator[Write]:
    """In the request's key is the new boundary where one is put, the old where it is taken off."""
    put, delete = (f"iam:{verb}{one.kind}PermissionsBoundary" for verb in ("Put", "Delete"))
    for boundary in (OURS, ADMINISTRATOR, f"{ARN}policy/workload/App"):
        if boundary != one.boundary:
            wrongs = _wrongs(one) if boundary != OURS or is_ours(one.arn) else ""
            after = replace(one, boundary=boundary)
            yield Write(put, one.arn, wrongs, one, after, context=((BOUNDARY_KEY, boundary),))
    if one.boundary:
        key, after = (BOUNDARY_KEY, one.boundary), replace(one, boundary="")
        yield Write(delete, one.arn, _wrongs(one), one, after, context=(key,))


FEDERATION = {
    "saml": ("iam:UpdateSAMLProvider", f"{ARN}saml-provider/staff"),
    "anchor": ("rolesanywhere:CreateTrustAnchor", "*"),
}
DOORS = {
    "Role": ("iam:UpdateAssumeRolePolicy",),
    "User": (
        "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:CreateLoginProfile",
        "iam:UpdateLoginProfile", "iam:EnableMFADevice", "iam:DeactivateMFADevice",
        "iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential",
        "iam:UploadSSHPublicKey", "iam:UploadSigningCertificate",
    ),
}  # fmt: skip
USED = {"account": "sts:AssumeRole", "service": "iam:PassRole"}


def _doors(one: Identity) -> Iterator[Write]:
    """Ways to become somebody: a trust, a key, or what it trusts already."""
    held, wrongs = replace(one, held=True), _wrongs(one)
    for action in DOORS[one.kind]:
        yield Write(action, one.arn, wrongs, one, held)
    if one.opens_to in USED:
        yield Write(USED[one.opens_to], one.arn, "", one, held)
    if one.opens_to in FEDERATION:
        yield Write(*FEDERATION[one.opens_to], "outsider", one, held)
    if one.kind == "User" and "/workload/" not in one.arn:
        moved = f"{ARN}user/workload/{one.arn.rpartition('/')[2]}"
        yield Write("iam:UpdateUser", one.arn, wrongs, one, replace(one, arn=moved), also=moved)


def _creations(account: Account) -> Iterator[Write]:
    taken = {each.arn for each in account.identities}
    yield from (each for each in _all_creations() if each.resource not in taken)


@functools.cache
def _all_creations() -> tuple[Write, ...]:
    found = []
    for kind, path, boundary in itertools.product(
        ("role", "user"), ("/", "/workload/", "/msp/"), ("", OURS, ADMINISTRATOR)
    ):
        arn = f"{ARN}{kind}{path}New"
        made = Identity(arn, (), boundary, held=True)
        wrongs, key = "ours" if is_ours(arn) else "", (BOUNDARY_KEY, boundary)
        found.append(Write(f"iam:Create{kind.title()}", arn, wrongs, None, made, context=(key,)))
    for kind, name in (
        ("policy", "Policy"), ("group", "Group"), ("instance-profile", "InstanceProfile"),
    ):  # fmt: skip
        found.append(Write(f"iam:Create{name}", f"{ARN}{kind}/msp/New", "ours"))
    return tuple(found)


def _shared(account: Account, arn: str) -> Iterator[Write]:
    """Managed policies and groups: who changes one changes all who have it."""
    wrongs = "ours" if is_ours(arn) else "" if "/workload/" in arn else "outsider"
    if ":group/" in arn:
        key = (POLICY_KEY, ADMINISTRATOR)
        yield Write("iam:PutGroupPolicy", arn, wrongs, widens=arn)
        yield Write("iam:AttachGroupPolicy", arn, wrongs, widens=arn, context=(key,))
        for action in ("DetachGroupPolicy", "DeleteGroupPolicy", "RemoveUserFromGroup"):
            yield Write(f"iam:{action}", arn, wrongs)
        for one in account.identities:
            if one.kind == "User" and arn not in one.policies:
                joined = replace(one, policies=tuple(sorted((*one.policies, arn))))
                yield Write("iam:AddUserToGroup", arn, _wrongs(one), one, joined)
    elif arn != ADMINISTRATOR:
        for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion"):
            yield Write(f"iam:{action}", arn, wrongs, widens=arn)
        for action in ("DeletePolicy", "DeletePolicyVersion"):
            yield Write(f"iam:{action}", arn, wrongs)


Trace = tuple[str, ...]
"""The writes in order; the last one is what may not be, or made what may not be."""

PROBES = (
    ("s3:GetObject", "*"),
    ("ec2:RunInstances", "*"),
    ("budgets:ModifyBudget", "*"),
    ("ce:GetCostAndUsage", "*"),
    ("cloudtrail:StopLogging", "*"),
    ("identitystore:CreateUser", "*"),
    ("organizations:LeaveOrganization", "*"),
    ("account:CloseAccount", "*"),
    ("sso:CreateAccountAssignment", "*"),
    ("rolesanywhere:CreateTrustAnchor", "*"),
    ("sts:AssumeRole", f"{ARN}role/ClientAdmin"),
    ("iam:PassRole", f"{ARN}role/ClientDeploy"),
    ("iam:CreateRole", f"{ARN}role/New"),
    ("iam:CreateRole", f"{ARN}role/msp/Backdoor"),
    ("iam:CreateRole", f"{ARN}role/workload/New"),
    ("iam:PutRolePolicy", f"{ARN}role/ClientTask"),
    ("iam:CreateAccessKey", f"{ARN}user/client-admin"),
    ("iam:CreatePolicyVersion", OURS),
    ("iam:DeleteRole", f"{ARN}role/msp/MspAdmin"),
)
"""Requests of which a role may only gain what it has itself."""


def found_wrongs(rules: Rules, account: Account, start: str, *, depth: int = 4) -> dict[str, Trace]:
    """By what is wrong, the first sequence that does it; none is longer than `depth`.

    Breadth first, and each state of the account once: whatever order leads there, the rest is one.
    """
    me = next(each for each in account.identities if each.arn == start)
    account = account.with_(replace(me, held=True), instead_of=me)
    own = frozenset(probe for probe in PROBES if may(rules, account, me, *probe))
    found: dict[str, Trace] = {}
    seen, front = {account}, [(account, Trace())]
    for _ in range(depth):
        further = []
        for here, trace in front:
            for write in _allowed(rules, here):
                steps = (*trace, str(write))
                if write.wrongs:
                    found.setdefault(f"{write.wrongs}: {write}", steps)
                there = write.done_to(here)
                if there not in seen:
                    seen.add(there)
                    further.append((there, steps))
                    for excess in _excess(rules, there, own):
                        found.setdefault(excess, steps)
        front = further
    return found


def _allowed(rules: Rules, account: Account) -> Iterator[Write]:
    holders = [each for each in account.identities if each.held]
    for write in writes(account):
        if any(may_send(rules, account, who, write) for who in holders):
            yield write


def may_send(rules: Rules, account: Account, who: Identity, write: Write) -> bool:
    both = (write.resource, write.also) if write.also else (write.resource,)
    return all(may(rules, account, who, write.action, each, write.context) for each in both)


def _excess(rules: Rules, account: Account, own: frozenset[tuple[str, str]]) -> Iterator[str]:
    for one in account.identities:
        if one.held:
            for action, resource in _gained(_layers(rules, account.texts, one), one.arn, own):
                yield f"excess: {action} {resource.rpartition(':')[2]}"


@functools.cache
def _gained(
    layers: tuple[tuple[str, ...], ...], who: str, own: frozenset[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in PROBES if each not in own and _may(layers, who, *each, ()))
