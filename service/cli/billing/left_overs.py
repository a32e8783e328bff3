"""Owns what a crash left of runs, which a command that moves runs finishes first."""

from jobs.environment import Environment
from jobs.runs import engine as runs
from service.cli import output


def finish_left_over_runs(environment: Environment) -> None:
    """What a crash left unfinished, and nobody is working on.

    Only a command that moves runs does so first: one that asks has no business to start work.
    """
    for run in runs.resume(environment):
        output.complain(f"finished what was left of run {run.id}: {run.kind} of {run.period}")
