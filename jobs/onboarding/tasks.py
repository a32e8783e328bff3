"""Owns the queue's tasks of onboarding: what is due is moved, members and mailboxes are watched."""

from __future__ import annotations

from collections.abc import Callable

import procrastinate

from accounts.model.organization import Reseller
from jobs.aws.calls import Caller, Clients
from jobs.aws.signers import configured_signers
from jobs.environment import Environment
from jobs.onboarding.advance import advance, end_grants
from jobs.onboarding.canary import measure
from jobs.onboarding.checking import CodeRefused, run_access_check
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.watching import watch
from jobs.root_access import run_root_task
from kernel.errors import RebillError
from service.store import queue
from service.store.accounts import members, resellers, root_tasks, turns
from service.store.database import DatabaseUnavailable

EVERY_FIVE_SECONDS = "* * * * * */5"
EVERY_HOUR = "17 * * * *"
HALF_AN_HOUR_LATER = "47 * * * *"
CODE_SECONDS, CODES_MAX = 31, 3
"""An MFA device shows another code by then; so many of them are tried."""

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
    end_grants(environment)
    with environment.database.transaction() as session:
        for payer_account_id in turns.payers_due(session, environment.now()):
            queue.enqueue_onboardings(session, payer_account_id)


@tasks.periodic(cron=EVERY_HOUR)
@tasks.task(name="watch_members", pass_context=True, queueing_lock="watch_members")
def watch_members(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Once a day; where AWS did not answer or another writer was at it, in the next hour."""
    environment = _environment(context)

    def watch_daily(reseller: Reseller) -> None:
        payer_account_id = reseller.payer_account_id
        with environment.database.transaction() as session:
            looked_at = members.last_looked(session, payer_account_id)
        if looked_at is None or looked_at.date() != environment.now().date():
            watch(_organization(context, payer_account_id), payer_account_id)

    _for_each_reseller(context, watch_daily)


@tasks.periodic(cron=HALF_AN_HOUR_LATER)
@tasks.task(name="measure_mailboxes", pass_context=True, queueing_lock="measure_mailboxes")
def measure_mailboxes(
    context: procrastinate.JobContext,
    timestamp: int,  # noqa: ARG001 - procrastinate says when it was due
) -> None:
    """Read every hour, for AWS's alarms; sent to what is due, which is monthly for each account."""

    def measure_where_reached(reseller: Reseller) -> None:
        if reseller.mail is not None:
            measure(_with_a_caller(_environment(context)), reseller.payer_account_id)

    _for_each_reseller(context, measure_where_reached)


@tasks.task(
    name="check_access",
    pass_context=True,
    retry=procrastinate.RetryStrategy(
        max_attempts=CODES_MAX,
        wait=CODE_SECONDS,
        retry_exceptions=[CodeRefused, DatabaseUnavailable],
    ),
)
def check_access(context: procrastinate.JobContext, check_id: int) -> None:
    """It only reads, and need not wait for the organization's writer."""
    environment, tried = _checking_environment(_environment(context)), context.job.attempts
    run_access_check(environment, check_id, codes_left=CODES_MAX - 1 - tried)


@tasks.task(
    name="perform_root_task",
    pass_context=True,
    retry=procrastinate.RetryStrategy(wait=1, retry_exceptions=[DatabaseUnavailable]),
)
def perform_root_task(context: procrastinate.JobContext, task_id: int) -> None:
    """What a person approved, or said is to be done."""
    with _environment(context).database.transaction() as session:
        payer_account_id = root_tasks.root_task(session, task_id).payer_account_id
    run_root_task(_organization(context, payer_account_id), task_id)


def _for_each_reseller(
    context: procrastinate.JobContext, act: Callable[[Reseller], object]
) -> None:
    """One organization's trouble is raised after the others had their turn."""
    with _environment(context).database.transaction() as session:
        everybody = resellers.resellers(session)
    troubles = []
    for reseller in everybody:
        try:
            act(reseller)
        except RebillError as trouble:
            troubles.append(trouble)
    if troubles:
        raise ExceptionGroup("organizations that could not be looked at", troubles)


def _environment(context: procrastinate.JobContext) -> Environment:
    environment = context.additional_context["environment"]
    assert isinstance(environment, Environment)
    return environment


def _organization(
    context: procrastinate.JobContext, payer_account_id: str
) -> OnboardingEnvironment:
    return onboarding_environment(_environment(context), payer_account_id)


def onboarding_environment(
    environment: Environment, payer_account_id: str
) -> OnboardingEnvironment:
    """With the credentials of the machine's AWS configuration; see `configured_signers`.

    One for each organization, as long as the process: its sessions are renewed, not asked for anew.
    """
    name = f"organization {payer_account_id}"
    return environment.kept.of(name, lambda: _with_a_caller(environment))


def _checking_environment(environment: Environment) -> OnboardingEnvironment:
    """Kept, so that one MFA code of each person serves the checks of a quarter of an hour."""
    return environment.kept.of("checks of access", lambda: _with_a_caller(environment))


def _with_a_caller(environment: Environment) -> OnboardingEnvironment:
    caller = Caller(configured_signers(), Clients(), environment.now)
    return OnboardingEnvironment(environment.database, caller, environment.now)
