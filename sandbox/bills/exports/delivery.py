"""Owns how AWS delivers an export: bucket keys, layouts and manifests."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import numpy as np

from sandbox.bills.bill import Bill, BillStage, Order
from sandbox.bills.exports.columns import (
    Amount,
    Cells,
    Column,
    DiscountMap,
    Instant,
    IntervalColumn,
    Pairing,
)
from sandbox.bills.exports.cur import NOT_DISCOUNTS, Named, cur2_columns, legacy_columns
from sandbox.bills.exports.files import SUFFIXES, Encoding, Timestamps, write
from sandbox.bills.exports.focus import focus_1_0_columns, focus_1_2_columns, in_focus
from sandbox.bills.lines import LineKind, Lines
from sandbox.bills.truth import Discounts

BUCKET = "msp-billing"
REGION = "us-east-1"


class ExportDialect(StrEnum):
    LEGACY = "legacy"
    CUR2 = "cur2"
    FOCUS = "focus"
    """FOCUS 1.2 with AWS's columns."""
    FOCUS_1_0 = "focus-1.0"


FOCUSES = frozenset({ExportDialect.FOCUS, ExportDialect.FOCUS_1_0})
"""They show discounts as columns, whatever the reports beside them do."""


class Layout(StrEnum):
    OVERWRITE = "overwrite"
    CREATE_NEW = "create_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDelivery:
    """How one export of a bill is set up."""

    dialect: ExportDialect
    encoding: Encoding = Encoding.PARQUET
    layout: Layout = Layout.OVERWRITE
    files: int = 1
    order: Order = Order.BY_RESOURCE
    period_folder: str = "BILLING_PERIOD"
    """Real exports of some accounts have it in lower case."""
    bucket: str = BUCKET
    prefix: str = "exports"

    @property
    def name(self) -> str:
        return f"{self.dialect}-{self.encoding}"


@dataclass(frozen=True, slots=True)
class Written:
    """One period of one export, below a folder that holds a folder per bucket."""

    dialect: ExportDialect
    encoding: Encoding
    period: str
    stage: BillStage
    discounts: Discounts
    rows: int
    folder: Path
    bucket: str
    export_prefix: str
    """The key prefix of the whole export, over all periods."""
    manifest_key: str
    data_keys: tuple[str, ...]

    @property
    def manifest_path(self) -> Path:
        return self.folder / self.bucket / self.manifest_key

    @property
    def export_path(self) -> Path:
        return self.folder / self.bucket / self.export_prefix

    @property
    def data_paths(self) -> tuple[Path, ...]:
        return tuple(self.folder / self.bucket / key for key in self.data_keys)


@dataclass(frozen=True, slots=True)
class _Plan:
    prefix: str
    data_keys: tuple[str, ...]
    manifest_keys: tuple[str, ...]
    """The current manifest last."""
    manifest: Mapping[str, object]


def deliver(
    bill: Bill, delivery: WrittenDelivery, folder: Path, progress: Callable[[str], None]
) -> Written:
    """Writes data files first and the manifest last, as AWS does."""
    named = _columns(bill, delivery.dialect)
    legacy = delivery.dialect == ExportDialect.LEGACY
    plan = (_legacy_plan if legacy else _data_export_plan)(bill, delivery, named)
    columns = [_stored(delivery, name, column) for name, column in named]
    cells = Cells(bill.templates, bill.intervals, columns)
    timestamps = Timestamps.INT96 if legacy else Timestamps.MILLISECONDS
    rows = 0
    parts = bill.parts(files=delivery.files, order=delivery.order)
    for key, part in zip(plan.data_keys, parts, strict=True):
        path = folder / delivery.bucket / key
        shown = _shown(bill, delivery.dialect, part)
        rows += write(path, cells, shown, delivery.encoding, timestamps)
        progress(f"{delivery.dialect} {bill.month}: {rows:,} of {bill.rows:,} lines")
    for key in plan.manifest_keys:
        path = folder / delivery.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plan.manifest, indent=2, ensure_ascii=False), "utf-8")
    return Written(
        dialect=delivery.dialect,
        encoding=delivery.encoding,
        period=str(bill.month),
        stage=bill.stage,
        discounts=bill.discounts,
        rows=rows,
        folder=folder,
        bucket=delivery.bucket,
        export_prefix=plan.prefix,
        manifest_key=plan.manifest_keys[-1],
        data_keys=plan.data_keys,
    )


def _columns(bill: Bill, dialect: ExportDialect) -> list[Named]:
    """Columns with the name their manifest has for them."""
    match dialect:
        case ExportDialect.LEGACY:
            return legacy_columns(bill)
        case ExportDialect.CUR2:
            columns = cur2_columns(bill)
        case ExportDialect.FOCUS:
            columns = focus_1_2_columns(bill)
        case ExportDialect.FOCUS_1_0:
            columns = focus_1_0_columns(bill)
    return [(column.name, column) for column in columns]


def _stored(delivery: WrittenDelivery, name: str, column: Column) -> Column:
    """A legacy report in CSV has legacy names; in Parquet, zeros where nothing applies."""
    if delivery.dialect != ExportDialect.LEGACY:
        return column
    if delivery.encoding != Encoding.PARQUET:
        return replace(column, name=name)
    if isinstance(column, Amount) and column.only_on < NOT_DISCOUNTS:
        return replace(column, only_on=frozenset(LineKind))
    return column


def _shown(bill: Bill, dialect: ExportDialect, pieces: Iterator[Lines]) -> Iterator[Lines]:
    if dialect not in FOCUSES:
        yield from pieces
        return
    assert bill.discounts == Discounts.COLUMNS, "FOCUS shows discounts as columns only"
    shown = in_focus(bill)
    for lines in pieces:
        kept = lines.take(np.flatnonzero(shown[lines.template]))
        if len(kept):
            yield kept


def _data_export_plan(bill: Bill, delivery: WrittenDelivery, named: Sequence[Named]) -> _Plan:
    name, prefix = delivery.name, f"{delivery.prefix}/{delivery.name}"
    period = f"{delivery.period_folder}={bill.month}"
    execution = _execution(bill, delivery)
    data, metadata = f"{prefix}/data/{period}", f"{prefix}/metadata/{period}"
    current = f"{metadata}/{name}-Manifest.json"
    manifests: tuple[str, ...] = (current,)
    if delivery.layout == Layout.CREATE_NEW:
        refresh = f"{_delivered_at(bill):%Y-%m-%dT%H:%M:%S.000Z}-{execution}"
        data = f"{data}/{refresh}"
        manifests = (f"{metadata}/{refresh}/{name}-Manifest.json", current)
    suffix = SUFFIXES[delivery.encoding]
    keys = tuple(f"{data}/{name}-{n + 1:05}.{suffix}" for n in range(delivery.files))
    payer = bill.organization.payer.id
    manifest = {
        "executionId": execution,
        "exportArn": f"arn:aws:bcm-data-exports:{REGION}:{payer}:export/{name}-{_uuid(name)}",
        "columns": [{"name": n, "type": _data_export_type(column)} for n, column in named],
        "dataFiles": [f"s3://{delivery.bucket}/{key}" for key in keys],
        "additionalOutputFiles": [],
    }
    return _Plan(prefix, keys, manifests, manifest)


def _legacy_plan(bill: Bill, delivery: WrittenDelivery, named: Sequence[Named]) -> _Plan:
    name, month = delivery.name, bill.month
    prefix = f"{delivery.prefix}/{name}"
    assembly = _execution(bill, delivery)
    period = f"{prefix}/{month.start:%Y%m%d}-{month.end:%Y%m%d}"
    current = f"{period}/{name}-Manifest.json"
    manifests: tuple[str, ...] = (current,)
    data = period
    if delivery.layout == Layout.CREATE_NEW:
        data = f"{period}/{assembly}"
        manifests = (f"{data}/{name}-Manifest.json", current)
    number = "{name}-{n}"
    if delivery.encoding == Encoding.PARQUET:
        data = f"{prefix}/{name}/year={month.year}/month={month.number}"
        number = "{name}-{n:05}"
        manifests = (current,)
    suffix = SUFFIXES[delivery.encoding]
    keys = tuple(
        f"{data}/{number.format(name=name, n=n + 1)}.{suffix}" for n in range(delivery.files)
    )
    manifest = {
        "assemblyId": assembly,
        "account": bill.organization.payer.id,
        "columns": [_legacy_column(legacy, column) for legacy, column in named],
        "charset": "UTF-8",
        "compression": {Encoding.CSV: "GZIP", Encoding.ZIP: "ZIP"}.get(
            delivery.encoding, "Parquet"
        ),
        "contentType": "application/octet-stream" if "parquet" in suffix else "text/csv",
        "reportId": hashlib.sha256(f"{bill.organization.payer.id} {name}".encode()).hexdigest(),
        "reportName": name,
        "billingPeriod": {
            "start": f"{month.start:%Y%m%dT%H%M%S.000Z}",
            "end": f"{month.end:%Y%m%dT%H%M%S.000Z}",
        },
        "bucket": delivery.bucket,
        "reportKeys": list(keys),
        "additionalArtifactKeys": [],
    }
    return _Plan(prefix, keys, manifests, manifest)


def _legacy_column(legacy: str, column: Column) -> dict[str, str]:
    category, name = legacy.split("/")
    return {"category": category, "name": name, "type": _legacy_type(column)}


def _legacy_type(column: Column) -> str:
    match column:
        case Instant():
            return "DateTime"
        case IntervalColumn():
            return "Interval"
        case Amount(_, _, only_on):
            return "BigDecimal" if len(only_on) == len(LineKind) else "OptionalBigDecimal"
        case _:
            return "String"


def _data_export_type(column: Column) -> str:
    match column:
        case Instant():
            return "timestamp_milliseconds"
        case Amount():
            return "double"
        case Pairing():
            return "map<string,string>"
        case DiscountMap():
            return "map<string,double>"
        case _:
            return "string"


def _delivered_at(bill: Bill) -> datetime:
    days = {BillStage.OPEN: -12, BillStage.FINAL: 6, BillStage.RESTATED: 13}[bill.stage]
    return bill.month.end + timedelta(days=days, hours=5, minutes=17)


def _execution(bill: Bill, delivery: WrittenDelivery) -> str:
    return _uuid(f"{bill.organization.payer.id} {delivery.name} {bill.month} {bill.stage}")


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
