"""The reducer equals a slow, obvious one in Python's decimals, however rows are cut and mixed."""

import csv
import io
import itertools
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.ingest.reduction.reducer import AWS_CSV, Reading, reduce
from jobs.ingest.reduction.sums import Reduced, merge

Row = tuple[str, str, int, float | None, float | None]
"""account, product, hour of the month, cost, net cost."""

READING = Reading(
    keys=("account", "product"),
    day="start",
    amounts=("cost", "net"),
    fallback={"net": "cost"},
    drop={"product": frozenset({"dropped"})},
)
START = datetime(2026, 10, 1, tzinfo=UTC)
WIDE = Context(prec=120)

_COSTS = st.one_of(
    st.none(),
    st.sampled_from(
        [0.0, -0.0, 1e-10, 5e-11, -1.28e-7, 112_590.0, 225_179.99, 3.0000000001e8, 1e17]
    ),
    st.integers(-(10**15), 10**15).map(lambda units: units / 10**10),
    st.floats(-1e6, 1e6),
    st.floats(-1e20, 1e20),
)
_ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(
        st.sampled_from(["000000000001", "000000000002", "é,\n\"'"]),
        st.sampled_from(["AmazonEC2", "", "dropped"]),
        st.integers(-30, 800),
        _COSTS,
        _COSTS,
    ),
    max_size=30,
)


def oracle(rows: list[Row]) -> list[tuple[str, str, date, Decimal, Decimal, int]]:
    sums: dict[tuple[str, str, date], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    counts: dict[tuple[str, str, date], int] = defaultdict(int)
    for account, product, hour, cost, net in rows:
        if product != "dropped":
            key = (account, product, (START + timedelta(hours=hour)).date())
            found = (exact(cost), exact(cost if net is None else net))
            sums[key] = [WIDE.add(a, b) for a, b in zip(sums[key], found, strict=True)]
            counts[key] += 1
    return sorted((*key, *sums[key], counts[key]) for key in sums)  # type: ignore[misc]


def exact(amount: float | None) -> Decimal:
    text = Decimal(repr(amount or 0.0))
    return text.quantize(Decimal("1e-10"), ROUND_HALF_EVEN, WIDE)


def as_parquet(rows: list[Row], row_group_size: int = 7) -> Reduced:
    table = pa.table(
        {
            "account": pa.array([row[0] for row in rows], pa.string()),
            "product": pa.array([row[1] or None for row in rows], pa.string()),
            "start": pa.array(
                [START + timedelta(hours=row[2]) for row in rows], pa.timestamp("ms", "UTC")
            ),
            "cost": pa.array([row[3] for row in rows], pa.float64()),
            "net": pa.array([row[4] for row in rows], pa.float64()),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=row_group_size)
    return reduce(file, READING)


def as_csv(rows: list[Row]) -> Reduced:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["net", "account", "unread", "start", "product", "cost"])
    for account, product, hour, cost, net in rows:
        start = (START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
        costs = ["" if cost is None else repr(cost), "" if net is None else repr(net)]
        writer.writerow([costs[1], account, "x", start, product, costs[0]])
    return reduce(io.BytesIO(file.getvalue().encode()), READING, text=AWS_CSV)


@settings(deadline=None, max_examples=300)
@given(rows=_ROWS)
def test_parquet_and_csv_equal_the_oracle(rows: list[Row]) -> None:
    expected = oracle(rows)

    assert as_parquet(rows).frame.rows() == expected
    assert as_csv(rows).frame.rows() == expected


@settings(deadline=None, max_examples=100)
@given(rows=_ROWS, cuts=st.lists(st.integers(0, 30), max_size=4), seed=st.integers())
def test_the_order_and_grouping_of_parts_change_nothing(
    rows: list[Row], cuts: list[int], seed: int
) -> None:
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [as_parquet(rows[a:b]) for a, b in itertools.pairwise(bounds)]
    whole = as_csv(rows)
    mixed = random.Random(seed).sample(parts, len(parts))

    assert merge(mixed).frame.equals(whole.frame)
    assert merge([merge(parts[:1]), *parts[1:]]).frame.equals(whole.frame)
    assert merge([*parts[:-1], merge(parts[-1:])]).frame.equals(whole.frame)
    assert (merge(mixed).rows, merge(mixed).dropped) == (whole.rows, whole.dropped)


@settings(deadline=None, max_examples=50)
@given(rows=_ROWS, seed=st.integers())
def test_the_order_of_rows_and_the_size_of_row_groups_change_nothing(
    rows: list[Row], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))

    assert as_parquet(shuffled, row_group_size=2).frame.equals(as_parquet(rows).frame)


def test_the_number_of_threads_changes_nothing() -> None:
    """Sums are integers; here with more rows than threads would share out in one order."""
    dice = random.Random(7)
    rows: list[Row] = [
        (str(dice.randrange(50)), "", dice.randrange(744), dice.random() * 1e4, None)
        for _ in range(20_000)
    ]
    before = pa.cpu_count()
    try:
        frames = []
        for threads in (1, 2, 5):
            pa.set_cpu_count(threads)
            frames.append(as_parquet(rows, row_group_size=3_000).frame)
    finally:
        pa.set_cpu_count(before)

    assert all(frame.equals(frames[0]) for frame in frames)
    assert frames[0].rows() == oracle(rows)
    assert frames[0].schema["cost"] == pl.Decimal(38, 10)
