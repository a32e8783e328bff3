"""Owns what the work of a run stands on, and the form of a run's steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from jobs.snapshots import Snapshots
from kernel.findings import Finding
from service.store.database import Database
from service.store.runs import Run
from service.store.session import Session

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is (0 when unknown)."""


T = TypeVar("T")


class Kept:
    """What is made once by name, at its first use, and kept as long as the environment.

    Jobs run side by side: who comes second waits, and gets what the first one made.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._made: dict[str, Any] = {}

    def of(self, name: str, make: Callable[[], T]) -> T:
        with self._making:
            if name not in self._made:
                self._made[name] = make()
            kept: T = self._made[name]
            return kept


@dataclass(frozen=True, slots=True)
class CheckpointTarget:
    """Where each issue writes a checkpoint, and what signs it."""

    place: str
    """A folder or `s3://bucket/prefix`."""
    key: Path
    """The private key's file."""
    lock: Retention | None = None
    """Asked of S3; a bucket's own default retention counts without it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Of an object in a bucket with object lock."""

    mode: str
    """GOVERNANCE, which some may lift, or COMPLIANCE, which nobody may."""
    days: int


@dataclass(frozen=True, slots=True)
class Environment:
    """Made once by a composition root, and passed down."""

    database: Database
    snapshots: Snapshots
    cache: Path
    """Where an ingest keeps what it need not read twice."""
    now: Callable[[], datetime]
    checkpoints: CheckpointTarget | None = None
    """None where nothing outside the database is to remember what was issued."""
    kept: Kept = field(default_factory=Kept, init=False, compare=False, repr=False)

    @classmethod
    def under(
        cls,
        home: Path,
        database: Database,
        now: Callable[[], datetime],
        checkpoints: CheckpointTarget | None = None,
    ) -> Environment:
        return cls(database, Snapshots(home / "snapshots"), home / "cache", now, checkpoints)


@dataclass(frozen=True, slots=True)
class StepResult:
    """`outcome` is plain JSON, for the steps after this one and for whoever looks on."""

    outcome: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


Save = Callable[[Session], StepResult]


@dataclass(frozen=True, slots=True)
class Step:
    """`perform` loads and decides; what it returns saves, in the transaction that ends the step.

    A killed step is performed again, so all it does outside that transaction can be repeated.
    """

    name: str
    perform: Callable[[Environment, Run, Report], Save]
