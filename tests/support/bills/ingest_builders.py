"""Owns small bills for ingest's tests: one line per fact, written as AWS would."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.ingest.run import Ingested, IngestRequest, ingest

PAYER = AccountId("011254002932")
PERIOD = BillingPeriod(2026, 10)
Row = dict[str, str]
_numbers = itertools.count(1)


def line(cost: str, line_type: str = "Usage", **other: str) -> Row:
    """A CUR 2.0 line item of the payer's October 2026; the rest is what does not matter."""
    return {
        "identity_line_item_id": f"line-{next(_numbers)}",
        "bill_payer_account_id": PAYER,
        "bill_payer_account_name": "Payer",
        "bill_billing_period_start_date": "2026-10-01T00:00:00.000Z",
        "bill_invoice_id": "1",
        "bill_billing_entity": "AWS",
        "line_item_usage_account_id": PAYER,
        "line_item_line_item_type": line_type,
        "line_item_usage_start_date": "2026-10-05T07:00:00.000Z",
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_type": "BoxUsage:m7.large",
        "line_item_operation": "RunInstances",
        "line_item_currency_code": "USD",
        "line_item_line_item_description": f"{line_type} of something",
        "line_item_usage_amount": "1",
        "line_item_unblended_cost": cost,
        "line_item_blended_cost": cost,
        "pricing_public_on_demand_cost": cost,
    } | other


def text(rows: Sequence[Row]) -> bytes:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


def gzipped(rows: Sequence[Row]) -> bytes:
    return gzip.compress(text(rows), mtime=0)


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def data_exports_manifest(*uris: str) -> bytes:
    content = {"executionId": "e", "exportArn": "arn", "columns": [], "dataFiles": list(uris)}
    return json.dumps(content).encode()


def legacy_manifest(*keys: str, payer: str = PAYER, start: str = "20261001T000000.000Z") -> bytes:
    period = {"start": start, "end": "20261101T000000.000Z"}
    content = {"account": payer, "billingPeriod": period, "reportKeys": list(keys)}
    return json.dumps(content).encode()


def take(location: Path | str, cache: Path) -> Ingested:
    request = IngestRequest(str(location), PAYER, PERIOD)
    return ingest(request, cache=cache, progress=lambda *_: None)
