"""Owns the queue's task of root: what a person approved or asked to go on is moved."""

from __future__ import annotations

import procrastinate

from jobs.environment import Environment
from jobs.onboarding.tasks import onboarding_environment
from jobs.root_access.running import run_root_task
from service.store.accounts import root_tasks
from service.store.database import DatabaseUnavailable

tasks = procrastinate.Blueprint()


@tasks.task(
    name="perform_root_task",
    pass_context=True,
    retry=procrastinate.RetryStrategy(wait=1, retry_exceptions=[DatabaseUnavailable]),
)
def perform_root_task(context: procrastinate.JobContext, task_id: int) -> None:
    environment = context.additional_context["environment"]
    assert isinstance(environment, Environment)
    with environment.database.transaction() as session:
        payer_account_id = root_tasks.root_task(session, task_id).payer_account_id
    run_root_task(onboarding_environment(environment, payer_account_id), task_id)
