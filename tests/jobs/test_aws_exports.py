"""Exports on S3, and Cost Explorer, against the sandbox's server on a free local port."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from invoices.clients import AccountId
from invoices.money import plain
from invoices.periods import BillingPeriod
from jobs.aws import session
from jobs.aws.exports import Bucket, ExportReadError, Object
from jobs.estimates import control_totals, cost_explorer, month_to_date
from jobs.ingest.files import formats
from jobs.ingest.run import Ingested, IngestRequest, ingest
from jobs.ingest.summary.facts import to_json
from jobs.snapshots import digest
from kernel.errors import IngestError
from sandbox.bills import (
    BillStage,
    Discounts,
    ExportDialect,
    Layout,
    Month,
    Simulation,
    WrittenDelivery,
    deliver,
)
from sandbox.server import SandboxAWS, upload
from service.store.billing.estimates import Answer
from tests.support.bills.ingest_builders import data_exports_manifest, gzipped, line

PERIOD = BillingPeriod(2026, 9)
BILL = Simulation(accounts=9, rows=2_000, start="2026-09").bill(Month(2026, 9), Discounts.COLUMNS)
PAYER = AccountId(BILL.organization.payer.id)
CREATE_NEW = WrittenDelivery(dialect=ExportDialect.CUR2, layout=Layout.CREATE_NEW, files=2)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxAWS]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with SandboxAWS([BILL], page_groups=7) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        server.client("s3").create_bucket(Bucket="billing")
        yield server


def take(location: str, cache: Path) -> Ingested:
    request = IngestRequest(location, PAYER, PERIOD)
    return ingest(request, cache=cache, progress=lambda *_: None)


def put(aws: SandboxAWS, key: str, content: bytes, bucket: str = "billing") -> None:
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def test_an_export_on_s3_is_the_same_bill_as_its_local_copy(
    aws: SandboxAWS, tmp_path: Path
) -> None:
    written = deliver(BILL, CREATE_NEW, tmp_path / "out", lambda _: None)
    upload(tmp_path / "out", aws.client("s3"))
    base = f"s3://{written.bucket}"

    local = take(str(written.export_path), tmp_path / "cache 1")
    by_prefix = take(f"{base}/{written.export_prefix}", tmp_path / "cache 2")
    by_manifest = take(f"{base}/{written.manifest_key}", tmp_path / "cache 3")
    whole_bucket = take(base, tmp_path / "cache 4")

    found = {digest(each.charges) for each in (local, by_prefix, by_manifest, whole_bucket)}
    assert len(found) == 1
    assert [file.key for file in by_prefix.facts.files] == list(written.data_keys)
    assert not list((tmp_path / "cache 2").glob("reading-*"))


def test_the_same_bytes_under_a_new_key_are_not_read_again(
    aws: SandboxAWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage, out in ((BillStage.FINAL, "first"), (BillStage.RESTATED, "second")):
        # The refresh has a folder of its own; what is in its files is the same bill.
        refreshed = replace(BILL, stage=stage)
        written = deliver(refreshed, CREATE_NEW, tmp_path / out, lambda _: None)
    upload(tmp_path / "first", aws.client("s3"))
    first = take(f"s3://{written.bucket}/{written.export_prefix}", tmp_path / "cache")
    upload(tmp_path / "second", aws.client("s3"))
    monkeypatch.setattr(formats, "reduce", None)

    second = take(f"s3://{written.bucket}/{written.export_prefix}", tmp_path / "cache")

    assert digest(second.charges) == digest(first.charges)
    assert first.facts.files[0].key != second.facts.files[0].key


def refusal(location: str, cache: Path) -> IngestError:
    with pytest.raises(IngestError) as refused:
        take(location, cache)
    return refused.value


def test_a_manifest_may_name_neither_another_bucket_nor_another_export(
    aws: SandboxAWS, tmp_path: Path
) -> None:
    aws.client("s3").create_bucket(Bucket="secret")
    put(aws, "main/data/a.csv.gz", gzipped([line("1")]), "secret")
    put(aws, "other/data/a.csv.gz", gzipped([line("1")]))
    manifest = "main/metadata/BILLING_PERIOD=2026-09/main-Manifest.json"

    for uri in ("s3://secret/main/data/a.csv.gz", "s3://billing/other/data/a.csv.gz"):
        put(aws, manifest, data_exports_manifest(uri))
        assert refusal("s3://billing/main", tmp_path).code == "path_trick"
    put(aws, manifest, data_exports_manifest("s3://billing/main/data/gone.csv.gz"))
    said = refusal("s3://billing/main", tmp_path)
    assert said.code == "missing_file" and "main/data/gone.csv.gz" in str(said)


def test_an_export_whose_prefix_begins_with_a_slash_is_read_and_still_its_own_alone(
    aws: SandboxAWS, tmp_path: Path
) -> None:
    row = line("12.50", bill_payer_account_id=PAYER, line_item_usage_account_id=PAYER)
    row |= {"bill_billing_period_start_date": "2026-09-01T00:00:00.000Z"}
    row |= {"line_item_usage_start_date": "2026-09-05T07:00:00.000Z"}
    manifest = "/exports/main/metadata/BILLING_PERIOD=2026-09/main-Manifest.json"
    for key in ("/exports/main/data/BILLING_PERIOD=2026-09/main-00001.csv.gz", "/etc/x.csv.gz"):
        put(aws, key, gzipped([row]))

    put(aws, manifest, data_exports_manifest(
        "s3://billing//exports/main/data/BILLING_PERIOD=2026-09/main-00001.csv.gz"
    ))  # fmt: skip
    assert plain(take("s3://billing//exports", tmp_path).facts.sums["billed"]) == "12.5"
    for uri in ("s3://billing//etc/x.csv.gz", "s3://billing//exports/main/data/../../../etc/x.gz"):
        put(aws, manifest, data_exports_manifest(uri))
        assert refusal("s3://billing//exports", tmp_path).code == "path_trick"


def test_what_cannot_be_reached_is_one_line(aws: SandboxAWS, tmp_path: Path) -> None:
    assert refusal("s3://no-such-bucket/x", tmp_path).code == "NoSuchBucket"
    assert refusal("s3://billing/nothing", tmp_path).code == "no_files"
    assert refusal("s3:///x", tmp_path).code == "no_location"


def test_an_object_that_was_replaced_is_never_half_read(aws: SandboxAWS, tmp_path: Path) -> None:
    put(aws, "a.csv", b"old")
    bucket = Bucket(session.s3(), "billing")
    seen = bucket.stat("a.csv")
    assert seen is not None and seen.size == 3
    put(aws, "a.csv", b"new")

    with pytest.raises(ExportReadError) as refused:
        bucket.download(seen, tmp_path / "a")

    assert refused.value.code == "changed_while_read"
    assert bucket.stat("b.csv") is None


class Flaky:
    """An S3 whose answers to GetObject are given, one after the other."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)

    def get_object(self, **asked: Any) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Body": StreamingBody(io.BytesIO(answer), content_length=5)}


def test_a_body_that_breaks_off_is_asked_for_again_and_then_given_up(tmp_path: Path) -> None:
    wanted = Object("a.csv", 5, "etag", datetime(2026, 11, 1, tzinfo=UTC))

    Bucket(Flaky(b"who", b"", b"whole"), "b").download(wanted, tmp_path / "a")  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == b"whole"
    with pytest.raises(ExportReadError, match="cannot be read"):
        Bucket(Flaky(*[b"who"] * 9), "b").download(wanted, tmp_path / "a")  # type: ignore[arg-type]
    expired = ClientError({"Error": {"Code": "ExpiredToken", "Message": "renew it"}}, "GetObject")
    with pytest.raises(ExportReadError, match="ExpiredToken: renew it"):
        Bucket(Flaky(expired), "b").download(wanted, tmp_path / "a")  # type: ignore[arg-type]


class Kept:
    def __init__(self) -> None:
        self.answer: Answer | None = None

    def latest(self) -> Answer | None:
        return self.answer

    def put(self, answer: Answer) -> None:
        self.answer = answer


def test_cost_explorer_and_the_export_of_one_bill_agree_to_the_last_digit(
    aws: SandboxAWS, tmp_path: Path
) -> None:
    written = deliver(BILL, CREATE_NEW, tmp_path / "out", lambda _: None)
    facts = to_json(take(str(written.export_path), tmp_path / "cache").facts, "id")
    kept = Kept()
    aws.fail_next("LimitExceededException", "Rate exceeded")
    later = datetime(2026, 10, 9, tzinfo=UTC)

    estimate = month_to_date(PERIOD, answers=kept, ask=cost_explorer(), now=later)
    month_to_date(PERIOD, answers=kept, ask=cost_explorer(), now=later)

    totals = control_totals(estimate, facts)
    assert {plain(total.difference) for total in totals} == {"0"}
    assert len(totals) > 40 and estimate.currency == "USD"
    assert not [cost for cost in estimate.costs if cost.kind == "unknown"]
