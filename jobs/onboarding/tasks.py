"""Owns the queue's tasks of onboarding: what is due is moved, members and mailboxes are watched."""

from __future__ import annotations

from functools import cache

import procrastinate

from jobs.aws.calls import Caller, Clients
from jobs.aws.signers import configured_signers
from jobs.environment import Environment
from jobs.onboarding.advance import advance
from jobs.onboarding.canary import measure
from jobs.onboarding.checking import check
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.watching import watch
from service.accounts.practice import Practice
from service.store import onboardings, practices, queue

EVERY_FIVE_SECONDS = "* * * * * */5"
EVERY_HOUR = "41 * * * *"
EVERY_DAY = "17 4 * * *"

tasks = procrastinate.Blueprint()


@tasks.task(name="advance_onboardings", pass_context=True)
def advance_onboardings(context: procrastinate.JobContext, payer_account_id: str) -> None:
    advance(_organization(context, payer_account_id), payer_account_id)


@tasks.periodic(cron=EVERY_FIVE_SECONDS)
@tasks.task(name="wake_onboardings", pass_context=True, queueing_lock="wake_onboardings")
def wake_onboardings(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """A wait costs a row until its time has come; then its organization has a job."""
    environment = _environment(context)
    with environment.database.transaction() as session:
        for payer_account_id in onboardings.payers_due(session, environment.now()):
            queue.enqueue_onboardings(session, payer_account_id)


@tasks.periodic(cron=EVERY_DAY)
@tasks.task(name="watch_members", pass_context=True, queueing_lock="watch_members")
def watch_members(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    for practice in _practices(context):
        payer_account_id = practice.payer_account_id
        watch(_organization(context, payer_account_id), payer_account_id)


@tasks.periodic(cron=EVERY_HOUR)
@tasks.task(name="measure_mailboxes", pass_context=True, queueing_lock="measure_mailboxes")
def measure_mailboxes(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Read every hour, for AWS's alarms; sent to what is due, which is monthly for each account."""
    for practice in _practices(context):
        if practice.mail is not None:
            measure(_with_a_caller(_environment(context)), practice.payer_account_id)


@tasks.task(name="check_access", pass_context=True)
def check_access(context: procrastinate.JobContext, check_id: int) -> None:
    """With a caller of its own: it only reads, and need not wait for the organization's writer."""
    check(_with_a_caller(_environment(context)), check_id)


def _practices(context: procrastinate.JobContext) -> tuple[Practice, ...]:
    with _environment(context).database.transaction() as session:
        return practices.practices(session)


def _environment(context: procrastinate.JobContext) -> Environment:
    environment = context.additional_context["environment"]
    assert isinstance(environment, Environment)
    return environment


def _organization(
    context: procrastinate.JobContext, payer_account_id: str
) -> OnboardingEnvironment:
    return onboarding_environment(_environment(context), payer_account_id)


@cache
def onboarding_environment(
    environment: Environment,
    payer_account_id: str,  # noqa: ARG001 - each organization has a caller of its own
) -> OnboardingEnvironment:
    """With the credentials of the machine's AWS configuration; see `configured_signers`."""
    return _with_a_caller(environment)


def _with_a_caller(environment: Environment) -> OnboardingEnvironment:
    caller = Caller(configured_signers(), Clients(), environment.now)
    return OnboardingEnvironment(environment.database, caller, environment.now)
