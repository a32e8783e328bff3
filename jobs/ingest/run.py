"""Owns the ingest of one billing period: from a location to charges and facts, or a refusal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from invoices.charges import Charges
from invoices.clients import AccountId
from invoices.inputs import ExportLimits
from invoices.money import exact_sum
from invoices.periods import BillingPeriod
from jobs.ingest.dialects import catalogue
from jobs.ingest.dialects.catalogue import AUTO, Dialect
from jobs.ingest.files import formats
from jobs.ingest.reduction.noticed import Noticed
from jobs.ingest.reduction.units import SumTooLarge
from jobs.ingest.sources.delivery import Delivery, locate
from jobs.ingest.sources.source import StoredFile, open_location
from jobs.ingest.summary import facts
from jobs.ingest.summary.copies import copies
from jobs.ingest.summary.counted import Counted
from jobs.ingest.summary.facts import CurrencyFacts, FileFacts, SnapshotFacts
from jobs.ingest.summary.parts import Part, PartCache
from jobs.ingest.summary.quarantine import quarantine
from kernel.errors import IngestError
from kernel.findings import Finding, Severity

READERS = 2
"""Files read at a time: one is fetched while another is summed. More would take more memory."""

Progress = Callable[[str, int, int], None]
"""What is being done, how much is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """Which bill to take in, and from where: `s3://…`, a folder, a manifest or a file."""

    location: str
    payer_account_id: AccountId
    period: BillingPeriod
    dialect: str = AUTO
    tags: tuple[str, ...] = ()
    """Tag keys that allocation or invoices use, as AWS writes them: `user:Project`."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """`charges` have no key and day twice: equal bills are equal charges."""

    charges: Charges
    facts: SnapshotFacts


def ingest(request: IngestRequest, *, cache: Path, progress: Progress) -> Ingested:
    """Reads the period's files (those not in `cache` yet) and sums them; changes nothing else.

    Raises IngestError: what is wrong, and in which file, row or column.
    """
    if request.dialect not in {AUTO, *Dialect}:
        words = f"write {AUTO}, {', '.join(Dialect)}"
        raise IngestError("unknown_dialect", f"dialect {request.dialect!r}", words)
    cache.mkdir(parents=True, exist_ok=True)
    source, key = open_location(request.location)
    with tempfile.TemporaryDirectory(dir=cache, prefix="reading-") as folder:
        scratch = Path(folder)
        delivery = locate(source, key, request.period, scratch)
        _check_manifest(delivery, request)
        kept = PartCache(cache, request.dialect, request.tags)
        kept.prune(scratch)
        try:
            return _ingested(_read(delivery, request, kept, scratch, progress), request)
        except (SumTooLarge, pl.exceptions.ComputeError) as error:
            words = "a sum has more than 28 digits before the point"
            raise IngestError("too_large", request.location, words) from error


def _check_manifest(delivery: Delivery, request: IngestRequest) -> None:
    where = delivery.source.describe(delivery.files[0].key)
    if delivery.period not in {None, request.period}:
        words = f"its manifest is of {delivery.period}, not of {request.period}"
        raise IngestError("wrong_period", where, words)
    payer = delivery.payer_account_id
    if payer and payer.zfill(12) != request.payer_account_id:
        words = f"its manifest is of payer {payer}, not of {request.payer_account_id}"
        raise IngestError("wrong_payer", where, words)


def _read(
    delivery: Delivery, request: IngestRequest, cache: PartCache, scratch: Path, progress: Progress
) -> list[Part]:
    parts: list[Part] = []
    total = len(delivery.files)
    headers = _SiblingHeaders(delivery, scratch)

    def read(file: StoredFile) -> Part:
        with tempfile.TemporaryDirectory(dir=scratch) as own:
            part = cache.part(delivery.source, file, Path(own), headers.of_width)
        _check_part(part, request, delivery.source.describe(file.key))
        return part

    with ThreadPoolExecutor(READERS) as readers:
        try:
            reading = [readers.submit(read, file) for file in delivery.files]
            for done, (file, part) in enumerate(zip(delivery.files, reading, strict=True)):
                progress(f"reading {file.name}", done, total)
                parts.append(part.result())
        finally:
            readers.shutdown(cancel_futures=True)
    for file in delivery.files:
        # A refresh that overwrites its files must not be half in, half out.
        # AWS may refresh a month several times a day, also once it is closed:
        # `tests/jobs/test_aws_exports.py::test_an_object_that_was_replaced_is_never_half_read`.
        if delivery.source.stat(file.key) != file:
            where = delivery.source.describe(file.key)
            raise IngestError("changed_while_read", where, "AWS replaced it; ingest again")
    progress(f"read {sum(part.reduced.rows for part in parts)} rows", total, total)
    if len({part.dialect for part in parts}) > 1:
        spoken = ", ".join(sorted({part.dialect for part in parts}))
        words = f"these files are of several dialects ({spoken}): name the folder of one"
        raise IngestError("several_dialects", delivery.source.describe(""), words)
    _check_once(parts, delivery)
    return parts


@dataclass(frozen=True, slots=True)
class _SiblingHeaders:
    """Athena writes a header into one file of several, or leaves it out of a copy."""

    delivery: Delivery
    scratch: Path

    def of_width(self, width: int) -> tuple[str, ...]:
        """The columns of a text file in the same folder that has as many. Raises IngestError."""
        source, first = self.delivery.source, self.delivery.files[0]
        prefix = first.key.rpartition("/")[0]
        for file in source.list(f"{prefix}/" if prefix else ""):
            columns = self._columns(file)
            if len(columns) == width:
                return columns
        words = f"no file beside it has a header row with its {width} columns"
        raise IngestError("no_header", source.describe(first.key), words)

    def _columns(self, file: StoredFile) -> tuple[str, ...]:
        where = self.delivery.source.describe(file.key)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            try:
                path = self.delivery.source.local(file, Path(folder))
                return formats.inspect(path, where, lambda _: ()).columns
            except IngestError:
                return ()


def _check_part(part: Part, request: IngestRequest, where: str) -> None:
    """That every row is of this payer and period; a file of another month is never mixed in."""
    vocabulary = catalogue.VOCABULARIES[part.dialect]
    for text in part.reduced.texts("billing_period"):
        if text != str(request.period):
            words = f"column {vocabulary.period} has {text!r}, not {request.period}"
            raise IngestError("wrong_period", where, words)
    for text in part.reduced.texts("payer_account_id"):
        if text != request.payer_account_id:
            words = f"column {vocabulary.payer} has {text!r}, not payer {request.payer_account_id}"
            raise IngestError("wrong_payer", where, words)


def _check_once(parts: Sequence[Part], delivery: Delivery) -> None:
    """That no line item is delivered twice: in one file, or in two.

    Which files are the delivery a manifest says; AWS promises an id to be unique in a file only.
    """
    where = [delivery.source.describe(part.file.key) for part in parts]
    for part, name in zip(parts, where, strict=True):
        repeated = part.reduced.lines.repeated
        if repeated:
            words = f"{repeated} of its line items are in it more than once (by id and time)"
            raise IngestError("repeated_lines", name, words)
    found = None if delivery.has_manifest else copies(parts)
    if found:
        one, other, share = found
        words = (
            f"{share:.0%} of what is in it is in {where[other]} as well: copies, or two refreshes "
            "of one month? Name the manifest, or the file or folder that is the bill"
        )
        raise IngestError("several_deliveries", where[one], words)


def _ingested(parts: list[Part], request: IngestRequest) -> Ingested:
    dialect, read = parts[0].dialect, _Read.of(parts)
    merged = catalogue.merged(part.reduced for part in parts)
    parts.clear()  # They are large, and all that is needed of them is in `read` and `merged`.
    counted = Counted.of(merged)
    if counted.rows.is_empty():
        raise IngestError("no_rows", request.location, "there is not one line item in it")
    _check_accounts(counted.charges, request.location)
    by_key = counted.by_key()
    _assert_conserved(read, by_key)
    return Ingested(counted.charges, _facts(counted, by_key, read, dialect, request))


@dataclass(frozen=True, slots=True)
class _Read:
    """What is remembered of the parts once they are merged."""

    files: tuple[FileFacts, ...]
    dropped: int
    billed: Decimal
    net_billed: Decimal
    has_invoice_ids: bool
    noticed: Noticed

    @classmethod
    def of(cls, parts: Sequence[Part]) -> _Read:
        return cls(
            tuple(FileFacts(p.file.key, p.file.size, p.file.etag, p.reduced.rows) for p in parts),
            sum(part.reduced.dropped for part in parts),
            exact_sum(part.reduced.total("billed_cost") for part in parts),
            exact_sum(part.reduced.total("net_billed_cost") for part in parts),
            all(catalogue.has_invoice_ids(part.reduced) for part in parts),
            Noticed.together(part.reduced.noticed for part in parts),
        )


def _check_accounts(charges: Charges, where: str) -> None:
    # A row without an account stops nothing but the issue: nobody bears it, and a check says so.
    accounts = charges.keys["account_id"].unique().sort()
    wrong = accounts.filter(~accounts.str.contains(r"^([0-9]{12})?$"))
    if len(wrong):
        raise IngestError("bad_account", where, f"account {wrong[0]!r} has not twelve digits")


def _assert_conserved(read: _Read, by_key: pl.DataFrame) -> None:
    """What was read is what leaves, exactly; that it is what the file says: `catalogue.charged`."""
    kept = by_key.select(pl.col("billed_cost", "net_billed_cost").sum()).row(0)
    assert (read.billed, read.net_billed) == kept, f"{read} was read, {kept} is kept"
    facts.assert_identity_2(by_key)


def _undated_warnings(read: _Read, request: IngestRequest) -> tuple[Finding, ...]:
    if not read.noticed.undated:
        return ()
    words = (
        f"{read.noticed.undated} rows have no time; they count as of the first day of the period"
    )
    return (Finding(Severity.WARNING, "rows_without_day", request.location, words),)


def _unpriced_findings(read: _Read, request: IngestRequest) -> tuple[Finding, ...]:
    """AWS writes 0 where a row costs nothing; a blank is a cost that got lost."""
    if not read.noticed.unpriced:
        return ()
    words = f"{read.noticed.unpriced} rows have no cost, not even 0; have the export delivered anew"
    return (Finding(Severity.CRITICAL, "rows_without_cost", request.location, words),)


def _invoice_warnings(read: _Read, request: IngestRequest) -> tuple[Finding, ...]:
    if read.has_invoice_ids:
        return ()
    words = "it has no column of invoice ids, so it cannot show that AWS has finalised the month"
    return (Finding(Severity.WARNING, "no_invoice_ids", request.location, words),)


def _limits(
    by_key: pl.DataFrame, read: _Read, dialect: Dialect, found: Sequence[CurrencyFacts]
) -> ExportLimits:
    limits = catalogue.limits(dialect, read.noticed.absent, by_key)
    for each in found:
        limits = facts.with_residual(limits, each.identity_1_residual, facts.NOT_IDENTICAL)
        limits = facts.with_residual(limits, each.short, facts.FALLS_SHORT)
    end = catalogue.VOCABULARIES[dialect].end
    ends = f"no column {end}" if end in read.noticed.absent else ""
    return replace(facts.with_list(limits), ends=ends, on_demand=read.noticed.blank)


def _facts(
    counted: Counted, by_key: pl.DataFrame, read: _Read, dialect: Dialect, request: IngestRequest
) -> SnapshotFacts:
    months = counted.by_currency()
    keys = {each: by_key.filter(pl.col("currency") == each) for each in months}
    has_trueup = dialect is not Dialect.FOCUS
    cut_off = facts.cut_off_by_currency(read.noticed.cut_off, [*months])
    own, *others = (
        CurrencyFacts.of(each, keys[each], has_trueup=has_trueup, cut_off=cut_off[each])
        for each in months
    )
    return SnapshotFacts(
        dialect=dialect,
        period=request.period,
        payer_account_id=request.payer_account_id,
        rows=sum(file.rows for file in read.files),
        dropped=read.dropped,
        files=read.files,
        quarantined=tuple(
            found for each in months for found in quarantine(months[each], keys[each])
        ),
        limits=_limits(by_key, read, dialect, (own, *others)),
        long_rows=facts.long_rows(counted.charges, counted.rows, own.currency),
        warnings=(
            *facts.currency_warnings(own, others),
            *facts.residual_warnings(own, others),
            *_invoice_warnings(read, request),
            *_undated_warnings(read, request),
            *_unpriced_findings(read, request),
            *facts.cut_off_findings(own, others),
        ),
        # AWS fills in the invoice id row by row when it finalises the month (Data Exports
        # dictionary, "Bill columns"):
        # `tests/unit/sandbox_bills/test_exports.py::test_an_open_month_has_no_invoice_ids`.
        finalized=bool((by_key["invoice_id"] != "").all()),
        own=own,
        others=tuple(others),
    )


__all__ = ["IngestRequest", "Ingested", "Progress", "ingest"]
