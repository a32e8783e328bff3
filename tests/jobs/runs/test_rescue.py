"""The jobs of dead workers go to the living, whatever else waits in the queue."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import procrastinate

from jobs import tasks, worker
from jobs.environment import Environment
from service.store import queue
from tests.conftest import MonthOf
from tests.support.months import ask_to_bill

LEFT = "SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id"


def _rescue(environment: Environment) -> None:
    async def once() -> None:
        app = worker._app(environment)
        async with app.open_async():
            context = SimpleNamespace(app=app, additional_context={"environment": environment})
            await tasks.rescue.func(cast(procrastinate.JobContext, context), timestamp=0)

    asyncio.run(once())


def _execute(environment: Environment, statement: str) -> list[tuple[Any, ...]]:
    with environment.database.transaction() as session:
        result = session.connection().exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


def test_a_dead_ones_periodic_job_that_waits_again_already_holds_up_no_run(
    environment: Environment, month_of: MonthOf
) -> None:
    """Its queueing lock is taken, and putting it back fails: all runs after it stayed nobody's."""
    month_of(1)
    rescue = f"{queue.NAMESPACE}:rescue"
    for status in ("doing", "todo"):
        _execute(
            environment,
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status) "
            f"VALUES ('default', '{rescue}', 'rescue', '{status}')",
        )
    ask_to_bill(environment)
    _execute(
        environment,
        f"UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = '{queue.ADVANCE_RUN}'",
    )

    _rescue(environment)

    assert _execute(environment, LEFT) == [(rescue, "todo"), (queue.ADVANCE_RUN, "todo")]
