"""Owns finding the files of one billing period: the current delivery, whole, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from invoices.periods import BillingPeriod
from jobs.ingest.sources import manifest
from jobs.ingest.sources.source import Folder, Source, StoredFile
from kernel.errors import IngestError

_DATA = re.compile(r"\.(csv|csv\.gz|csv\.zip|zip|gz|parquet)$", re.IGNORECASE)
_EXECUTION = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T.*|[0-9a-f]{8}-[0-9a-f]{4}-.*")
"""Folders of one refresh: `<time>Z-<execution id>` or an assembly id; each is a full copy."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One period's files, and what their manifest says of them (None and '' without one)."""

    source: Source
    files: tuple[StoredFile, ...]
    legacy: bool | None
    payer_account_id: str
    period: BillingPeriod | None
    manifest_at: datetime | None = None
    """When it was written."""

    @property
    def newer_than_its_manifest(self) -> StoredFile | None:
        """The latest such file. AWS writes a manifest only after all files that it names (Data
        Exports, "Understanding export delivery"): some may still be those of the refresh before.
        """
        latest = max(self.files, key=lambda file: file.modified_at)
        is_newer = self.manifest_at is not None and latest.modified_at > self.manifest_at
        return latest if is_newer else None

    @property
    def has_manifest(self) -> bool:
        return self.legacy is not None

    @property
    def periods(self) -> frozenset[BillingPeriod | None]:
        """By its manifest, or by the folder of each file; None of what names no month."""
        named = (_period_of(self.source, file) for file in self.files)
        return frozenset([self.period] if self.period else named)


def locate(source: Source, key: str, period: BillingPeriod, scratch: Path) -> Delivery:
    """The delivery at a file, folder, export prefix or manifest. Raises IngestError."""
    found = source.stat(key) if key else None
    if found is not None and found.name.endswith(manifest.SUFFIX):
        return _named_by(source, found, scratch)
    if found is not None:
        return Delivery(source, (found,), None, "", None)
    prefix = f"{key.rstrip('/')}/" if key else ""
    listed = list(source.list(prefix))
    if not listed:
        raise IngestError("no_files", source.describe(key), "there is nothing here")
    manifests = [file for file in listed if file.name.endswith(manifest.SUFFIX)]
    if manifests:
        return _named_by(source, _current(source, manifests, period, prefix), scratch)
    files = _bare(source, listed, period, prefix)
    return Delivery(source, files, None, "", None)


def _current(
    source: Source, manifests: Sequence[StoredFile], period: BillingPeriod, prefix: str
) -> StoredFile:
    """The manifest AWS rewrites at each refresh; failing that, the one of the latest refresh."""
    ours = [f for f in manifests if _period_of(source, f) in {None, period}]
    where = source.describe(prefix)
    if not ours:
        raise IngestError("wrong_period", where, f"no manifest here is of {period}")
    exports = sorted({manifest.export_folder(source.describe(file.key)) for file in ours})
    if len(exports) > 1:
        listed = ", ".join(exports[:4])
        raise IngestError("several_exports", where, f"it holds more than one export: {listed}")
    depth = min(file.key.count("/") for file in ours)
    nearest = sorted(file for file in ours if file.key.count("/") == depth)
    executions = {file.key.rpartition("/")[0] for file in nearest}
    # Where AWS keeps old versions, each refresh has a folder of its own and a full copy of the
    # month (CUR API, `ReportVersioning`), and only the manifest above them says which is current:
    # `tests/unit/sandbox_bills/test_exports.py`,
    # `test_a_restatement_is_a_new_delivery_and_the_manifest_names_only_it`.
    dated = all(re.match(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T", _folder(file)) for file in nearest)
    if len(nearest) == 1 or (dated and len(executions) == len(nearest)):
        return nearest[-1]
    listed = ", ".join(file.name for file in nearest[:4])
    raise IngestError("several_manifests", where, f"which is the current one of {listed}? name it")


def _named_by(source: Source, file: StoredFile, scratch: Path) -> Delivery:
    where = source.describe(file.key)
    if file.size > manifest.MANIFEST_BYTES_MAX:
        raise IngestError("bad_manifest", where, f"it has {file.size} bytes")
    content = manifest.parse(source.local(file, scratch).read_bytes(), where)
    keys = [_key(source, file, name, legacy=content.legacy) for name in content.names]
    if isinstance(source, Folder):
        source, keys = _copied(source, file, keys)
    else:
        home = manifest.export_folder(file.key)
        for key in keys:
            if home and not key.startswith(f"{home}/"):
                raise IngestError("path_trick", where, f"it names {key!r}, outside {home}/")
    files = tuple(_present(source, key, where) for key in keys)
    payer, period = content.payer_account_id, content.period
    return Delivery(source, files, content.legacy, payer, period, file.modified_at)


def _key(source: Source, file: StoredFile, name: str, *, legacy: bool) -> str:
    """A manifest's name of a file as a key; a Data Exports manifest writes whole URIs."""
    where = source.describe(file.key)
    if legacy:
        # A report that was set up without a prefix, or with `/` as its prefix, has keys that begin
        # with one or two slashes: S3 takes that.
        manifest.checked_key(name.lstrip("/"), where)
        return name
    key = source.names(name) if name.startswith("s3://") else None
    if key is None:
        raise IngestError("path_trick", where, f"it names {name!r}, which is not in this bucket")
    # As does Data Exports, whose `S3Prefix` may be any text: then its manifest's key begins so.
    manifest.checked_key(key.lstrip("/") if file.key.startswith("/") else key, where)
    return key


def _copied(source: Folder, file: StoredFile, keys: Sequence[str]) -> tuple[Folder, list[str]]:
    """An export copied to disk: its keys begin somewhere above what was copied.

    Only files below the export's own folder are considered; the longest tail of a key wins.
    """
    home = Folder(Path(f"/{manifest.export_folder(str(source.root / file.key).lstrip('/'))}"))
    return home, [_tail(home, key) for key in keys]


def _tail(home: Folder, key: str) -> str:
    parts = key.split("/")
    tails = ("/".join(parts[at:]) for at in range(len(parts)))
    return next((tail for tail in tails if home.stat(tail) is not None), key)


def _present(source: Source, key: str, where: str) -> StoredFile:
    found = source.stat(key)
    if found is None:
        raise IngestError("missing_file", where, f"it names {key}, which is not there")
    if found.size == 0:
        raise IngestError("damaged_file", source.describe(key), "the file is empty")
    return found


def _bare(
    source: Source, listed: Sequence[StoredFile], period: BillingPeriod, prefix: str
) -> tuple[StoredFile, ...]:
    """All data files of a folder without a manifest, unless they are several copies of a month."""
    where = source.describe(prefix)
    data = [file for file in listed if _DATA.search(file.name)]
    ours = [file for file in data if _period_of(source, file) in {None, period}]
    if not ours:
        words = f"no data file here is of {period}" if data else "there is no data file here"
        raise IngestError("no_files", where, words)
    if unreadable := [file for file in ours if not _is_text(file.key)]:
        words = f"a file is named {unreadable[0].key!a}, which is no UTF-8: name it anew"
        raise IngestError("bad_name", where, words)
    # Summed together they would be the bill twice:
    # `tests/jobs/ingest/test_locate.py::test_what_is_absent_or_ambiguous_is_refused`.
    refreshes = {_folder(file) for file in ours if _EXECUTION.fullmatch(_folder(file))}
    if len(refreshes) > 1:
        words = f"{len(refreshes)} refreshes lie here, each a full copy; name one, or the manifest"
        raise IngestError("several_deliveries", where, words)
    if len({file.name.lower().endswith(".parquet") for file in ours}) > 1:
        words = "both Parquet and text lie here: is it one bill twice? name one folder of them"
        raise IngestError("several_deliveries", where, words)
    return tuple(ours)


def _period_of(source: Source, file: StoredFile) -> BillingPeriod | None:
    return manifest.period_in(source.describe(file.key))


def _is_text(key: str) -> bool:
    """A folder's file can be named in bytes that are none, and then nothing can store its name."""
    return not any("\ud800" <= char <= "\udfff" for char in key)


def _folder(file: StoredFile) -> str:
    return file.key.rpartition("/")[0].rpartition("/")[2]


__all__ = ["Delivery", "locate"]
