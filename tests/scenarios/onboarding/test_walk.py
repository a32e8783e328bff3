"""The manual's walk: a new client's account, its roles, links, first invoice and hand-over."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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
from service.store.accounts import onboardings, resellers
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


def test_every_command_of_the_page_does_what_it_says(walk: Walk) -> None:
    walk.run()

    acme, globex = walk.stored("HALO-1"), walk.stored("HALO-2")
    assert (acme.stage, acme.state) == ("awaiting_final_invoice", "waiting_aws")
    assert globex.state == "live"
    assert_set_up(walk)
    assert_asked(walk, acme)
    assert_linked(walk)
    assert_granted(walk, acme)
    assert_watched(walk)
    assert_unlocked(walk)
    assert_billed(walk)
    assert_handed_over(walk, acme)


def assert_set_up(walk: Walk) -> None:
    """What is ours is made once, what is the administrator's is named; then nothing is amiss."""
    planned, made = walk.shown("onboard setup --dry-run"), walk.shown("onboard setup --email")
    assert "make the OU Clients under the root" in planned and "to do" in planned
    assert "make its policy msp msp-onboard" not in made
    assert "put our policy msp on msp-onboard anew" in made
    assert "make the role msp-approver" in made
    nobody = walk.shown("onboard setup --policies")
    assert "nobody signs in 222222222222: make a role there with svc_access.json" in nobody
    items = json.loads(walk.shown("onboard setup --json"))["items"]
    missing = {each["key"]: each["missing"] for each in items if each["missing"]}
    assert missing["people"][0] == (
        "nobody is in the team admins: tag a user msp-team=admins, and add it to msp-people"
    )
    assert len(missing["probe_users"]) == 4, "the policy that each had before is to be taken off"
    checked = json.loads(walk.shown("onboard setup --check"))
    assert checked["is_fine"]
    with walk.installation.database.transaction() as session:
        stored = resellers.reseller(session, PAYER)
    assert replace(stored, mail=None) == walk.installation.reseller, (
        "the page describes the sandbox"
    )


def assert_unlocked(walk: Walk) -> None:
    """Globex keeps its root's password, and nothing of that changed."""
    assert '"Effect":' in walk.shown("root approve 1")
    shown = walk.shown("root show 1")
    assert "unlock-bucket globex-data in 444444444444: done" in shown
    assert "asked for by ada (self-asserted): a deployment shut everybody out: HALO-7" in shown
    assert "proved: the bucket globex-data has no policy; root has a password, as before" in shown


def assert_asked(walk: Walk, acme: Onboarding) -> None:
    assert "nothing is recorded" in walk.shown("onboard create")
    listed = json.loads(walk.shown("onboard status --json"))["onboardings"]
    assert [(each["id"], each["state"]) for each in listed] == [(acme.id, "live")]
    assert "sts:AssumeRole" in walk.shown("onboard status HALO-1")
    assert len(walk.installation.aws.calls("organizations:CreateAccount")) == 3
    assert "2 would be asked for" in walk.shown("onboard batch accounts.csv --validate-only")
    assert [walk.stored(ref).state for ref in ("HALO-4", "HALO-5")] == ["live", "live"]


def assert_linked(walk: Walk) -> None:
    """The client is shown what changes, has to accept, and then has to let us in."""
    assert "that month has two bills" in walk.shown("onboard invite")
    asked = [answer.out for command, answer in walk.answers if command.startswith("onboard invite")]
    waits = asked[1]
    assert "waits: the client has to accept the invitation" in waits
    assert "AWS says: " in waits and "until: 2026-12-08T12:0" in waits
    for name in ("cloudformation.json", "terraform.tf", "cli.sh"):
        assert "sts:ExternalId" in walk.shown(f"onboard artifact HALO-2 {name}")
    assert "for globex: live" in walk.shown("onboard follow HALO-2")
    asked = [answer.out for command, answer in walk.answers if command.startswith("onboard adopt")]
    assert "lets nobody in from then on" in asked[0] and "for globex: live" in asked[1]


def assert_granted(walk: Walk, acme: Onboarding) -> None:
    links = walk.shown("links --team engineers --format switch-role")
    assert f"account={acme.account_id}&roleName=msp/MspEngineer" in links
    assert "MspAdmin" not in links
    profiles = walk.shown("links --team engineers --format aws-config --user ada")
    assert "mfa_serial = arn:aws:iam::222222222222:mfa/ada" in profiles
    vault = json.loads(walk.shown("links --format bitwarden-json"))
    assert (len(vault["collections"]), len(vault["items"])) == (4, 4 * 4 + 2)
    assert sorted(path.name for path in (walk.here / "vaults").iterdir()) == [
        "admins.1password.csv", "engineers.1password.csv", "finance.1password.csv",
        "oncall.1password.csv",
    ]  # fmt: skip
    assert (walk.here / "registry/granted.yml").read_text().startswith("awsConfig:\n  - ")
    revoked = walk.shown("grants revoke --team oncall --client acme")
    assert f"oncall holds arn:aws:iam::{acme.account_id}:role/msp/MspOnCall no more" in revoked
    assert f"nobody holds {acme.account_id}:role/msp/MspOnCall: it is shut" in revoked
    assert "oncall.1password.csv" in revoked and "oncall.bitwarden.json" in revoked
    assert f"MspAdmin in {acme.account_id} waits for a second p" in walk.shown("grants grant")
    assert f"oncall holds MspAdmin in {acme.account_id}" in walk.shown("grants approve")
    assert "prove_refusal:MspAdmin shut to oncall" in walk.stored("HALO-1").record.proofs


def assert_watched(walk: Walk) -> None:
    """Globex keeps its root password; our addresses are measured by a mail each."""
    kept = "its root user has a password, which its client keeps"
    assert kept in walk.shown("onboard findings --look")
    stands = json.loads(walk.shown("onboard findings --json"))["findings"]
    assert [(each["code"], each["where"]) for each in stands] == [("root_password", INVITED)]
    sent = len(walk.post.box.seen)
    assert walk.shown("onboard canary") == f"{sent} addresses, {sent} mails sent, {sent} arrived\n"
    assert sent >= 2, "the access account and Acme's at least"


def assert_billed(walk: Walk) -> None:
    """100.00 and 50.00 at ten percent more; our own 7.00 is retained."""
    assert "It closes; not confirmed by AWS." in walk.shown("reconcile")
    documents = sorted((walk.here / "invoices/2026-11").glob("*/*.json"))
    totals = {path.parent.name: json.loads(path.read_text())["total"] for path in documents}
    assert totals == {"acme": "110.00", "globex": "55.00"}


def assert_handed_over(walk: Walk, acme: Onboarding) -> None:
    assert "a second person" in walk.shown("handover dry-run")
    assert "to do: an approver tags the account" in walk.shown("handover start")
    assert "6 roles of ours are proved to refuse us" in walk.shown("handover status")
    after = walk.answers[-1][1].out
    assert acme.account_id not in after and INVITED in after
    assert walk.installation.aws.account(acme.account_id).organization is None
    assert walk.installation.aws.account(acme.account_id).email == ROOT_EMAIL


def test_asked_with_nonsense_the_commands_say_one_line_and_call_nobody(
    walk: Walk, rebill: Rebill
) -> None:
    create = ("onboard", "create", "--client", "acme", "--name", "prod")
    for arguments, words in (
        (("onboard", "create", "--client", "nobody", "--name", "x"), "there is no client 'nobody'"),
        ((*create, "--role", "Root"), "no role is called 'Root'"),
        ((*create, "--email", "a" * 60 + "@msp.example"), "64"),
        ((*create, "--budget", "much"), "no positive amount"),
        (("onboard", "status", "HALO-404"), "there is no onboarding HALO-404"),
        (("onboard", "setup", "--yes", "everything"), "there is no item 'everything'"),
        (("onboard", "setup", "--payer", "12"), "twelve digits"),
        (("onboard", "invite", "--client", "acme", "--name", "x", "--account", "1"), "twelve"),
        (("handover", "start", "HALO-404", "--exit", "close"), "there is no onboarding"),
        (("handover", "start", "HALO-404", "--exit", "now"), "there are transfer, standalone"),
        (("onboard", "canary"), "is not configured"),
        (("onboard", "findings", "--payer", "999999999999"), "is not described"),
        (("links", "--format", "lastpass"), "no format is called 'lastpass'"),
        (("links", "--format", "aesr", "--team", "cooks"), "the team 'cooks' has no grants"),
    ):
        answer = rebill(*arguments)
        assert (answer.status, answer.out) == (2, ""), arguments
        assert words in answer.err and answer.err.count("\n") == 1, answer.err
    assert walk.installation.aws.log == []


def test_without_any_grant_the_files_are_empty_ones(walk: Walk, rebill: Rebill) -> None:
    vault = rebill("links", "--format", "bitwarden-json")

    assert vault.json == {"encrypted": False, "collections": [], "items": []}
    assert rebill("links", "--format", "aws-config").out == ""


def test_one_person_alone_hands_nothing_over(walk: Walk, rebill: Rebill) -> None:
    created = rebill(
        *shlex.split("onboard create --client acme --name prod --ref T-1 --json --by ada")
    )
    assert created.json["state"] == "live"
    started = rebill(*shlex.split("handover start T-1 --exit close --by ada --json"))
    assert (started.status, started.json["state"]) == (1, "needs_human")
    alone = rebill(*shlex.split("handover approve T-1 close --by ada"))
    assert alone.status == 2
    assert "another person has to approve it" in alone.err
    aborted = rebill(*shlex.split("handover abort T-1 --by ada --json"))
    assert (aborted.status, aborted.json["state"]) == (0, "live")
