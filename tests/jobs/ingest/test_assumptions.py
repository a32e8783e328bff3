"""What an export may do that nobody expects: each is read as it is meant, or is said."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from invoices.money import plain
from invoices.month import bill
from jobs.ingest.reduction.noticed import CutOff
from jobs.ingest.run import Ingested
from jobs.ingest.summary.facts import CurrencyFacts, cut_off_findings, to_json
from kernel.errors import IngestError
from kernel.findings import Severity
from tests.support.bills.ingest_builders import PAYER, gzipped, legacy_manifest, line, put, take
from tests.support.builders import inputs, owns

PLAN = "arn:aws:savingsplans::011254002932:savingsplan/1"
RESERVATION = "arn:aws:ec2:us-east-1:011254002932:reserved-instances/1"


def sums(found: Ingested, *measures: str) -> list[str]:
    frame = found.charges.daily.select(pl.col(*measures).sum())
    return [plain(frame[measure][0]) for measure in measures]


def cash(cost: str, line_type: str, product: str, **arns: str) -> dict[str, str]:
    columns = {"savings_plan_savings_plan_a_r_n": "", "reservation_reservation_a_r_n": ""}
    return line(cost, line_type, line_item_product_code=product, **(columns | arns))


@pytest.mark.parametrize(
    ("bought", "returned"),
    [
        (
            cash("100", "SavingsPlanUpfrontFee", product, savings_plan_savings_plan_a_r_n=PLAN),
            cash("-100", "Refund", product, savings_plan_savings_plan_a_r_n=PLAN),
        )
        for product in (
            "ComputeSavingsPlans",
            "MachineLearningSavingsPlans",
            "DatabaseSavingsPlans",
            "TomorrowsSavingsPlans",
        )
    ]
    + [
        (
            cash("100", "SavingsPlanUpfrontFee", "NewSavingsPlans"),
            cash("-100", "Refund", "NewSavingsPlans"),
        ),
        (
            cash("100", "Fee", "AmazonEC2", reservation_reservation_a_r_n=RESERVATION),
            cash("-100", "Refund", "AmazonEC2", reservation_reservation_a_r_n=RESERVATION),
        ),
    ],
)
def test_a_commitment_that_is_returned_is_cash_as_its_purchase_was(
    tmp_path: Path, bought: dict[str, str], returned: dict[str, str]
) -> None:
    """Upfront 100 and 100 back: 0 billed, and nothing to amortize (AWS, ReturnSavingsPlan)."""
    usage = cash("1", "Usage", "AmazonEC2")
    found = take(
        put(tmp_path / "cur.csv.gz", gzipped([bought, returned, usage])), tmp_path / "cache"
    )

    assert sums(found, "billed_cost", "amortized_cost", "upfront") == ["1", "1", "0"]


def test_a_refund_of_usage_is_a_negative_cost(tmp_path: Path) -> None:
    rows = [cash("5", "Usage", "AmazonEC2"), cash("-2", "Refund", "AmazonEC2")]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert sums(found, "billed_cost", "amortized_cost", "upfront") == ["3", "3", "0"]


@pytest.mark.parametrize("word", ["Estimated", "estimated", "NULL", "null", "-", ""])
def test_a_word_in_place_of_an_invoice_id_is_none(tmp_path: Path, word: str) -> None:
    rows = [line("5"), line("2", bill_invoice_id=word)]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert not found.facts.finalized
    assert found.charges.keys["invoice_id"].unique().sort().to_list() == ["", "1"]


@pytest.mark.parametrize("prefix", ["/", "//"])
def test_an_export_without_a_prefix_has_keys_that_begin_with_a_slash(
    tmp_path: Path, prefix: str
) -> None:
    key = f"{prefix}rep/20261001-20261101/aaaaaaaa-1111-2222-3333-444444444444/rep-00001.csv.gz"
    put(tmp_path / key.lstrip("/"), gzipped([line("12")]))
    manifest = tmp_path / "rep/20261001-20261101/rep-Manifest.json"
    put(manifest, legacy_manifest(key))

    assert sums(take(manifest, tmp_path / "cache"), "billed_cost") == ["12"]


def focus_line(cost: str, **other: str) -> dict[str, str]:
    return {
        "BilledCost": cost,
        "EffectiveCost": cost,
        "BillingAccountId": PAYER,
        "BillingPeriodStart": "2026-10-01T00:00:00Z",
        "ChargePeriodStart": "2026-10-05T00:00:00Z",
        "SubAccountId": PAYER,
        "ChargeCategory": "Usage",
        "ServiceName": "Amazon EC2",
        "x_ServiceCode": "AmazonEC2",
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "BillingCurrency": "USD",
    } | other


@pytest.mark.parametrize(
    ("columns", "seller"),
    [
        ({"PublisherName": "Datadog"}, "Datadog"),
        ({"PublisherName": "", "ServiceProviderName": "Datadog"}, "Datadog"),
        ({"ServiceProviderName": "Datadog", "HostProviderName": "AWS"}, "Datadog"),
        ({"PublisherName": "", "x_ServiceCode": "3ya0b9s8d7f6g5h4j3k2l1m0n"}, "Datadog Pro"),
        ({"PublisherName": "Amazon Web Services, Inc."}, ""),
        ({"PublisherName": "AWS"}, ""),
        ({"PublisherName": ""}, ""),
        ({"ServiceProviderName": "AWS"}, ""),
        ({"PublisherName": "", "x_ServiceCode": "awskms"}, ""),
    ],
)
def test_what_others_sell_is_known_whichever_column_says_so(
    tmp_path: Path, columns: dict[str, str], seller: str
) -> None:
    """PublisherName leaves with FOCUS 1.3, and AWS may leave it blank before."""
    row = focus_line("5", ServiceName="Datadog Pro") | columns
    found = take(put(tmp_path / "focus.csv.gz", gzipped([row])), tmp_path / "cache")

    keys = found.charges.keys
    assert keys["seller"].to_list() == [seller]
    assert keys["billing_entity"].to_list() == ["AWS Marketplace" if seller else "AWS"]
    assert found.facts.limits.bases.keys() == {"blended", "list"}


def test_with_no_column_of_a_seller_no_rule_may_ask_for_one(tmp_path: Path) -> None:
    row = focus_line("5")
    del row["x_ServiceCode"]
    found = take(put(tmp_path / "focus.csv.gz", gzipped([row])), tmp_path / "cache")

    assert "PublisherName" in found.facts.limits.columns["billing_entity"]


@pytest.mark.parametrize("word", ["", "NULL", "null", "-"])
def test_a_row_without_a_day_counts_as_of_the_first_and_is_named(tmp_path: Path, word: str) -> None:
    """A reservation's cancellation has no usage dates."""
    rows = [line("5"), line("-0.844161", "Refund", line_item_usage_start_date=word)]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert sums(found, "billed_cost") == ["4.155839"]
    assert found.charges.daily["service_day"].min() == date(2026, 10, 1)
    (warning,) = [each for each in found.facts.warnings if each.code == "rows_without_day"]
    assert warning.message.startswith("1 rows have no time")


@pytest.mark.parametrize("word", ["", "NULL", "-"])
def test_a_row_without_an_account_is_nobodys_and_stops_nothing_but_the_issue(
    tmp_path: Path, word: str
) -> None:
    rows = [line("10"), line("1", "Tax", line_item_usage_account_id=word)]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    month = bill(found.charges, replace(inputs(owns("acme", PAYER)), period=found.facts.period))
    assert plain(month.payer_total) == "11"
    assert [(each.account_id, plain(each.net_billed_cost)) for each in month.unassigned] == [
        ("", "1")
    ]
    (finding,) = [each for each in month.findings if each.code == "account_unassigned"]
    assert finding.severity is Severity.CRITICAL and "without an account" in finding.message


@pytest.mark.parametrize("word", ["NULL", "null", "-"])
def test_a_word_in_place_of_an_amount_is_none(tmp_path: Path, word: str) -> None:
    rows = [line("5"), line("7", line_item_usage_amount=word), line("9", line_item_blended_cost="")]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    assert sums(found, "billed_cost", "usage", "blended_cost") == ["21", "2", "12"]


@pytest.mark.parametrize(
    "ids", [[60000000001.0], [60000000001], ["60000000001.0"], [" 60000000001"]]
)
def test_account_ids_that_a_tool_took_for_numbers(tmp_path: Path, ids: list[object]) -> None:
    """Whole, and below 2^53: nothing of them is lost."""
    frame = pl.DataFrame([line("10", line_item_usage_account_id="")])
    frame = frame.with_columns(pl.Series("line_item_usage_account_id", ids))
    (tmp_path / "e").mkdir()
    frame.write_parquet(tmp_path / "e/cur.parquet")

    found = take(tmp_path / "e", tmp_path / "cache")
    assert found.charges.keys["account_id"].to_list() == ["060000000001"]


@pytest.mark.parametrize("text", ["6.0000000001E+10", "60000000001.5", "'60000000001"])
def test_account_ids_that_lost_something_are_refused(tmp_path: Path, text: str) -> None:
    row = line("10", line_item_usage_account_id=text)
    with pytest.raises(IngestError, match="has not twelve digits"):
        take(put(tmp_path / "cur.csv.gz", gzipped([row])), tmp_path / "cache")


@pytest.mark.parametrize(
    ("cost", "times", "cut_off", "severity"),
    [
        ("0.00000000004", 5_000, "0.0000002", Severity.WARNING),
        ("4E-11", 5_000, "0.0000002", Severity.WARNING),
        ("1.00000000004", 5_000, "0.0000002", Severity.WARNING),
        ("-0.12345678914", 100, "-0.000000004", Severity.WARNING),
        ("0.12345678901234567", 1_000, "0.00000001234567", Severity.WARNING),
        ("0.0000000000499999", 200_000, "0.00000999998", Severity.WARNING),
        ("0.0000000001", 5_000, "", None),
        ("1.5E+1", 10, "", None),
    ],
)
def test_what_lies_beyond_ten_places_is_told_once_it_adds_up(
    tmp_path: Path, cost: str, times: int, cut_off: str, severity: Severity | None
) -> None:
    rows = [line(cost) for _ in range(times)]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    name = "line_item_unblended_cost"
    kept = found.facts.cut_off.get(name)
    assert (kept and (plain(kept.rest), kept.rows)) == ((cut_off, times) if cut_off else None)
    told = [each for each in found.facts.warnings if (each.code, each.where) == ("cut_off", name)]
    assert [each.severity for each in told] == ([severity] if severity else [])


def test_doubles_tell_what_was_cut_off_them_too(tmp_path: Path) -> None:
    frame = pl.DataFrame([line("0") for _ in range(5_000)])
    frame = frame.with_columns(pl.lit(4e-11).alias("line_item_unblended_cost"))
    (tmp_path / "e").mkdir()
    frame.write_parquet(tmp_path / "e/cur.parquet")

    found = take(tmp_path / "e", tmp_path / "cache")
    assert plain(found.facts.cut_off["line_item_unblended_cost"].rest) == "0.0000002"


@pytest.mark.parametrize("as_doubles", [True, False])
def test_what_cancels_out_in_the_whole_is_bounded_for_its_parts(
    tmp_path: Path, as_doubles: bool
) -> None:
    """4E-11 of 30 rows and -4E-11 of 30 others is nothing in all, and 2.4E-9 at most of a part.

    A large amount has its places, too: 1,234.56789012344 has 4E-11 more than ten of them.
    """
    name = "line_item_unblended_cost"
    costs = [*["4E-11"] * 30, *["-4E-11"] * 30, "1234.56789012344", "250000"]
    frame = pl.DataFrame([line(cost) for cost in costs])
    if as_doubles:
        frame = frame.with_columns(pl.col(name).cast(pl.Float64))
    (tmp_path / "e").mkdir()
    frame.write_parquet(tmp_path / "e/cur.parquet")

    found = take(tmp_path / "e", tmp_path / "cache").facts
    told = to_json(found, "id")

    assert told["cut_off_rows"][name] == 61
    assert round(found.cut_off[name].rest, 12) == Decimal("4.0E-11")
    assert round(found.cut_off[name].most, 11) == Decimal("2.44E-9")
    assert [each for each in found.warnings if each.code == "cut_off"] == []


def test_half_a_cent_that_a_part_may_miss_blocks() -> None:
    """A hundred million rows of 5E-11 are 0.005, be they above nothing or below."""
    most = {"cost": CutOff(100_000_000, Decimal(0), Decimal("0.005"))}
    less = {"cost": CutOff(99_999_999, Decimal(0), Decimal("0.00499999995"))}
    (blocking,) = cut_off_findings(of_month(most), [])

    assert (blocking.code, blocking.severity) == ("cut_off", Severity.CRITICAL)
    assert "no part of them misses more than 0.005" in blocking.message
    assert cut_off_findings(of_month(less), []) == ()


def of_month(cut_off: dict[str, CutOff]) -> CurrencyFacts:
    nothing = Decimal(0)
    return CurrencyFacts("USD", 1, {}, {}, {}, {}, nothing, nothing, cut_off)


@pytest.mark.parametrize("as_doubles", [True, False])
def test_what_is_cut_off_is_added_up_by_currency(tmp_path: Path, as_doubles: bool) -> None:
    """5,000 times 4E-11 dollars, and as much back in euros: 2E-7 of each, and not nothing.

    A row of no currency that costs nothing is the bill's; another spelling is no other currency.
    """
    more = [("USD", 4_950, "4E-11"), ("usd ", 50, "4E-11"), ("", 5, "0")]
    rows = [
        line(cost, line_item_currency_code=currency, line_item_line_item_id=str(number))
        for currency, times, cost in [*more, ("EUR", 5_000, "-4E-11")]
        for number in range(times)
    ]
    (tmp_path / "e").mkdir()
    frame = pl.DataFrame(rows)
    if as_doubles:
        frame = frame.with_columns(pl.col("line_item_unblended_cost").cast(pl.Float64))
    frame.write_parquet(tmp_path / "e/cur.parquet")

    found = take(tmp_path / "e", tmp_path / "cache").facts

    name = "line_item_unblended_cost"
    assert found.own.currency == "USD" and plain(found.cut_off[name].rest) == "0.0000002"
    (other,) = found.others
    assert other.currency == "EUR" and plain(other.cut_off[name].rest) == "-0.0000002"
    told = {each.where: each.severity for each in found.warnings if each.code == "cut_off"}
    assert told[name] == told[f"{name} in EUR"] == Severity.WARNING


@pytest.mark.parametrize("word", ["", "NULL", "-"])
def test_a_cost_that_is_blank_is_no_zero(tmp_path: Path, word: str) -> None:
    rows = [line("5"), line("0"), line(word, line_item_blended_cost="1")]
    found = take(put(tmp_path / "cur.csv.gz", gzipped(rows)), tmp_path / "cache")

    (finding,) = [each for each in found.facts.findings if each.severity is Severity.CRITICAL]
    assert (finding.code, finding.message[:6]) == ("rows_without_cost", "1 rows")
