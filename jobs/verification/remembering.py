"""Owns writing a checkpoint after each issue, and making up for one that could not be written."""

from __future__ import annotations

import logging

from invoices.documents.chain import Head
from jobs.environment import CheckpointTarget, Environment
from kernel.errors import RebillError
from kernel.findings import Finding, Severity
from service.store.archive.chain import heads

NOT_WRITTEN = "checkpoint_not_written"
NOT_LOCKED = "checkpoint_not_locked"
CUT = "checkpoint_ahead"

log = logging.getLogger("rebill.checkpoint")


def remember(environment: Environment) -> tuple[Finding, ...]:
    """Where all series end now, outside the database; nothing where that is known there already.

    What is issued stands without it: that it is not remembered is told, and stops nothing. All
    series are in a checkpoint, so the next one makes up for those that could not be written.
    """
    target = environment.checkpoints
    if target is None:
        return ()
    with environment.database.transaction() as session:
        ends = heads(session)
    remembered: dict[str, tuple[Head, ...]] = environment.kept.of("remembered heads", dict)
    if not ends or remembered.get(target.place) == ends:
        return ()
    try:
        found = _write_unless_there(environment, target, ends)
    except RebillError as trouble:
        words = (
            f"what is issued stands, and no checkpoint says so yet: {trouble}. The next issue, a "
            "worker or `rebill checkpoint write` makes up for it."
        )
        return (Finding(Severity.WARNING, NOT_WRITTEN, target.place, words),)
    remembered[target.place] = ends
    return found


def _write_unless_there(
    environment: Environment, target: CheckpointTarget, ends: tuple[Head, ...]
) -> tuple[Finding, ...]:
    # Only here: cryptography takes its time to load, and few commands issue.
    from jobs.verification import checkpoints

    key = checkpoints.signing_key(target.key)
    try:
        newest = checkpoints.newest_heads(target.place, key.public_key())
    except checkpoints.CheckpointFails:
        # A place that was never written to, or where this role may write and not read.
        newest = None
    if newest == ends:
        return ()
    now = environment.now()
    written = checkpoints.write_checkpoint(target.place, key, ends, now, target.lock)
    found = [_ahead(head, target) for head in newest or () if _is_ahead(head, ends)]
    if written.not_locked:
        words = f"the checkpoint is written, and who may delete it can: {written.not_locked}"
        found.append(Finding(Severity.WARNING, NOT_LOCKED, target.place, words))
    return tuple(found)


def _is_ahead(head: Head, ends: tuple[Head, ...]) -> bool:
    here = {each.series: each.position for each in ends}
    return head.position > here.get(head.series, 0)


def _ahead(head: Head, target: CheckpointTarget) -> Finding:
    words = (
        f"a checkpoint saw link {head.position} of {head.series} ({head.number}), which the "
        "database has no longer: its tail was cut, or an older backup restored. `rebill verify` "
        "says more."
    )
    return Finding(Severity.WARNING, CUT, target.place, words)


def remember_as_scheduled(environment: Environment) -> None:
    """What could not be written is told in one line, and tried again at the next turn."""
    for finding in remember(environment):
        log.warning("%s: %s", finding.where, finding.message)


__all__ = ["remember", "remember_as_scheduled"]
