"""Owns a member account's life: its stages, which may follow which, and what it may wait for."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What has been observed to hold. Only `reach` moves from one to the next."""

    REQUESTED = "requested"
    RESERVED = "reserved"
    CREATING = "creating"
    INVITED = "invited"
    LINKED = "linked"
    IN_OU = "in_ou"
    ROLES_IN_PLACE = "roles_in_place"
    VERIFIED = "verified"
    LIVE = "live"
    HANDING_OVER = "handing_over"
    DEPARTED = "departed"
    CLOSING = "closing"
    AWAITING_FINAL_INVOICE = "awaiting_final_invoice"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"
    """Given up before the account was linked."""


class WaitKind(StrEnum):
    """Why an account stands still at its stage; shown as its state, with AWS's own words."""

    WAITING_CLIENT = "waiting_client"
    WAITING_AWS = "waiting_aws"
    BLOCKED = "blocked"
    """A quota or another onboarding is in the way."""
    NEEDS_HUMAN = "needs_human"


TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    Stage.REQUESTED: frozenset(
        {Stage.RESERVED, Stage.INVITED, Stage.LINKED, Stage.CANCELLED}  # LINKED: adopted
    ),
    Stage.RESERVED: frozenset({Stage.CREATING, Stage.CANCELLED}),
    Stage.CREATING: frozenset({Stage.LINKED, Stage.CANCELLED}),
    Stage.INVITED: frozenset({Stage.LINKED, Stage.CANCELLED}),
    # A billing transfer has no OU and no roles that we place.
    Stage.LINKED: frozenset({Stage.IN_OU, Stage.VERIFIED, Stage.HANDING_OVER, Stage.DEPARTED}),
    Stage.IN_OU: frozenset({Stage.ROLES_IN_PLACE, Stage.HANDING_OVER, Stage.DEPARTED}),
    Stage.ROLES_IN_PLACE: frozenset({Stage.VERIFIED, Stage.HANDING_OVER, Stage.DEPARTED}),
    Stage.VERIFIED: frozenset({Stage.LIVE, Stage.HANDING_OVER, Stage.DEPARTED}),
    # An account may leave without us: the watch sees it departed.
    Stage.LIVE: frozenset({Stage.HANDING_OVER, Stage.DEPARTED}),
    # An aborted hand-over is compensated, and the account is live again.
    Stage.HANDING_OVER: frozenset({Stage.DEPARTED, Stage.CLOSING, Stage.LIVE}),
    Stage.DEPARTED: frozenset({Stage.AWAITING_FINAL_INVOICE}),
    Stage.CLOSING: frozenset({Stage.AWAITING_FINAL_INVOICE}),
    Stage.AWAITING_FINAL_INVOICE: frozenset({Stage.ARCHIVED}),
    Stage.ARCHIVED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

ENDED = frozenset(stage for stage, following in TRANSITIONS.items() if not following)
"""Nothing waits here."""


def reach(stage: Stage, following: Stage) -> Stage:
    """`following`, asserted to be a move of the table."""
    assert following in TRANSITIONS[stage], f"{stage} cannot become {following}"
    return following


def state_of(stage: Stage, waiting: WaitKind | None) -> str:
    """The one word the API and the pages show: what it waits for, else where it stands."""
    return stage.value if waiting is None or stage in ENDED else waiting.value


_ONWARDS = tuple(Stage)


def has_reached(stage: Stage, wanted: Stage) -> bool:
    """Is the account at `wanted` or past it, on its way in or out?"""
    return stage is not Stage.CANCELLED and _ONWARDS.index(stage) >= _ONWARDS.index(wanted)
