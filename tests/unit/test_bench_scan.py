"""The scan's benchmark: both sides find the same sums, and a side that does not is named."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from bench import scan, scan_sides
from bench.plain_month import AMOUNTS, KEYS
from bench.scan_sides import Question
from bench.sets import MonthSet, digest, plain_month, shuffled_month, with_large_amounts

ROWS = 20_000


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MonthSet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.sets.DATA", tmp_path_factory.mktemp("bench"))
        shuffled = shuffled_month(ROWS)
        large = with_large_amounts(shuffled)
        return {"shuffled": shuffled, "large": large, "plain": plain_month(ROWS)}


@pytest.mark.parametrize("name", ["shuffled", "large", "plain"])
def test_both_sides_find_the_same_sums(
    months: dict[str, MonthSet], name: str, tmp_path: Path
) -> None:
    question = scan.question_of(months[name])
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "duckdb.parquet"

    scan_sides.ours(question)(ours)
    scan_sides.duckdb(question)(theirs)

    assert pl.read_parquet(ours).height > 500
    assert digest(ours) == digest(theirs)


def test_the_sums_are_of_every_row_and_exact(months: dict[str, MonthSet], tmp_path: Path) -> None:
    question, out = scan.question_of(months["plain"]), tmp_path / "sums.parquet"
    raw = [cost for file in question.files for cost in _costs(file)]

    scan_sides.ours(question)(out)

    sums = pl.read_parquet(out)
    assert len(raw) == sums["rows"].sum() == ROWS
    assert sums[scan_sides.TOTAL].sum() == sum(raw, Decimal(0))


def _costs(file: str) -> list[Decimal]:
    column = pq.read_table(file, columns=[scan_sides.TOTAL]).column(0)
    return [Decimal(repr(cost)) for cost in column.to_pylist()]


def test_ingest_reads_all_columns_of_the_plain_month(
    months: dict[str, MonthSet], tmp_path: Path
) -> None:
    question, out = scan.question_of(months["plain"]), tmp_path / "sums.parquet"
    assert (sorted(question.keys), sorted(question.amounts)) == (sorted(KEYS), sorted(AMOUNTS))

    scan_sides.ours(question)(out)
    scan_sides.ingest(question)(tmp_path / "total.parquet")

    total = pl.read_parquet(tmp_path / "total.parquet")[scan_sides.TOTAL][0]
    assert total == pl.read_parquet(out)[scan_sides.TOTAL].sum()


@pytest.mark.parametrize("name", ["shuffled", "plain"])
def test_whatever_is_left_out_both_sides_find_the_same(
    months: dict[str, MonthSet], name: str, tmp_path: Path
) -> None:
    whole = scan.question_of(months[name])
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "duckdb.parquet"
    for words, left_out in scan.groups_left_out(whole):
        question = whole.without(*left_out)
        assert len(question.keys) + len(question.amounts) < len(whole.keys) + len(whole.amounts)

        scan_sides.ours(question)(ours)
        scan_sides.duckdb(question)(theirs)

        assert digest(ours) == digest(theirs), words


def test_a_sample_is_a_fresh_process_that_tells_its_cost(
    months: dict[str, MonthSet], tmp_path: Path
) -> None:
    question = scan.question_of(months["plain"])

    found = {side: scan.sampled(side, question, tmp_path) for side in scan_sides.SIDES}

    assert all(sample.cpu_seconds > 0 < sample.peak_mib for sample in found.values())
    assert found["ours"].digest == found["duckdb"].digest != ""
    assert len({sample.total for sample in found.values()}) == 1


@pytest.mark.parametrize("wrong", ["", "digest", "total"])
def test_a_side_that_finds_other_sums_is_named(
    months: dict[str, MonthSet],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
) -> None:
    monkeypatch.setattr(scan, "shuffled_month", lambda _: months["shuffled"])
    monkeypatch.setattr(scan, "plain_month", lambda _: months["plain"])

    def sampled(side: str, question: Question, _: Path) -> scan.ScanSample:
        sample = scan.ScanSample(1.0, 1.0, 1.0, 1.0, 1.0, digest="abc", total="1.00")
        if side != "ours" or question.maps:
            return sample
        others = {
            "digest": replace(sample, digest="abd"),
            "total": replace(sample, total="1.01"),
        }
        return others.get(wrong, sample)

    monkeypatch.setattr(scan, "sampled", sampled)

    assert scan.main(ROWS, 2, groups=False) == (1 if wrong else 0)
    named = "DIFFERENT: the sides do not find the same sums of plain" in capsys.readouterr().out
    assert named == bool(wrong)
