"""Owns who is calling: from an access key to a principal, its account and how it signed in."""

from __future__ import annotations

import functools
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from moto.iam.models import iam_backends

from sandbox.aws.core.errors import AwsError

if TYPE_CHECKING:
    from sandbox.aws.core.world import World

Kind = Literal["user", "role", "root"]
KEY_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, eq=False)
class Principal:
    """`arn` is the session's, `principal_arn` what policies see: the user's, role's or root's.

    `unrestricted` is the sandbox's own administrator: trusted by accounts, bound by no identity
    policy. `chained` credentials came from a role. `task` names the root task of AssumeRoot.
    """

    account_id: str
    arn: str
    principal_arn: str
    kind: Kind
    user_id: str
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    expires_at: datetime | None = None
    mfa_at: datetime | None = None
    chained: bool = False
    unrestricted: bool = False
    task: str = ""
    session_policy: str = ""
    source_identity: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.principal_arn.rpartition("/")[2]


def new_key(world: World, *, prefix: str) -> dict[str, Any]:
    """moto knows only keys of twenty upper-case characters."""
    draw = world.random.choices
    return {
        "access_key_id": prefix + "".join(draw(KEY_ALPHABET, k=16)),
        "secret_access_key": "".join(draw(string.ascii_letters + string.digits, k=40)),
        "session_token": "".join(draw(string.ascii_letters + string.digits, k=120)),
    }


def standing_key(account_id: str, who: str) -> dict[str, Any]:
    """The same in every world, so that clients can be kept from one to the next."""
    letters = "".join(KEY_ALPHABET[int(digit)] for digit in account_id)
    return {
        "access_key_id": f"AKIA{who}{letters}",
        "secret_access_key": "sandbox",
        "session_token": "sandbox",
    }


@functools.cache
def administrator(account_id: str) -> Principal:
    arn = f"arn:aws:iam::{account_id}:user/administrator"
    key = standing_key(account_id, "USER")
    return Principal(account_id, arn, arn, "user", "AIDASANDBOX", unrestricted=True, **key)


@functools.cache
def root_user(account_id: str) -> Principal:
    """The account's owner, signed in as root: answers to SCPs, and to nothing else."""
    arn = f"arn:aws:iam::{account_id}:root"
    key = standing_key(account_id, "ROOT")
    return Principal(account_id, arn, arn, "root", account_id, unrestricted=True, **key)


def caller_of(world: World, access_key_id: str) -> Principal:
    """An unknown key is the payer's administrator, unless rights are enforced."""
    session = world.sessions.get(access_key_id)
    if session is not None:
        if session.expires_at and session.expires_at <= world.now():
            raise AwsError("ExpiredToken", "The security token included in the request is expired")
        return session
    user = _user_with(world, access_key_id)
    if user is not None:
        return user
    if world.enforcing:
        raise AwsError(
            "InvalidClientTokenId", "The security token included in the request is invalid."
        )
    return world.administrator_of(world.payer_id)


def _user_with(world: World, access_key_id: str) -> Principal | None:
    for account_id in (*world.key_owners.get(access_key_id, ()), *world.accounts):
        user = iam_backends[account_id]["aws"].get_user_from_access_key_id(access_key_id)
        if user is None:
            continue
        world.key_owners[access_key_id] = (account_id,)
        return Principal(account_id, user.arn, user.arn, "user", user.id, access_key_id)
    return None


def principal_tags(caller: Principal) -> dict[str, str]:
    """The tags of the user or role itself, under those of the session."""
    iam: Any = iam_backends[caller.account_id]["aws"]
    if caller.kind == "user" and caller.name in iam.users:
        listed = iam.tagger.list_tags_for_resource(caller.principal_arn)["Tags"]
    elif caller.kind == "role":
        listed = next((r.tags for r in iam.roles.values() if r.arn == caller.principal_arn), [])
    else:
        listed = []
    return {tag["Key"]: tag["Value"] for tag in listed} | caller.tags
