"""A line item is billed once: whatever lies beside the delivery, or twice in it, is refused."""

import io
import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from invoices.money import plain
from jobs.ingest.run import Ingested
from kernel.errors import IngestError
from tests.support.bills.ingest_builders import Row, gzipped, legacy_manifest, line, put, take, text

HOURS = [f"2026-10-05T{hour:02}:00:00Z" for hour in range(24)]


def hours(account: str, count: int = 24, cost: str = "1.25") -> list[Row]:
    """One resource: its id is the same in every hour."""
    ends = [*HOURS[1:], "2026-10-06T00:00:00Z"]
    return [
        line(
            cost,
            identity_line_item_id=f"line-of-{account}",
            identity_time_interval=f"{start}/{end}",
            line_item_usage_account_id=account,
            line_item_usage_start_date=start,
        )
        for start, end in itertools.islice(zip(HOURS, ends, strict=True), count)
    ]


ONE, OTHER = hours("111111111111"), hours("222222222222")
NEWER = [*hours("111111111111", 20), *hours("111111111111", 24, "1.30")[20:]]


def parquet(rows: Sequence[Row]) -> bytes:
    written = io.BytesIO()
    pl.DataFrame(rows).write_parquet(written)
    return written.getvalue()


WRITTEN_AS = {"csv": text, "csv.gz": gzipped, "parquet": parquet}


def without_ids(rows: Sequence[Row]) -> list[Row]:
    return [{k: v for k, v in row.items() if not k.startswith("identity_")} for row in rows]


def by_the_day(rows: Sequence[Row]) -> list[Row]:
    """Hours of one cost as the one row that a daily export has for them."""
    cost = str(len(rows) * Decimal(rows[0]["line_item_unblended_cost"]))
    costs = ("line_item_unblended_cost", "line_item_blended_cost", "pricing_public_on_demand_cost")
    return [rows[0] | dict.fromkeys(costs, cost) | {"line_item_usage_amount": str(len(rows))}]


def billed(found: Ingested) -> str:
    return plain(Decimal(found.charges.daily["billed_cost"].sum()))


def test_the_hours_of_one_resource_have_one_id_and_are_all_billed(tmp_path: Path) -> None:
    put(tmp_path / "e/a.csv.gz", gzipped([*ONE, *OTHER[:12]]))
    put(tmp_path / "e/b.csv.gz", gzipped(OTHER[12:]))

    assert billed(take(tmp_path / "e", tmp_path / "cache")) == "60"


@pytest.mark.parametrize(
    "files",
    [
        {"cur.csv.gz": ONE, "cur.csv": ONE},
        {"cur-1.csv": ONE, "cur-1 (copy).csv": ONE},
        {"cur-1.csv": ONE, "backup/old.csv": ONE[::-1]},
        {"1.parquet": ONE, "2.parquet": ONE[::-1]},
        {"v1/cur.csv": ONE, "v2/cur.csv": NEWER},
        {"all.csv": [*ONE, *OTHER], "part.csv": OTHER},
        {"a.csv": [*ONE, *OTHER[:3]], "b.csv": OTHER},
        {"a.csv": without_ids(ONE), "b.csv.gz": without_ids(ONE)},
        {"hourly.csv": without_ids(ONE), "daily.csv": without_ids(by_the_day(ONE))},
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_in_two_files_is_refused_with_the_names_of_both(
    tmp_path: Path, files: dict[str, list[Row]]
) -> None:
    for name, rows in files.items():
        put(tmp_path / "export" / name, WRITTEN_AS[name.partition(".")[2]](rows))

    for _ in range(2):  # The second time by what is kept.
        with pytest.raises(IngestError) as refused:
            take(tmp_path / "export", tmp_path / "cache")
        assert refused.value.code == "several_deliveries"
        assert all(name.rpartition("/")[2] in str(refused.value) for name in files)


@pytest.mark.parametrize("written", [gzipped, text, parquet])
def test_what_is_twice_in_one_file_is_refused(
    tmp_path: Path, written: Callable[[Sequence[Row]], bytes]
) -> None:
    names: dict[Callable[..., bytes], str] = {
        gzipped: "csv.gz", text: "csv", parquet: "parquet",
    }  # fmt: skip
    suffix = names[written]
    with pytest.raises(IngestError, match="24 of its line items") as refused:
        take(put(tmp_path / f"cur.{suffix}", written([*ONE, *OTHER, *ONE])), tmp_path / "cache")
    assert refused.value.code == "repeated_lines"


def test_a_file_that_a_manifest_names_twice_is_refused(tmp_path: Path) -> None:
    key = "rep/20261001-20261101/aaaaaaaa-1111-2222-3333-444444444444/rep-00001.csv.gz"
    put(tmp_path / key, gzipped(ONE))
    manifest = put(tmp_path / "rep/20261001-20261101/rep-Manifest.json", legacy_manifest(key, key))
    with pytest.raises(IngestError, match="names a file twice") as refused:
        take(manifest, tmp_path / "cache")
    assert refused.value.code == "bad_manifest"


def test_without_an_id_a_row_may_be_like_another(tmp_path: Path) -> None:
    """Two machines that ran the same hour, in an export without ids or resources."""
    rows = without_ids(hours("111111111111", 1) * 2)

    assert billed(take(put(tmp_path / "c.csv", text(rows)), tmp_path / "cache")) == "2.5"


def test_a_row_that_repeats_a_cost_may_repeat_its_id(tmp_path: Path) -> None:
    split = [row | {"line_item_operation": "EKSPod-EC2"} for row in ONE]

    found = take(put(tmp_path / "c.csv.gz", gzipped([*ONE, *split])), tmp_path / "cache")
    assert (billed(found), found.facts.dropped) == ("30", 24)


def test_which_files_are_the_delivery_a_manifest_says(tmp_path: Path) -> None:
    """Two files of one delivery may have equal sums: machines that ran all day."""
    folder = "rep/20261001-20261101/aaaaaaaa-1111-2222-3333-444444444444"
    keys = [f"{folder}/rep-{number}.csv.gz" for number in (1, 2)]
    for key in keys:
        put(tmp_path / key, gzipped(without_ids(ONE)))
    manifest = put(tmp_path / "rep/20261001-20261101/rep-Manifest.json", legacy_manifest(*keys))

    assert billed(take(manifest, tmp_path / "cache")) == "60"
