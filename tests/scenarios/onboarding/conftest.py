"""Owns the manual's walk: its commands, and what others do between them."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.aws import PAYER
from service.cli import opening
from service.cli.access import grants, links, root_tasks
from service.cli.accounts import findings, following, handover, onboard, onboard_batch, setup
from service.cli.billing import documents
from service.cli.installation import open_installation
from service.store.accounts import onboardings
from service.store.accounts.onboardings import Onboarding
from service.store.billing import documents as store_documents
from service.store.database import Database
from service.store.plain import to_json
from tests.scenarios.conftest import Answer, Rebill
from tests.support.accounts_reseller import RESELLER
from tests.support.bills.ingest_builders import data_exports_manifest, gzipped, line, put
from tests.support.mail_servers import PASSWORD, PASSWORD_ENV, Post, post_office
from tests.support.onboarding import INVITED, Installation, accept_and_deploy, opened, quietly
from tests.support.places import ROOT
from tests.support.setting_up import (
    access_administrator_signs_in,
    bare,
    operator,
    printed,
    put_the_people,
    put_the_roles,
)

PAGE = (ROOT / "docs/onboarding.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for command in re.findall(r"^\$ rebill (.*)$", block, re.MULTILINE)
]
BY_HAND = "666666666666"
ROOT_EMAIL, PHONE = "root@acme.example", "+49 30 1234567"


@pytest.fixture
def installation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """The sandbox with nothing described yet; the commands use its clock, and wait by it."""
    with opened(database, names={}) as installation:
        installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
        for module in (setup, onboard, onboard_batch, findings, handover, grants, root_tasks):
            monkeypatch.setattr(module, "opened", partial(opening.opened, installation.now))
        # The month is issued when it is over; the accounts wait by AWS's clock, in November.
        december = datetime(2026, 12, 6, 12, tzinfo=UTC)
        monkeypatch.setattr(documents, "opened", partial(opening.opened, lambda: december))
        monkeypatch.setattr(store_documents, "database_now", lambda _session: december)
        by_its_clock = partial(open_installation, installation.now)
        monkeypatch.setattr(links, "open_installation", by_its_clock)
        sleep = lambda seconds: installation.aws.clock.advance(seconds=seconds)  # noqa: E731
        for waiting in (following, findings, root_tasks):
            monkeypatch.setattr(
                waiting, "onboarding_environment", lambda *_: installation.environment
            )
        for waiting in (following, findings):
            monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=sleep))
        monkeypatch.setattr(setup, "onboarding_environment", lambda *_: operator(installation))
        monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
        monkeypatch.chdir(tmp_path)
        yield installation


@dataclass
class Walk:
    """What others do between the commands, and what each command is to show."""

    installation: Installation
    rebill: Rebill
    here: Path
    monkeypatch: pytest.MonkeyPatch
    post: Post
    answers: list[tuple[str, Answer]] = field(default_factory=list)

    def run(self) -> None:
        for command in COMMANDS:
            for start, act in self.before().items():
                if command.startswith(start):
                    act()
            answer = self.rebill(*shlex.split(command))
            expected = 1 if command.startswith(NEED_A_PERSON) else 0
            assert answer.status == expected, (command, answer.err, answer.out)
            self.answers.append((command, answer))

    def before(self) -> dict[str, Callable[[], None]]:
        return {
            "onboard setup --dry-run": lambda: bare(self.installation),
            "onboard setup --json": lambda: access_administrator_signs_in(
                self.installation, self.here / "policies"
            ),
            "onboard setup --check": self.people_do_what_set_up_named,
            "apply": self.write_the_page_s_configuration,
            "onboard batch": self.write_the_page_s_accounts,
            "onboard follow HALO-2": self.globex_accepts_and_deploys,
            "onboard adopt": self.somebody_made_a_member_by_hand,
            "root ask": self.globex_locks_its_bucket,
            "ingest": self.aws_delivers_november,
            "handover start": self.aws_lets_new_accounts_go,
            "handover approve": self.an_approver_tags_the_account,
            "handover code HALO-1 root_email": lambda: self.client_reads_out(ROOT_EMAIL),
            "handover code HALO-1 phone": lambda: self.client_reads_out(PHONE),
            "handover attest HALO-1 root_sign_in": self.client_completes_its_account,
        }

    def people_do_what_set_up_named(self) -> None:
        put_the_roles(self.installation, self.here / "policies")
        put_the_people(self.installation)

    def globex_locks_its_bucket(self) -> None:
        s3: Any = self.installation.aws.session(INVITED).client("s3")
        deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})

        def lock() -> None:
            s3.create_bucket(Bucket="globex-data")
            s3.put_bucket_policy(Bucket="globex-data", Policy=policy)

        quietly(self.installation, lock)

    def stored(self, ref: str) -> Onboarding:
        with self.installation.database.transaction() as session:
            found = onboardings.onboarding_for(session, ref)
        assert found is not None
        return found

    def write_the_page_s_configuration(self) -> None:
        """At first without the mailbox, which the page adds later."""
        file = self.here / "organization.yaml"
        if file.exists():
            file.write_text(file.read_text(encoding="utf-8") + self.mailbox(), encoding="utf-8")
            return
        text = PAGE.split("```yaml\n")[1].split("```")[0]
        reseller = printed(self.installation.reseller, self.shown("onboard setup --email"))
        self.installation.reseller = reseller
        for written, real in (
            (RESELLER.organization_id, reseller.organization_id),
            (RESELLER.client_ou_id, reseller.client_ou_id),
            (f"root_id: {RESELLER.root_id}", f"root_id: {reseller.root_id}"),
            (RESELLER.membership_scp_id, reseller.membership_scp_id),
            (RESELLER.root_scp_id, reseller.root_scp_id),
        ):
            assert text.count(written) == 1, written
            text = text.replace(written, real)
        file.write_text(text, encoding="utf-8")

    def mailbox(self) -> str:
        """The page's own words, but for the two servers."""
        text = PAGE.split("```yaml\n")[2].split("```")[0]
        for name in ("smtp", "imap"):
            server = to_json(getattr(self.post.check, name))
            text, found = re.subn(f"{name}: {{.*}}", f"{name}: {json.dumps(server)}", text)
            assert found == 1, name
        return text

    def write_the_page_s_accounts(self) -> None:
        text = PAGE.split("```csv\n")[1].split("```")[0]
        (self.here / "accounts.csv").write_text(text, encoding="utf-8")

    def globex_accepts_and_deploys(self) -> None:
        accept_and_deploy(self.installation, self.stored("HALO-2").id)

    def somebody_made_a_member_by_hand(self) -> None:
        if BY_HAND not in self.installation.aws.world.accounts:
            self.installation.aws.add_member(BY_HAND, name="Lab", email="lab@globex.example")

    def aws_delivers_november(self) -> None:
        period = {"bill_payer_account_id": PAYER, "bill_billing_period_start_date": "2026-11-01"}
        rows = [
            line(cost, line_item_usage_account_id=account, line_item_usage_start_date=day, **period)
            for account, cost, day in (
                (self.stored("HALO-1").account_id, "100.00", "2026-11-24T01:00:00.000Z"),
                (INVITED, "50.00", "2026-11-25T01:00:00.000Z"),
                (PAYER, "7.00", "2026-11-25T01:00:00.000Z"),
            )
        ]
        folder = self.here / "exports/2026-11"
        put(folder / "data/BILLING_PERIOD=2026-11/part-0.csv.gz", gzipped(rows))
        manifest = data_exports_manifest("s3://b/data/BILLING_PERIOD=2026-11/part-0.csv.gz")
        put(folder / "metadata/BILLING_PERIOD=2026-11/main-Manifest.json", manifest)

    def aws_lets_new_accounts_go(self) -> None:
        self.installation.aws.clock.advance(days=5)

    def an_approver_tags_the_account(self) -> None:
        tag = {"Key": "msp:offboarding", "Value": "handover-approved"}
        organizations = self.installation.aws.client("organizations")
        account_id = self.stored("HALO-1").account_id
        quietly(
            self.installation, lambda: organizations.tag_resource(ResourceId=account_id, Tags=[tag])
        )

    def client_reads_out(self, address: str) -> None:
        code = self.installation.aws.mail.code_for(address)
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(f"{code}\n"))

    def client_completes_its_account(self) -> None:
        owner = self.installation.aws.owner(self.stored("HALO-1").account_id)
        owner.add_payment_instrument()
        owner.accept_agreement()

    def shown(self, start: str) -> str:
        """What the first command that starts so printed."""
        return next(answer.out for command, answer in self.answers if command.startswith(start))


NEED_A_PERSON = (
    "onboard setup --email",
    "onboard setup --policies",
    "onboard setup --json",
    "onboard findings",
    "grants grant --team oncall --role MspOnCall",
    "handover start",
    "handover code HALO-1 phone",
    "handover attest HALO-1 root_sign_in",
)


@pytest.fixture
def walk(
    installation: Installation, rebill: Rebill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Walk]:
    (tmp_path / "post").mkdir()
    with post_office(tmp_path / "post", installation.now) as servers:
        yield Walk(installation, rebill, tmp_path, monkeypatch, servers)
