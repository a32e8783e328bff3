"""An account's life: every pair of stages, written out."""

import itertools

import pytest

from accounts.model.lifecycle import ENDED, TRANSITIONS, Stage, WaitKind, reach, state_of

MOVES = {
    ("requested", "reserved"), ("requested", "invited"),
    ("requested", "linked"), ("requested", "cancelled"),
    ("reserved", "creating"), ("reserved", "cancelled"),
    ("creating", "linked"), ("creating", "cancelled"),
    ("invited", "linked"), ("invited", "cancelled"),
    ("linked", "in_ou"), ("linked", "verified"),
    ("linked", "handing_over"), ("linked", "departed"),
    ("in_ou", "roles_in_place"), ("in_ou", "handing_over"), ("in_ou", "departed"),
    ("roles_in_place", "verified"), ("roles_in_place", "handing_over"),
    ("roles_in_place", "departed"),
    ("verified", "live"), ("verified", "handing_over"), ("verified", "departed"),
    ("live", "handing_over"), ("live", "departed"),
    ("handing_over", "departed"), ("handing_over", "closing"), ("handing_over", "live"),
    ("departed", "awaiting_final_invoice"),
    ("closing", "awaiting_final_invoice"),
    ("awaiting_final_invoice", "archived"),
}  # fmt: skip


@pytest.mark.parametrize(("stage", "following"), [*itertools.product(Stage, Stage)])
def test_every_pair_of_stages_is_a_move_or_refused(stage: Stage, following: Stage) -> None:
    if (stage, following) in MOVES:
        assert reach(stage, following) is following
    else:
        with pytest.raises(AssertionError, match=f"{stage} cannot become {following}"):
            reach(stage, following)


def test_every_stage_stands_in_the_table_and_can_be_reached() -> None:
    reachable = {following for moves in TRANSITIONS.values() for following in moves}

    assert set(TRANSITIONS) == set(Stage)
    assert reachable == set(Stage) - {Stage.REQUESTED}


def test_only_the_archived_and_the_cancelled_have_ended() -> None:
    assert {Stage.ARCHIVED, Stage.CANCELLED} == ENDED


def test_the_state_shown_is_what_it_waits_for_else_where_it_stands() -> None:
    assert state_of(Stage.INVITED, WaitKind.WAITING_CLIENT) == "waiting_client"
    assert state_of(Stage.IN_OU, None) == "in_ou"
    assert state_of(Stage.ARCHIVED, WaitKind.BLOCKED) == "archived"
