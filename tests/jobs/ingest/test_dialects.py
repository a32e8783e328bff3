"""One simulated month in every dialect and encoding: equal charges wherever the fact is carried."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from invoices.charges import KEYS, MEASURES, MONEY, SCHEMA
from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.ingest.run import Ingested, IngestRequest, ingest
from jobs.snapshots import digest
from sandbox.bills import (
    Bill,
    BillStage,
    Discounts,
    Encoding,
    ExportDialect,
    Layout,
    Month,
    Order,
    Simulation,
    WrittenDelivery,
    deliver,
)

PERIOD = BillingPeriod(2026, 9)
SIMULATION = Simulation(accounts=14, rows=4_000, start="2026-09")
CUR2 = WrittenDelivery(dialect=ExportDialect.CUR2)
ZERO = pl.lit(0).cast(MONEY)


@pytest.fixture(scope="module")
def bills() -> Mapping[tuple[Discounts, BillStage], Bill]:
    return {
        (discounts, stage): replace(SIMULATION, stage=stage).bill(Month(2026, 9), discounts)
        for discounts in Discounts
        for stage in BillStage
    }


Bills = Mapping[tuple[Discounts, BillStage], Bill]


def taken(
    bills: Bills,
    folder: Path,
    delivery: WrittenDelivery,
    discounts: Discounts = Discounts.COLUMNS,
    stage: BillStage = BillStage.FINAL,
) -> Ingested:
    """The bill as delivered in that form, in three files, through ingest."""
    bill = bills[discounts, stage]
    place = folder / f"delivery-{len(list(folder.iterdir()))}"
    written = deliver(bill, replace(delivery, files=3), place, lambda _: None)
    payer = AccountId(bill.organization.payer.id)
    request = IngestRequest(str(written.export_path), payer, PERIOD)
    return ingest(request, cache=folder / "cache", progress=lambda *_: None)


@pytest.mark.parametrize(
    ("discounts", "stage"),
    [
        pytest.param(
            discounts,
            stage,
            id=f"{discounts}-{stage}",
            marks=[] if stage == BillStage.FINAL else [pytest.mark.proof],
        )
        for discounts in Discounts
        for stage in BillStage
    ],
)
def test_legacy_and_cur2_in_every_encoding_and_layout_are_one_snapshot(
    bills: Bills, tmp_path: Path, discounts: Discounts, stage: BillStage
) -> None:
    def one(dialect: ExportDialect, encoding: Encoding, layout: Layout, order: Order) -> str:
        delivery = WrittenDelivery(dialect=dialect, encoding=encoding, layout=layout, order=order)
        found = taken(bills, tmp_path, delivery, discounts, stage)
        assert found.facts.quarantined == () and found.facts.warnings == ()
        assert found.facts.finalized is (stage != BillStage.OPEN)
        return digest(found.charges)

    ids = {
        one(ExportDialect.LEGACY, Encoding.PARQUET, Layout.OVERWRITE, Order.BY_RESOURCE),
        one(ExportDialect.LEGACY, Encoding.CSV, Layout.CREATE_NEW, Order.SHUFFLED),
        one(ExportDialect.LEGACY, Encoding.ZIP, Layout.OVERWRITE, Order.SHUFFLED),
        one(ExportDialect.CUR2, Encoding.PARQUET, Layout.CREATE_NEW, Order.SHUFFLED),
        one(ExportDialect.CUR2, Encoding.CSV, Layout.OVERWRITE, Order.BY_RESOURCE),
    }

    assert len(ids) == 1


@pytest.mark.parametrize("dialect", [ExportDialect.FOCUS, ExportDialect.FOCUS_1_0])
def test_focus_in_csv_and_parquet_is_one_snapshot(
    bills: Bills, tmp_path: Path, dialect: ExportDialect
) -> None:
    parquet = taken(bills, tmp_path, WrittenDelivery(dialect=dialect))
    csv = WrittenDelivery(dialect=dialect, encoding=Encoding.CSV, order=Order.SHUFFLED)
    text = taken(bills, tmp_path, csv)

    assert digest(parquet.charges) == digest(text.charges)


@pytest.mark.parametrize("dialect", [ExportDialect.FOCUS, ExportDialect.FOCUS_1_0])
def test_focus_equals_cur2_but_for_what_it_cannot_carry(
    bills: Bills, tmp_path: Path, dialect: ExportDialect
) -> None:
    cur2 = taken(bills, tmp_path, CUR2)
    focus = taken(bills, tmp_path, WrittenDelivery(dialect=dialect))

    blanked = ["invoice_id"] if dialect is ExportDialect.FOCUS_1_0 else []
    assert as_focus_can(cur2.charges.frame, blanked).equals(
        as_focus_can(focus.charges.frame, blanked)
    )
    assert focus.charges.daily.height > 1_000
    assert focus.facts.own.identity_1_residual is None
    warned = [warning.code for warning in focus.facts.warnings]
    assert warned == (["no_invoice_ids"] if dialect is ExportDialect.FOCUS_1_0 else [])
    assert focus.facts.finalized is (dialect is ExportDialect.FOCUS)


def as_focus_can(charges: pl.DataFrame, blanked: list[str]) -> pl.DataFrame:
    """Exactly the list in jobs/ingest/README.md, "What FOCUS cannot carry"."""
    kind = pl.col("kind")
    covered, reserved = kind == "sp_usage", kind.is_in(["ri_usage", "ri_fee"])
    return (
        charges.filter(kind != "sp_negation")
        .with_columns(pl.lit("").alias(key) for key in ("bill_type", "tax_type", *blanked))
        .with_columns(ZERO.alias("blended_cost"), ZERO.alias("trueup"))
        .with_columns(
            pl.when(covered).then(ZERO).otherwise(cost).alias(cost)
            for cost in ("billed_cost", "net_billed_cost")
        )
        .with_columns(
            pl.when(reserved)
            .then("net_amortized_cost")
            .otherwise("amortized_cost")
            .alias("amortized_cost")
        )
        .group_by(KEYS)
        .agg(pl.col(MEASURES).sum())
        .select(*SCHEMA)
        .sort(KEYS)
    )


@pytest.mark.parametrize("discounts", Discounts)
def test_every_sum_is_what_the_sandbox_knows_to_be_true(
    bills: Bills, tmp_path: Path, discounts: Discounts
) -> None:
    found = taken(bills, tmp_path, CUR2, discounts)

    truth: dict[tuple[str, str], dict[str, int]] = {}
    for fact in bills[discounts, BillStage.FINAL].truth.facts():
        sums = truth.setdefault((fact.place.account_id, str(fact.place.kind)), {})
        for name, units in fact.totals.items():
            sums[name] = sums.get(name, 0) + units
    names = {m: m.removesuffix("_cost") for m in MEASURES}
    ours = found.charges.frame.group_by("account_id", "kind").agg(pl.col(MEASURES).sum())
    assert {
        (row["account_id"], row["kind"]): {names[m]: int(row[m].scaleb(10)) for m in MEASURES}
        for row in ours.iter_rows(named=True)
    } == {key: {name: sums[name] for name in names.values()} for key, sums in truth.items()}
    assert found.facts.own.identity_1_residual == Decimal(0)
    assert found.facts.dropped == bills[discounts, BillStage.FINAL].truth.split_rows > 0


def test_lower_case_period_folders_are_found_too(bills: Bills, tmp_path: Path) -> None:
    upper = taken(bills, tmp_path, CUR2)
    lower = taken(bills, tmp_path, replace(CUR2, period_folder="billing_period"))

    assert digest(lower.charges) == digest(upper.charges)


def test_chosen_tags_are_the_same_in_every_dialect(bills: Bills, tmp_path: Path) -> None:
    bill = bills[Discounts.COLUMNS, BillStage.FINAL]
    payer = AccountId(bill.organization.payer.id)
    tagged = []
    for dialect in ExportDialect:
        for encoding in (Encoding.PARQUET, Encoding.CSV):
            delivery = WrittenDelivery(dialect=dialect, encoding=encoding)
            written = deliver(bill, delivery, tmp_path / "out", lambda _: None)
            request = IngestRequest(
                str(written.export_path), payer, PERIOD, tags=("user:team", "user:project")
            )
            taken_in = ingest(request, cache=tmp_path / "cache", progress=lambda *_: None)
            found = taken_in.charges.frame
            by_tags = found.filter(pl.col("kind") == "usage").group_by("tags")
            tagged.append(dict(by_tags.agg(pl.col("net_billed_cost").sum()).rows()))

    assert all(each == tagged[0] for each in tagged)
    assert any(key.startswith('{"user:project":"') for key in tagged[0]) and "" in tagged[0]
