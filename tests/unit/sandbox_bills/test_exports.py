"""What the sandbox writes says what its truth says, to an independent and exact reader."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandbox.bills import (
    BillStage,
    Discounts,
    Encoding,
    ExportDialect,
    Layout,
    Order,
    Simulation,
    Written,
    simulate,
)

Row = dict[str, Any]
SPLIT = {"EKSPod-EC2", "ECSTask-EC2"}
CUR_KINDS = {
    "Usage": "usage",
    "FlatRateSubscription": "subscription",
    "DiscountedUsage": "ri_usage",
    "RIFee": "ri_fee",
    "SavingsPlanCoveredUsage": "sp_usage",
    "SavingsPlanNegation": "sp_negation",
    "SavingsPlanRecurringFee": "sp_fee",
    "SavingsPlanUpfrontFee": "sp_upfront",
    "Credit": "credit",
    "Refund": "refund",
    "Tax": "tax",
    "EdpDiscount": "discount_edp",
    "PrivateRateDiscount": "discount_private_rate",
    "BundledDiscount": "discount_bundled",
    "RiVolumeDiscount": "discount_ri_volume",
    "SppDiscount": "discount_spp",
    "Solution Provider Program Discount": "discount_spp",
    "Discount": "discount_other",
}
CUR_COSTS = {
    "billed": "line_item_unblended_cost",
    "net_billed": "line_item_net_unblended_cost",
    "blended": "line_item_blended_cost",
    "list": "pricing_public_on_demand_cost",
    "usage": "line_item_usage_amount",
}


def exact(value: object) -> Decimal:
    """Text as it stands; a double by its shortest form."""
    if value in (None, ""):
        return Decimal(0)
    return Decimal(repr(value) if isinstance(value, float) else str(value))


def rows_of(written: Written) -> Iterator[Row]:
    for path in written.data_paths:
        if written.encoding == Encoding.PARQUET:
            yield from pq.read_table(path).to_pylist()
        elif written.encoding == Encoding.CSV:
            with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
                yield from csv.DictReader(text)
        else:
            with zipfile.ZipFile(path) as archive:
                (name,) = archive.namelist()
                with archive.open(name) as raw:
                    yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def cur_rows(written: Written) -> list[Row]:
    """Under CUR 2.0 names, without the lines that readers must leave out."""
    rows = rows_of(written)
    manifest = json.loads(written.manifest_path.read_text("utf-8"))
    if written.dialect == ExportDialect.LEGACY and written.encoding != Encoding.PARQUET:
        names = [f"{c['category']}/{c['name']}" for c in manifest["columns"]]
        snakes = {name: legacy_to_snake(name) for name in names}
        rows = ({snakes[name]: value for name, value in row.items()} for row in rows)
    return [row for row in rows if row["line_item_operation"] not in SPLIT]


def legacy_to_snake(name: str) -> str:
    text = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return text.replace("/_", "_").replace("/", "_").replace(":", "_").lstrip("_")


def cur_kind(row: Row) -> str:
    if row["line_item_line_item_type"] == "Fee":
        return "ri_upfront" if row["reservation_reservation_a_r_n"] else "fee"
    return CUR_KINDS[row["line_item_line_item_type"]]


def amortized(row: Row, net: str) -> Decimal:
    """Of bill-semantics, by AWS's own columns; `net` is '' or 'net_'."""
    ri, sp = f"reservation_{net}", f"savings_plan_{net}"
    match cur_kind(row):
        case "sp_usage":
            return exact(row[f"{sp}savings_plan_effective_cost"])
        case "sp_fee":
            total = exact(row["savings_plan_total_commitment_to_date"])
            return total - exact(row["savings_plan_used_commitment"])
        case "sp_negation" | "sp_upfront" | "ri_upfront":
            return Decimal(0)
        case "ri_usage":
            return exact(row[f"{ri}effective_cost"])
        case "ri_fee":
            unused = exact(row[f"{ri}unused_amortized_upfront_fee_for_billing_period"])
            return unused + exact(row[f"{ri}unused_recurring_fee"])
        case _:
            return exact(row[f"line_item_{net}unblended_cost"])


def cur_sums(written: Written) -> dict[tuple[str, str], dict[str, Decimal]]:
    sums: dict[tuple[str, str], dict[str, Decimal]] = {}
    net = "net_" if written.discounts == Discounts.COLUMNS else ""
    for row in cur_rows(written):
        kind = cur_kind(row)
        mine = sums.setdefault((row["line_item_usage_account_id"], kind), {})
        costs = {name: exact(row.get(column)) for name, column in CUR_COSTS.items()}
        if not net:
            costs["net_billed"] = costs["billed"]
        costs["amortized"], costs["net_amortized"] = amortized(row, ""), amortized(row, net)
        costs["trueup"] = -exact(
            row["savings_plan_amortized_upfront_commitment_for_billing_period"]
        ) - exact(row["reservation_amortized_upfront_fee_for_billing_period"])
        costs["upfront"] = costs["billed"] if kind in {"sp_upfront", "ri_upfront"} else Decimal(0)
        costs["rows"] = Decimal(1)
        for name, cost in costs.items():
            mine[name] = mine.get(name, Decimal(0)) + cost
    return sums


def truth_of(written: Written) -> dict[str, Any]:
    truth = json.loads((written.folder / "truth.json").read_text("utf-8"))
    found: dict[str, Any] = truth["periods"][written.period][written.discounts]
    return found


def truth_sums(written: Written) -> dict[tuple[str, str], dict[str, Decimal]]:
    return {
        (account, kind): {name: Decimal(text) for name, text in totals.items()}
        for account, kinds in truth_of(written)["by_account_kind"].items()
        for kind, totals in kinds.items()
    }


@pytest.mark.parametrize("discounts", list(Discounts))
@pytest.mark.parametrize(
    ("dialect", "encoding"),
    [
        (ExportDialect.LEGACY, Encoding.CSV),
        (ExportDialect.LEGACY, Encoding.ZIP),
        (ExportDialect.LEGACY, Encoding.PARQUET),
        (ExportDialect.CUR2, Encoding.CSV),
        (ExportDialect.CUR2, Encoding.PARQUET),
    ],
)
def test_a_report_adds_up_to_the_truth_of_every_account_and_kind(
    dialect: ExportDialect, encoding: Encoding, discounts: Discounts, tmp_path: Path
) -> None:
    (written,) = simulate(
        Simulation(
            seed=7, accounts=12, rows=3_000, formats=(dialect,), encoding=encoding,
            discounts=discounts, files=3, order=Order.SHUFFLED,
        ),
        tmp_path,
    )  # fmt: skip

    assert cur_sums(written) == truth_sums(written)


@pytest.mark.parametrize("dialect", [ExportDialect.FOCUS, ExportDialect.FOCUS_1_0])
@pytest.mark.parametrize("encoding", [Encoding.CSV, Encoding.PARQUET])
def test_focus_adds_up_to_the_net_truth_of_every_account(
    dialect: ExportDialect, encoding: Encoding, tmp_path: Path
) -> None:
    (written,) = simulate(
        Simulation(seed=7, accounts=12, rows=3_000, formats=(dialect,), encoding=encoding), tmp_path
    )

    sums: dict[str, list[Decimal]] = {}
    for row in rows_of(written):
        mine = sums.setdefault(row["SubAccountId"], [Decimal(0)] * 4)
        discounts = row["x_Discounts"]
        if isinstance(discounts, str):
            discounts = json.loads(discounts, parse_float=Decimal).items()
        off = sum((exact(amount) for _, amount in discounts), Decimal(0))
        costs = [exact(row[name]) for name in ("BilledCost", "EffectiveCost", "ListCost")]
        costs.append(costs[0] - off)
        sums[row["SubAccountId"]] = [a + b for a, b in zip(mine, costs, strict=True)]

    assert written.discounts == Discounts.COLUMNS
    assert sums == {
        account: [Decimal(t[name]) for name in ("net_billed", "net_amortized", "list", "billed")]
        for account, t in truth_of(written)["by_account"].items()
    }


def test_the_aws_invoices_add_up_to_the_payer_total(tmp_path: Path) -> None:
    (written,) = simulate(Simulation(seed=3, accounts=12, rows=3_000), tmp_path)

    sums: dict[str, Decimal] = {}
    for row in cur_rows(written):
        cost = exact(row["line_item_unblended_cost"])
        sums[row["bill_invoice_id"]] = sums.get(row["bill_invoice_id"], Decimal(0)) + cost
    truth = truth_of(written)

    assert len(sums) == 6 and "" not in sums
    assert sums == {invoice: Decimal(text) for invoice, text in truth["by_invoice"].items()}
    assert sum(sums.values()) == Decimal(truth["payer_total"])


def test_an_open_month_has_no_invoice_ids(tmp_path: Path) -> None:
    (written,) = simulate(Simulation(accounts=12, rows=2_000, stage=BillStage.OPEN), tmp_path)

    assert {row["bill_invoice_id"] for row in rows_of(written)} == {""}
    assert list(truth_of(written)["by_invoice"]) == [""]


def test_the_same_simulation_gives_the_same_bytes(tmp_path: Path) -> None:
    for encoding in Encoding:
        simulation = Simulation(
            accounts=9, rows=1_500, formats=(ExportDialect.LEGACY,), encoding=encoding, files=2
        )
        for copy in ("one", "two"):
            simulate(simulation, tmp_path / encoding / copy)

        one, two = (bytes_below(tmp_path / encoding / copy) for copy in ("one", "two"))
        assert one == two


def bytes_below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_number_of_files_and_the_order_change_no_truth(tmp_path: Path) -> None:
    truths = []
    for files, order in ((1, Order.BY_RESOURCE), (7, Order.SHUFFLED)):
        folder = tmp_path / str(files)
        (written,) = simulate(Simulation(accounts=12, rows=3_000, files=files, order=order), folder)
        assert cur_sums(written) == truth_sums(written)
        truths.append(truth_of(written))

    assert truths[0] == truths[1]


def test_a_data_export_has_aws_keys_and_manifest(tmp_path: Path) -> None:
    (written,) = simulate(
        Simulation(accounts=9, rows=1_500, start="2026-10", files=2, layout=Layout.CREATE_NEW),
        tmp_path,
    )
    manifest = json.loads(written.manifest_path.read_text("utf-8"))
    refresh = f"2026-11-07T05:17:00.000Z-{manifest['executionId']}"

    assert list(manifest) == [
        "executionId", "exportArn", "columns", "dataFiles", "additionalOutputFiles",
    ]  # fmt: skip
    assert written.manifest_key == (
        "exports/cur2-parquet/metadata/BILLING_PERIOD=2026-10/cur2-parquet-Manifest.json"
    )
    assert manifest["dataFiles"] == [
        f"s3://msp-billing/exports/cur2-parquet/data/BILLING_PERIOD=2026-10/{refresh}/"
        f"cur2-parquet-0000{n}.snappy.parquet"
        for n in (1, 2)
    ]
    names = [column["name"] for column in manifest["columns"]]
    assert names == pq.read_schema(written.data_paths[0]).names
    assert {column["type"] for column in manifest["columns"]} == {
        "string", "double", "timestamp_milliseconds", "map<string,string>",
    }  # fmt: skip
    kept = tmp_path.glob("msp-billing/exports/cur2-parquet/metadata/*/*/*Manifest.json")
    assert [path.parent.name for path in kept] == [refresh]


def test_a_legacy_report_has_aws_keys_and_manifest(tmp_path: Path) -> None:
    (written,) = simulate(
        Simulation(
            accounts=9, rows=1_500, start="2026-12", formats=(ExportDialect.LEGACY,),
            encoding=Encoding.CSV, layout=Layout.CREATE_NEW,
        ),
        tmp_path,
    )  # fmt: skip
    manifest = json.loads(written.manifest_path.read_text("utf-8"))

    assert list(manifest) == [
        "assemblyId", "account", "columns", "charset", "compression", "contentType", "reportId",
        "reportName", "billingPeriod", "bucket", "reportKeys", "additionalArtifactKeys",
    ]  # fmt: skip
    assert manifest["billingPeriod"] == {
        "start": "20261201T000000.000Z",
        "end": "20270101T000000.000Z",
    }
    assert manifest["reportKeys"] == [
        f"exports/legacy-csv/20261201-20270101/{manifest['assemblyId']}/legacy-csv-1.csv.gz"
    ]
    assert written.manifest_key == ("exports/legacy-csv/20261201-20270101/legacy-csv-Manifest.json")
    with gzip.open(written.data_paths[0], "rt", encoding="utf-8", newline="") as text:
        header = next(csv.reader(text))
    assert header == [f"{c['category']}/{c['name']}" for c in manifest["columns"]]


def test_tiny_amounts_are_written_in_scientific_notation(tmp_path: Path) -> None:
    (written,) = simulate(Simulation(accounts=12, rows=3_000, encoding=Encoding.CSV), tmp_path)

    tiny = {row["line_item_unblended_cost"] for row in rows_of(written)}

    assert any("E-" in text for text in tiny)


def test_a_restatement_is_a_new_delivery_and_the_manifest_names_only_it(tmp_path: Path) -> None:
    first, second = (
        simulate(
            Simulation(accounts=9, rows=1_500, layout=Layout.CREATE_NEW, stage=stage), tmp_path
        )[0]
        for stage in (BillStage.FINAL, BillStage.RESTATED)
    )
    manifest = json.loads(second.manifest_path.read_text("utf-8"))

    assert first.manifest_key == second.manifest_key
    assert first.data_paths[0].is_file() and second.data_paths[0].is_file()
    assert manifest["dataFiles"] == [f"s3://msp-billing/{second.data_keys[0]}"]
    assert second.rows == first.rows + 3
    assert cur_sums(second) == truth_sums(second)


def test_a_restatement_in_the_overwrite_layout_takes_the_place_of_the_first(tmp_path: Path) -> None:
    for stage in (BillStage.OPEN, BillStage.FINAL, BillStage.RESTATED):
        (written,) = simulate(
            Simulation(accounts=9, rows=1_500, stage=stage, period_folder="billing_period"),
            tmp_path,
        )

    files = [path for path in written.export_path.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {"billing_period=2026-09"}
    assert len(files) == 2


def test_names_in_any_script_survive(tmp_path: Path) -> None:
    (written,) = simulate(Simulation(rows=5_000, encoding=Encoding.CSV), tmp_path)

    names = {row["line_item_usage_account_name"] for row in rows_of(written)}

    assert {'=HYPERLINK("http://evil.example","Click")', "東京本社", "فريق المنصة"} <= names
    assert {"<script>alert('bill')</script>", "   leading and trailing   "} <= names


def test_a_big_fee_is_in_cents_that_careless_casts_lose(tmp_path: Path) -> None:
    (written,) = simulate(Simulation(accounts=9, rows=1_500), tmp_path)

    fees = [row for row in cur_rows(written) if cur_kind(row) == "sp_upfront"]

    assert [repr(row["line_item_unblended_cost"]) for row in fees] == ["250281.97"]


def test_legacy_parquet_has_the_names_and_old_timestamps_of_athena_tables(tmp_path: Path) -> None:
    (written,) = simulate(
        Simulation(accounts=9, rows=1_500, start="2026-10", formats=(ExportDialect.LEGACY,)),
        tmp_path,
    )
    parquet = pq.ParquetFile(written.data_paths[0])
    names = parquet.schema.names

    assert written.data_keys == (
        (
            "exports/legacy-parquet/legacy-parquet/year=2026/month=10/"
            "legacy-parquet-00001.snappy.parquet"
        ),
    )
    assert {"reservation_reservation_a_r_n", "resource_tags_user_project"} <= set(names)
    start = names.index("line_item_usage_start_date")
    assert parquet.schema.column(start).physical_type == "INT96"
