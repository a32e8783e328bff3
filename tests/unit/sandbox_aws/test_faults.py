"""Trouble strikes the call it was ordered for, and nothing ever leaves the machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
    UnknownServiceError,
)

from sandbox.aws import (
    Clock,
    Crash,
    Fault,
    Faults,
    NetworkForbidden,
    StrictAWS,
    Undescribed,
    no_network,
)

NEW = {"AccountName": "acme", "Email": "aws+acme@msp.example"}
CREATE = "organizations:CreateAccount"


@pytest.fixture
def aws() -> Iterator[StrictAWS]:
    with StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC))) as aws:
        aws.set_up_organization()
        yield aws


def requests(aws: StrictAWS) -> int:
    listed = aws.client("organizations").list_create_account_status()
    return len(listed["CreateAccountStatuses"])


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        (Fault.THROTTLE, "TooManyRequestsException", 0),
        (Fault.CONCURRENT_MODIFICATION, "ConcurrentModificationException", 0),
        (Fault.ERROR_BEFORE, "500", 0),
        (Fault.ERROR_AFTER, "500", 1),
    ],
)
def test_an_error_strikes_before_or_after_the_effect(
    aws: StrictAWS, fault: Fault, expected: str, effects: int
) -> None:
    aws.faults.on(CREATE, fault)
    with pytest.raises(ClientError) as struck:
        aws.client("organizations").create_account(**NEW)

    assert struck.value.response["Error"]["Code"] == expected
    assert requests(aws) == effects
    assert [(e.fault, e.params["Email"]) for e in aws.calls(CREATE)] == [(fault, NEW["Email"])]


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        (Fault.TIMEOUT_BEFORE, ConnectTimeoutError, 0),
        (Fault.TIMEOUT_AFTER, ReadTimeoutError, 1),
        (Fault.CRASH_BEFORE, Crash, 0),
        (Fault.CRASH_AFTER, Crash, 1),
    ],
)
def test_the_answer_may_be_lost_and_so_may_the_caller(
    aws: StrictAWS, fault: Fault, expected: type[BaseException], effects: int
) -> None:
    aws.faults.on(CREATE, fault)
    with pytest.raises(expected):
        aws.client("organizations").create_account(**NEW)

    assert requests(aws) == effects


def test_a_client_that_retries_asks_for_two_accounts(aws: StrictAWS) -> None:
    """Why code must send CreateAccount once: botocore repeats a 500 by itself."""
    aws.faults.on(CREATE, Fault.ERROR_AFTER)

    retrying: Any = aws.session().client("organizations")
    retrying.create_account(**NEW)

    assert [entry.outcome for entry in aws.calls(CREATE)] == ["ok", "ok"]
    assert requests(aws) == 2


def test_each_service_throttles_in_its_own_words(aws: StrictAWS) -> None:
    codes = {}
    for service, call in {
        "iam": aws.client("iam").list_roles,
        "sts": aws.client("sts").get_caller_identity,
        "account": aws.client("account").list_regions,
        "budgets": lambda: aws.client("budgets").describe_budgets(AccountId="1" * 12),
    }.items():
        aws.faults.on(f"{service}:*", Fault.THROTTLE)
        with pytest.raises(ClientError) as struck:
            call()
        codes[service] = struck.value.response["Error"]["Code"]

    assert codes == {
        "iam": "Throttling",
        "sts": "Throttling",
        "account": "TooManyRequestsException",
        "budgets": "ThrottlingException",
    }


def test_faults_count_by_name_and_by_number() -> None:
    faults = Faults()
    faults.on("iam:*", Fault.THROTTLE, nth=2, times=2)
    faults.at(2, Fault.ERROR_BEFORE)

    struck = [faults.next(name) for name in ("iam:A", "sts:B", "iam:A", "iam:C", "iam:A")]

    assert struck == [None, Fault.ERROR_BEFORE, Fault.THROTTLE, Fault.THROTTLE, None]
    assert faults.struck["iam:A", Fault.THROTTLE] == 1


def test_chance_repeats_itself_by_its_seed() -> None:
    def run(seed: int) -> list[Fault | None]:
        faults = Faults()
        faults.randomly(seed=seed, rate=0.2)
        return [faults.next("iam:ListRoles") for _ in range(200)]

    assert run(1) == run(1) != run(2)
    assert 20 < sum(fault is not None for fault in run(1)) < 60


def test_the_log_masks_what_is_secret(aws: StrictAWS) -> None:
    aws.client("iam").create_user(UserName="alice")
    aws.client("iam").create_login_profile(UserName="alice", Password="hunter2hunter2")

    assert aws.calls("iam:CreateLoginProfile")[0].params == {
        "UserName": "alice",
        "Password": "***",
    }


# What moto lacks, and what nobody answers. ----------------------------------------------


def test_a_stub_answers_for_a_service_that_moto_lacks(aws: StrictAWS) -> None:
    aws.stub("accessanalyzer", "ValidatePolicy", lambda params: {"findings": []})
    analyzer = aws.client("accessanalyzer")

    found = analyzer.validate_policy(policyDocument="{}", policyType="IDENTITY_POLICY")

    assert found["findings"] == []
    assert aws.log[-1].name == "accessanalyzer:ValidatePolicy"


def test_a_stub_reaches_even_the_hosts_that_escape_moto(aws: StrictAWS) -> None:
    aws.stub("invoicing", "ListInvoiceUnits", lambda params: {"InvoiceUnits": []})

    assert aws.client("invoicing").list_invoice_units()["InvoiceUnits"] == []


def test_an_answer_that_aws_could_not_give_fails_loudly(aws: StrictAWS) -> None:
    aws.stub("invoicing", "ListInvoiceUnits", lambda params: {"Bogus": 1})

    with pytest.raises(Undescribed, match="Bogus"):
        aws.client("invoicing").list_invoice_units()


@pytest.mark.parametrize(
    ("service", "operation"),
    [("organizations", "describe_resource_policy"), ("cur", "describe_report_definitions")],
)
def test_what_nobody_models_says_so(aws: StrictAWS, service: str, operation: str) -> None:
    with pytest.raises(Undescribed, match="give it a stub"):
        getattr(aws.client(service), operation)()


def test_nothing_leaves_the_machine(aws: StrictAWS) -> None:
    with pytest.raises(NetworkForbidden, match=r"billing\.us-east-1\.api\.aws"):
        aws.client("billing").list_billing_views()


def test_the_guard_stands_by_itself() -> None:
    plain: Any = boto3.client(
        "ec2",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with no_network(), pytest.raises(NetworkForbidden):
        plain.describe_regions()
    plain.close()


@pytest.mark.parametrize("name", ["organizations:CreateAcount", "organizations", "CreateAccount"])
def test_that_a_misspelt_operation_was_never_called_proves_nothing(
    aws: StrictAWS, name: str
) -> None:
    assert aws.calls(CREATE) == []
    with pytest.raises((AssertionError, UnknownServiceError)):
        aws.calls(name)
