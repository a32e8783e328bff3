"""The pretend AWS answers billing questions from the bill it exports, in AWS's shapes."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.bills import Bill, BillStage, Simulation, simulate, upload
from sandbox.server import REGION, SandboxAWS

SIMULATION = Simulation(seed=5, accounts=12, rows=3_000, start="2026-10", stage=BillStage.OPEN)
MONTH = {"Start": "2026-10-01", "End": "2026-11-01"}
BY_ACCOUNT = [{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}]
BY_BOTH = [*BY_ACCOUNT, {"Type": "DIMENSION", "Key": "RECORD_TYPE"}]


@pytest.fixture(scope="module")
def bill() -> Bill:
    return SIMULATION.bill(SIMULATION.periods()[0])


@pytest.fixture
def aws(bill: Bill) -> Iterator[SandboxAWS]:
    with SandboxAWS([bill], page_groups=10) as server:
        yield server


def cost_explorer(aws: SandboxAWS) -> Any:
    """Without retries, so that every request is seen."""
    return aws.session().client(
        "ce", endpoint_url=aws.endpoint_url, config=Config(retries={"total_max_attempts": 1})
    )


def groups_of(client: Any, **request: Any) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    while True:
        answer = client.get_cost_and_usage(**request)
        groups += [group for result in answer["ResultsByTime"] for group in result["Groups"]]
        if "NextPageToken" not in answer:
            return groups
        request["NextPageToken"] = answer["NextPageToken"]


def truth_by_account(bill: Bill, total: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for fact in bill.truth.facts():
        account = fact.place.account_id
        sums[account] = sums.get(account, Decimal(0)) + Decimal(fact.totals[total]).scaleb(-10)
    return sums


@pytest.mark.parametrize(
    ("metric", "total"),
    [
        ("UnblendedCost", "billed"),
        ("NetUnblendedCost", "net_billed"),
        ("AmortizedCost", "amortized"),
        ("NetAmortizedCost", "net_amortized"),
        ("BlendedCost", "blended"),
    ],
)
def test_costs_by_account_are_those_of_the_bill(
    aws: SandboxAWS, bill: Bill, metric: str, total: str
) -> None:
    groups = groups_of(
        cost_explorer(aws), TimePeriod=MONTH, Granularity="MONTHLY", Metrics=[metric],
        GroupBy=BY_ACCOUNT,
    )  # fmt: skip

    costs = {group["Keys"][0]: Decimal(group["Metrics"][metric]["Amount"]) for group in groups}
    assert costs == truth_by_account(bill, total)
    assert aws.requests == {"GetCostAndUsage": 2}


def test_days_and_record_types_add_up_to_the_month(aws: SandboxAWS, bill: Bill) -> None:
    client = cost_explorer(aws)
    month = client.get_cost_and_usage(
        TimePeriod=MONTH, Granularity="MONTHLY", Metrics=["UnblendedCost", "UsageQuantity"]
    )
    days = groups_of(
        client, TimePeriod=MONTH, Granularity="DAILY", Metrics=["UnblendedCost"], GroupBy=BY_BOTH
    )

    (result,) = month["ResultsByTime"]
    total = Decimal(result["Total"]["UnblendedCost"]["Amount"])
    assert result["Estimated"] is True
    assert result["Total"]["UsageQuantity"]["Unit"] == "N/A"
    assert total == sum(truth_by_account(bill, "billed").values())
    assert total == sum(Decimal(group["Metrics"]["UnblendedCost"]["Amount"]) for group in days)
    assert {group["Keys"][1] for group in days} >= {"Usage", "Recurring", "Upfront", "Support"}


def test_a_filter_narrows_the_answer(aws: SandboxAWS, bill: Bill) -> None:
    account = bill.organization.accounts[0].id
    kinds = {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Tax", "Credit"]}}

    groups = groups_of(
        cost_explorer(aws), TimePeriod=MONTH, Granularity="MONTHLY", Metrics=["UnblendedCost"],
        GroupBy=BY_BOTH,
        Filter={"And": [
            {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [account]}}, {"Not": kinds},
        ]},
    )  # fmt: skip

    assert {group["Keys"][0] for group in groups} == {account}
    assert "Credit" not in {group["Keys"][1] for group in groups}


def test_a_month_without_a_bill_is_empty(aws: SandboxAWS) -> None:
    answer = cost_explorer(aws).get_cost_and_usage(
        TimePeriod={"Start": "2027-01-01", "End": "2027-02-01"}, Granularity="MONTHLY",
        Metrics=["UnblendedCost"], GroupBy=BY_ACCOUNT,
    )  # fmt: skip

    assert [result["Groups"] for result in answer["ResultsByTime"]] == [[]]


def test_throttling_comes_on_demand_and_passes(aws: SandboxAWS) -> None:
    client = cost_explorer(aws)
    request = {"TimePeriod": MONTH, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]}
    aws.fail_next("ThrottlingException", "Rate exceeded", times=2)

    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            client.get_cost_and_usage(**request)
        assert caught.value.response["Error"] == {
            "Code": "ThrottlingException",
            "Message": "Rate exceeded",
        }
    assert client.get_cost_and_usage(**request)["ResultsByTime"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"TimePeriod": {"Start": "2026-11-01", "End": "2026-10-01"}}, "ValidationException"),
        ({"Metrics": ["Wishes"]}, "ValidationException"),
        ({"NextPageToken": "forged"}, "InvalidNextTokenException"),
    ],
)
def test_a_bad_question_gets_an_aws_error(
    aws: SandboxAWS, change: dict[str, Any], code: str
) -> None:
    request = {"TimePeriod": MONTH, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]}

    with pytest.raises(ClientError) as caught:
        cost_explorer(aws).get_cost_and_usage(**(request | change))

    assert caught.value.response["Error"]["Code"] == code


def test_an_export_is_read_back_from_s3(aws: SandboxAWS, tmp_path: Path) -> None:
    (written,) = simulate(SIMULATION, tmp_path)
    s3 = aws.client("s3")

    assert upload(tmp_path, s3) == 2

    manifest = json.loads(
        s3.get_object(Bucket=written.bucket, Key=written.manifest_key)["Body"].read()
    )
    (uri,) = manifest["dataFiles"]
    key = uri.removeprefix(f"s3://{written.bucket}/")
    assert s3.get_object(Bucket=written.bucket, Key=key)["Body"].read() == (
        written.data_paths[0].read_bytes()
    )
    assert s3.meta.region_name == REGION


def test_the_worked_example_of_the_readme(bill: Bill) -> None:
    with SandboxAWS([bill]) as aws:
        aws.fail_next("ThrottlingException", times=2)

        aws.client("ce").get_cost_and_usage(
            TimePeriod=MONTH, Granularity="MONTHLY", Metrics=["UnblendedCost"]
        )

        assert aws.requests["GetCostAndUsage"] == 3


def test_a_new_server_starts_with_an_empty_s3() -> None:
    with SandboxAWS() as aws:
        aws.client("s3").create_bucket(Bucket="left-behind")
    with SandboxAWS() as aws:
        assert aws.client("s3").list_buckets()["Buckets"] == []
