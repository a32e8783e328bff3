"""Owns the part of a bill that one file is: read once, then kept under the file's identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from jobs.ingest.dialects import catalogue
from jobs.ingest.dialects.catalogue import AUTO, Dialect
from jobs.ingest.files import formats
from jobs.ingest.reduction import batches
from jobs.ingest.reduction.batches import UnreadablePart
from jobs.ingest.reduction.sums import Reduced
from jobs.ingest.sources.source import Source, StoredFile
from kernel.errors import IngestError

VERSION = 9
"""Of the reading: raise it whenever a file would be read differently than by other columns."""

UNUSED_FOR = timedelta(days=90)
"""AWS restates a month within weeks; a part that is wanted later is made anew."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file's exact sums of charges (see `catalogue.charged`)."""

    file: StoredFile
    dialect: Dialect
    reduced: Reduced


@dataclass(frozen=True, slots=True)
class PartCache:
    """A folder of parts; any file in it may be deleted at any time."""

    folder: Path
    dialect: str
    tags: tuple[str, ...]

    def part(
        self,
        source: Source,
        file: StoredFile,
        scratch: Path,
        sibling_columns: Callable[[int], tuple[str, ...]],
    ) -> Part:
        """The part as kept, or read now and kept. Raises IngestError."""
        name = self._name(source, file)
        for dialect in Dialect:
            kept = self._kept(self.folder / f"{name}.{dialect}.part")
            if kept is not None:
                return Part(file, dialect, kept)
        where = source.describe(file.key)
        data = formats.inspect(source.local(file, scratch), where, sibling_columns)
        spoken = catalogue.detect(data.columns, where) if self.dialect == AUTO else self.dialect
        plan = catalogue.plan(Dialect(spoken), data.columns, self.tags, where)
        named = catalogue.named(formats.reduce(data, plan.reading), plan)
        part = Part(file, plan.dialect, catalogue.charged(plan.dialect, named))
        if source.stat(file.key) != file:
            raise IngestError("changed_while_read", where, "it was replaced; ingest again")
        self._keep(part, self.folder / f"{name}.{part.dialect}.part", scratch)
        return part

    def _name(self, source: Source, file: StoredFile) -> str:
        read = [vocabulary.named for vocabulary in catalogue.VOCABULARIES.values()]
        identity = [
            VERSION,
            pl.__version__,
            read,
            self.dialect,
            sorted(self.tags),
            source.identity(file),
        ]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    def _kept(self, path: Path) -> Reduced | None:
        """None where there is no part, or one that can no longer be read: it is then made anew."""
        try:
            kept = batches.load(path) if path.exists() else None
        except UnreadablePart:
            return None
        if kept is not None:
            path.touch()
        return kept

    def prune(self, scratch: Path) -> None:
        """Removes parts that nobody used for long: their month is over, or their file replaced."""
        newest = scratch.stat().st_mtime
        for path in self.folder.glob("*.part"):
            if newest - path.stat().st_mtime > UNUSED_FOR.total_seconds():
                path.unlink(missing_ok=True)

    def _keep(self, part: Part, path: Path, scratch: Path) -> None:
        """Whole or not at all: a reader never sees half a part."""
        writing = scratch / "part"
        batches.save(part.reduced, writing)
        writing.replace(path)


__all__ = ["Part", "PartCache"]
