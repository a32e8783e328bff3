"""Owns a month as most payers have it: few accounts, few resources, one hour after another.

It is made without the sandbox, so that its shape is not one that our code grew up with. AWS lets
one choose the columns of CUR 2.0; this export has eleven of the texts that charges are told apart
by, and seven amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

PAYER = "111122223333"
KEYS = (
    "bill_payer_account_id",
    "line_item_usage_account_id",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "product_region_code",
    "line_item_currency_code",
    "line_item_line_item_description",
)
AMOUNTS = (
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "line_item_blended_cost",
    "pricing_public_on_demand_cost",
    "reservation_effective_cost",
    "savings_plan_savings_plan_effective_cost",
)

FILES = 6
HOURS = 31 * 24
_ROWS_PER_ACCOUNT = 25_000
_START = datetime(2026, 10, 1, tzinfo=UTC)
_UNITS = 10**10
_INSTANT = pa.timestamp("ms")

Ints = npt.NDArray[np.integer[Any]]

# Product, usage type, operation, units of 1e-10 dollars for one of it, whether it is used evenly.
_METERS = (
    ("AmazonEC2", "BoxUsage:m6i.large", "RunInstances", 960_000_000, True),
    ("AmazonEC2", "BoxUsage:t3.medium", "RunInstances", 416_000_000, True),
    ("AmazonEC2", "BoxUsage:c6g.xlarge", "RunInstances:0002", 1_360_000_000, True),
    ("AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", 800_000_000, True),
    ("AmazonEC2", "EBS:SnapshotUsage", "CreateSnapshot", 500_000_000, True),
    ("AmazonEC2", "DataTransfer-Out-Bytes", "RunInstances", 900_000_000, False),
    ("AmazonEC2", "NatGateway-Hours", "NatGateway", 450_000_000, True),
    ("AmazonEC2", "NatGateway-Bytes", "NatGateway", 450_000_000, False),
    ("AmazonRDS", "InstanceUsage:db.r6g.large", "CreateDBInstance:0014", 2_150_000_000, True),
    ("AmazonRDS", "RDS:GP3-Storage", "CreateDBInstance", 1_150_000_000, True),
    ("AmazonS3", "TimedStorage-ByteHrs", "StandardStorage", 230_000_000, True),
    ("AmazonS3", "Requests-Tier1", "PutObject", 50_000, False),
    ("AmazonS3", "Requests-Tier2", "GetObject", 4_000, False),
    ("AWSLambda", "Lambda-GB-Second", "Invoke", 166_667, False),
    ("AWSLambda", "Request", "Invoke", 2_000, False),
    ("AmazonCloudWatch", "CW:Requests", "GetMetricData", 100_000, False),
    ("AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents", 5_000_000_000, False),
    ("AWSELB", "LoadBalancerUsage", "LoadBalancing:Application", 225_000_000, True),
    ("AmazonDynamoDB", "WriteRequestUnits", "PayPerRequestThroughput", 12_500, False),
    ("awskms", "KMS-Requests", "Decrypt", 30_000, False),
)
_REGIONS = (("us-east-1", ""), ("eu-west-1", "EU-"), ("eu-central-1", "EUC1-"))
_USAGE, _COVERED, _NEGATION, _RESERVED = range(4)
_LINE_TYPES = ("Usage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "DiscountedUsage")


def write_plain_month(rows: int, folder: Path) -> None:
    """Writes exactly `rows` line items in files, by account, then hour, then resource."""
    dice = np.random.default_rng(17)
    accounts = max(2, rows // _ROWS_PER_ACCOUNT)
    # A tenth more than needed: what is left out are hours in which a resource did not run.
    each = -(-rows * 11 // (10 * accounts * HOURS))
    account = np.repeat(np.arange(accounts, dtype=np.int32), each)
    resources = _Resources(dice, account)
    at = np.sort(dice.choice(len(account) * HOURS, rows, replace=False))
    of_account, place = np.divmod(at, each * HOURS)
    hour, number = np.divmod(place, each)
    table = resources.lines(dice, of_account * each + number, hour)
    for file in range(FILES):
        low, high = (rows * n // FILES for n in (file, file + 1))
        path = folder / f"plain-{file + 1:05}.snappy.parquet"
        pq.write_table(table.slice(low, high - low), path, store_schema=False)


class _Resources:
    """What runs: each has one account, meter, region and line type for the whole month."""

    def __init__(self, dice: np.random.Generator, account: Ints) -> None:
        count = len(account)
        self.account = account
        self.meter = dice.integers(len(_METERS), size=count)
        self.region = dice.choice(len(_REGIONS), count, p=[0.6, 0.3, 0.1])
        self.quantity = dice.integers(1, 400, count)
        box = np.array(["Usage:" in usage and "Volume" not in usage for _, usage, *_ in _METERS])
        kinds = np.array([_USAGE, _COVERED, _NEGATION, _RESERVED])
        kind = dice.choice(kinds, count, p=[0.4, 0.2, 0.2, 0.2])
        self.kind = np.where(box[self.meter], kind, _USAGE)

    def lines(self, dice: np.random.Generator, at: Ints, hour: Ints) -> pa.Table:
        """One line for each resource and hour given."""
        stamps = np.int64(_START.timestamp() * 1000) + hour.astype(np.int64) * 3_600_000
        start = pa.array(stamps.view("datetime64[ms]"), _INSTANT)
        end = pa.array((stamps + 3_600_000).view("datetime64[ms]"), _INSTANT)
        return pa.table(
            {
                "identity_line_item_id": _hexadecimal(dice, len(at)),
                "bill_payer_account_name": _constant("Payer", len(at)),
                "line_item_resource_id": _resource_ids(at),
                "line_item_usage_start_date": start,
                "line_item_usage_end_date": end,
                **self._texts(at),
                **self._amounts(dice, at),
            }
        )

    def _texts(self, at: Ints) -> Mapping[str, pa.Array]:
        meter, region = self.meter[at], self.region[at]
        pair = meter * len(_REGIONS) + region
        usage = [prefix + m[1] for m in _METERS for _, prefix in _REGIONS]
        said = [
            f"${m[3] / _UNITS:.10f} per {m[1]}, {name}" for m in _METERS for name, _ in _REGIONS
        ]
        accounts = [f"{200_000_000_000 + 7_919 * n}" for n in range(int(self.account[-1]) + 1)]
        period = pa.repeat(pa.scalar(_START.replace(tzinfo=None), _INSTANT), len(at))
        columns = (
            _constant(PAYER, len(at)),
            _coded(self.account[at], accounts),
            period,
            _constant("EUINIE26-1234567", len(at)),
            _coded(self.kind[at], _LINE_TYPES),
            _coded(meter, [m[0] for m in _METERS]),
            _coded(pair, usage),
            _coded(meter, [m[2] for m in _METERS]),
            _coded(region, [name for name, _ in _REGIONS]),
            _constant("USD", len(at)),
            _coded(pair, said),
        )
        return dict(zip(KEYS, columns, strict=True))

    def _amounts(self, dice: np.random.Generator, at: Ints) -> Mapping[str, pa.Array]:
        """Units of 1e-10, so that the doubles are those nearest to ten decimals, as AWS's are."""
        meter, kind = self.meter[at], self.kind[at]
        price = np.array([m[3] for m in _METERS])[meter]
        even = np.array([m[4] for m in _METERS])[meter]
        # A thousandth is the smallest use; a box runs a whole hour or a part of one.
        milli = np.where(even, 1_000, dice.integers(1, 1_000_000, len(at)))
        milli = np.where(price < _UNITS // 10_000, milli * 50, milli)
        milli = np.where(even & (self.quantity[at] > 300), self.quantity[at], milli)
        cost = price * milli // 1_000
        paid = np.where(kind == _NEGATION, -cost, np.where(kind == _RESERVED, 0, cost))
        columns = (
            _doubles(milli * (_UNITS // 1_000)),
            _doubles(paid),
            _doubles(paid * 93 // 100),
            _doubles(paid),
            _doubles(np.where(kind == _NEGATION, 0, cost)),
            _doubles(cost * 62 // 100, only=kind == _RESERVED),
            _doubles(cost * 71 // 100, only=kind == _COVERED),
        )
        return dict(zip(AMOUNTS, columns, strict=True))


def _doubles(units: Ints, only: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Exactly rounded: both sides of the division are whole numbers that a double holds."""
    assert np.abs(units).max(initial=0) < 2**53
    return pa.array(units / float(_UNITS), mask=None if only is None else ~only)


def _coded(codes: Ints, words: tuple[str, ...] | list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(words)).cast(pa.string())


def _constant(word: str, rows: int) -> pa.Array:
    return pa.repeat(word, rows)


def _hexadecimal(dice: np.random.Generator, rows: int) -> pa.Array:
    whole = dice.bytes(8 * rows).hex()
    return pa.array([whole[n : n + 16] for n in range(0, len(whole), 16)])


def _resource_ids(at: Ints) -> pa.Array:
    words, codes = np.unique(at, return_inverse=True)
    return _coded(codes, [f"arn:aws:x:i-{n:017x}" for n in words.tolist()])


__all__ = ["AMOUNTS", "FILES", "KEYS", "PAYER", "write_plain_month"]
