"""Owns the creation of an account: adopted before created, and never asked for twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.aws.calls import write_once
from accounts.aws.error_policy import Reaction, creation_meaning
from accounts.aws.reads import read_account_tags, read_accounts, read_creation, read_creations
from accounts.checks.placement import account_tags
from accounts.engine.context import OnboardingContext
from accounts.engine.recognition import creations_of
from accounts.model.decision import Adopt, Decision, NeedsHuman, Wait
from accounts.model.lifecycle import WaitKind
from accounts.model.observed import ObservedCreation
from accounts.model.organization import TAG_ONBOARDING

SETTLE = timedelta(minutes=5)
"""AWS promises no read-after-write: what was asked for may take so long to be seen."""
LOST_LOOKED_FOR = timedelta(hours=1)
"""An account of ours whose answer was lost holds its address before any list shows it. AWS says "a
few minutes" and names no bound (API reference, `CreateAccount`): a quarter of an hour was seen."""
STUCK = timedelta(minutes=30)
# AWS refuses the sixth (API reference: ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED, without the number):
# `tests/unit/accounts/onboarding/test_creation.py::test_a_sixth_creation_in_flight_waits`.
CREATIONS_IN_FLIGHT_MAX = 5
INTERNAL_FAILURES_MAX = 3
CREATION_USUALLY_TAKES = timedelta(minutes=3)
SETTING_UP_USUALLY_TAKES = timedelta(minutes=5)


def batch_ends_at(creations: int, now: datetime) -> datetime:
    """An estimate: AWS creates five accounts at a time, and each is set up beside the next."""
    rounds = -(-creations // CREATIONS_IN_FLIGHT_MAX)
    return now + rounds * CREATION_USUALLY_TAKES + SETTING_UP_USUALLY_TAKES


def ensure_created(context: OnboardingContext) -> Decision | None:
    """Adopt before create: by e-mail and tag, else by name in the list of creations, else anew.

    A call that was sent once may have arrived even if nothing came back; so a second one is sent
    only after both lists have lacked it for as long as AWS may take to show it.
    """
    observed = context.observed
    if context.record.account_id:
        return None
    if (answered := _follow_request(context)) is not None:
        return answered
    if observed.accounts is None:
        return read_accounts()
    email = context.request.email.lower()
    for account in observed.accounts:
        # AWS compares addresses without their case: `tests/unit/sandbox_aws/test_handshakes.py`,
        # `test_an_e_mail_finds_the_account_whatever_its_case`.
        if account.email.lower() == email:
            return adopt(context, account.account_id)
    if observed.creations is None:
        return read_creations()
    return _decide_from_creations(context, creations_of(context.request, context.observed))


def _follow_request(context: OnboardingContext) -> Decision | None:
    """AWS gave our request an id: no need to search, while it says how that one goes."""
    intents = context.record.intents_for("create_account")
    if not intents or not intents[-1].request_id or intents[-1].failure:
        return None
    if context.observed.creations is None:
        return read_creation(intents[-1].request_id)
    rows = creations_of(context.request, context.observed)
    return _decide_from_creations(context, rows) if rows else None


def adopt(context: OnboardingContext, account_id: str) -> Decision:
    """Ours by its tag only: somebody else's account may have the same address or name."""
    tags = context.observed.account_tags
    if tags is None:
        return read_account_tags(account_id)
    # Tags come with the creation (API reference, `CreateAccount`), so that ours has them from the
    # first moment: `tests/unit/accounts/onboarding/test_creation.py`,
    # `test_an_account_of_the_same_address_without_our_tag_is_not_adopted`.
    if tags.get(TAG_ONBOARDING) == context.request.onboarding_id:
        return Adopt(account_id)
    return NeedsHuman(
        reason=f"account {account_id} of the organization has the e-mail address or the name asked "
        f"for, and not the tag {TAG_ONBOARDING}={context.request.onboarding_id}",
        what_to_do="cancel this, and adopt the account with its client's consent "
        "(`rebill onboard adopt`)"
        + ("" if context.request.account_id else "; or give another e-mail address"),
    )


def _decide_from_creations(
    context: OnboardingContext, rows: tuple[ObservedCreation, ...]
) -> Decision:
    for row in rows:
        if row.state == "SUCCEEDED":
            return adopt(context, row.account_id)
    for row in rows:
        if row.state == "IN_PROGRESS":
            return _poll(context, row.requested_at)
    intents = context.record.intents_for("create_account")
    if not intents:
        return _create(context)
    last = intents[-1]
    if last.failure:
        return _after_failure(context, last.failure, last.at)
    if last.request_id and context.now - last.at > STUCK:
        return NeedsHuman(
            reason=f"AWS no longer knows the creation {last.request_id}",
            what_to_do="look in the organization for the account, tag it, and retry",
        )
    # Neither list promises to show at once what was written; without the pause a lost answer makes
    # two accounts:
    # `tests/properties/test_accounts_convergence.py::test_many_faults_and_slow_lists_converge`.
    if context.now - last.at < SETTLE or last.request_id:
        return Wait(
            kind=WaitKind.WAITING_AWS,
            reason="an account may have been asked for; AWS is given time to show it",
            again_at=context.now + timedelta(seconds=30),
        )
    return _create(context)


def _poll(context: OnboardingContext, requested_at: datetime) -> Wait:
    """Every 2 to 30 seconds; a stuck creation is reported, and never asked for again."""
    age = max(context.now - requested_at, timedelta())
    if age > STUCK:
        return Wait(
            kind=WaitKind.BLOCKED,
            reason=f"AWS has been creating the account for {age}; ask AWS support",
            again_at=context.now + STUCK,
        )
    pause = min(max(age / 4, timedelta(seconds=2)), timedelta(seconds=30))
    return Wait(
        kind=WaitKind.WAITING_AWS,
        reason="AWS is creating the account",
        again_at=context.now + pause,
    )


def _after_failure(context: OnboardingContext, failure: str, asked_at: datetime) -> Decision:
    if "create_account" in context.record.troubles:
        return _create(context)  # The call itself was refused: its trouble says when to go on.
    meaning = creation_meaning(failure)
    intents = context.record.intents_for("create_account")
    if meaning.means is Reaction.WAIT:
        again_at = asked_at + meaning.again_after
        if context.now >= again_at:
            return _create(context)
        return Wait(
            kind=meaning.wait_kind,
            reason=meaning.what_to_do,
            again_at=again_at,
            aws_words=failure,
        )
    waited = context.now - asked_at
    is_looked_for = waited < (LOST_LOOKED_FOR if context.record.is_any_unsure else SETTLE)
    if meaning.means is Reaction.LOOK_AGAIN and is_looked_for:
        pause = min(max(waited / 4, timedelta(seconds=30)), timedelta(minutes=10))
        return Wait(
            kind=WaitKind.WAITING_AWS,
            reason="the account may be one we asked for before; AWS is given time to show it",
            again_at=context.now + pause,
            aws_words=failure,
        )
    tries = sum(intent.failure == failure for intent in intents)
    again = meaning.means is Reaction.TRY_AGAIN or failure == "CONCURRENT_ACCOUNT_MODIFICATION"
    if again and tries < INTERNAL_FAILURES_MAX:
        return _create(context)
    what_to_do = meaning.what_to_do or "ask AWS support, then retry"
    if meaning.means is Reaction.LOOK_AGAIN and context.record.is_any_unsure:
        what_to_do = (
            "it may be ours, for an earlier request got no answer: retry looks again; if it is "
            "never shown, ask AWS support who has the address"
        )
    elif failure == "EMAIL_ALREADY_EXISTS":
        what_to_do = "another AWS account has this e-mail address; give another one, then retry"
    return NeedsHuman(
        reason="AWS did not create the account",
        what_to_do=what_to_do,
        aws_words=failure,
        stops_all=meaning.means is Reaction.STOP_ALL,
    )


def _create(context: OnboardingContext) -> Decision:
    rows = context.observed.creations or ()
    if sum(row.state == "IN_PROGRESS" for row in rows) >= CREATIONS_IN_FLIGHT_MAX:
        return Wait(
            kind=WaitKind.BLOCKED,
            reason=f"AWS creates {CREATIONS_IN_FLIGHT_MAX} accounts at a time",
            again_at=context.now + timedelta(seconds=30),
        )
    request = context.request
    # CreateAccount takes no client token, and botocore's default would send it three times:
    # `tests/unit/sandbox_aws/test_faults.py::test_a_client_that_retries_asks_for_two_accounts`.
    return write_once(
        "create_account",
        "organizations",
        "CreateAccount",
        invalidates=("accounts", "creations", "account_tags"),
        Email=request.email,
        AccountName=request.asked_as,
        RoleName=context.reseller.bootstrap_role,
        # AWS's default, but said: at hand-over the client's people need to see the bill.
        IamUserAccessToBilling="ALLOW",
        Tags=account_tags(context),
    )
