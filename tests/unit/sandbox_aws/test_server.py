"""Behind a server on loopback the pretend AWS is the same."""

import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from sandbox.aws import PAYER, Clock, Fault, StrictAWS, session_from
from sandbox.aws.reseller import ACCESS
from sandbox.server import SandboxAWS
from tests.support.places import ROOT


@pytest.fixture
def served() -> Iterator[tuple[StrictAWS, str]]:
    aws = StrictAWS(clock=Clock(datetime(2026, 3, 10, tzinfo=UTC)))
    with aws.installed(), aws.serve() as url:
        aws.endpoint_url = url
        aws.set_up_organization()
        yield aws, url


def once(client: Any, operation: str, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**params)
    return str(refused.value.response["Error"]["Code"])


def test_an_account_is_made_and_entered_over_http(served: tuple[StrictAWS, str]) -> None:
    aws, url = served
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"

    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="onboard")
    inside = session_from(session["Credentials"])
    iam = inside.client("iam", endpoint_url=url)

    assert iam.list_roles()["Roles"][0]["Arn"] == role
    identity = inside.client("sts", endpoint_url=url).get_caller_identity()
    assert identity["Account"] == account_id
    assert once(aws.client("iam"), "get_role", RoleName="OrganizationAccountAccessRole") == (
        "NoSuchEntity"
    )
    missing = {"RoleArn": role + "X", "RoleSessionName": "onboard"}
    assert once(aws.client("sts"), "assume_role", **missing) == "AccessDenied"
    iam.close()


def test_reasons_cross_http(served: tuple[StrictAWS, str]) -> None:
    aws, _ = served
    with pytest.raises(ClientError) as refused:
        aws.client("organizations").close_account(AccountId=PAYER)

    response: Any = refused.value.response
    assert response["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"


def test_rest_services_and_moto_s_own_are_there(served: tuple[StrictAWS, str]) -> None:
    aws, _ = served
    account_id = aws.create_account(name="acme", email="aws+acme@msp.example")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="billing")
    s3.put_object(Bucket="billing", Key="a/b.csv", Body=b"1,2\n")

    found = aws.client("account").get_contact_information(AccountId=account_id)
    assert found["ContactInformation"]["City"] == "Cork"
    assert s3.get_object(Bucket="billing", Key="a/b.csv")["Body"].read() == b"1,2\n"
    assert s3.head_object(Bucket="billing", Key="a/b.csv")["ContentLength"] == 4
    s3.delete_object(Bucket="billing", Key="a/b.csv")
    s3.delete_bucket(Bucket="billing")


def test_faults_and_stubs_work_over_http(served: tuple[StrictAWS, str]) -> None:
    aws, _ = served
    organizations = aws.client("organizations")
    create = {"AccountName": "acme", "Email": "aws+acme@msp.example"}
    aws.faults.on("organizations:CreateAccount", Fault.TIMEOUT_AFTER)

    with pytest.raises(HTTPClientError):
        organizations.create_account(**create)
    assert len(organizations.list_create_account_status()["CreateAccountStatuses"]) == 1
    aws.faults.on("organizations:ListAccounts", Fault.ERROR_BEFORE)
    assert once(organizations, "list_accounts") == "500"
    aws.stub("invoicing", "ListInvoiceUnits", lambda params: {"InvoiceUnits": []})
    assert aws.client("invoicing").list_invoice_units()["InvoiceUnits"] == []
    assert once(organizations, "describe_resource_policy") == "501"


def test_the_server_with_the_bills_is_strict_too_once_installed() -> None:
    aws = StrictAWS(payer_id="836060457634")
    with aws.installed(), SandboxAWS() as server:
        aws.endpoint_url = server.endpoint_url
        aws.set_up_organization()
        aws.add_member("011254002932", name="Acme", email="aws+acme@msp.example")
        organizations = aws.client("organizations")
        s3 = server.client("s3")
        s3.create_bucket(Bucket="billing")

        listed = organizations.list_accounts()["Accounts"]
        assert [a["Id"] for a in listed] == ["836060457634", "011254002932"]
        assert once(organizations, "close_account", AccountId="836060457634") == (
            "ConstraintViolationException"
        )
        assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["billing"]
        with urllib.request.urlopen(f"{server.endpoint_url}/moto-api/data.json") as answer:
            assert answer.status == 200
        s3.close()


def test_the_example_of_the_readme_shows_two_members() -> None:
    readme = ROOT / "sandbox/aws/README.md"
    example = readme.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}

    exec(compile(example, str(readme), "exec"), names)

    assert len(names["accounts"]) == 2


def test_by_itself_it_signs_everybody_in_by_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `docker-compose.yml` starts it; the code of a person's device comes from a command."""
    config = tmp_path / "aws-config"
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[0]
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        worker, person = boto3.Session(), boto3.Session(profile_name="msp-probe-oncall")
        profile = botocore.session.Session().full_config["profiles"]["msp-probe-oncall"]
        code = subprocess.check_output(shlex.split(profile["mfa_process"]), text=True).strip()
        with closing(worker.client("organizations")) as organizations:
            listed = organizations.list_accounts()["Accounts"]
        with closing(person.client("sts")) as sts:
            signed_in = sts.get_session_token(SerialNumber=profile["mfa_serial"], TokenCode=code)
        process.terminate()

    assert [each["Id"] for each in listed] == [PAYER, ACCESS]
    assert signed_in["Credentials"]["SessionToken"]
    assert config.stat().st_mode & 0o777 == 0o600
