"""Root if the need arises: asked, approved, shown, performed, proved, and ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from accounts.root_access.root_task import (
    ApprovalOver,
    RootTask,
    RootTaskKind,
    RootTaskState,
    WrongMove,
)
from jobs.onboarding.watching import watch
from jobs.root_access import run_root_task
from kernel.errors import BadInput
from sandbox.aws import PAYER, session_from
from service.actions.access.root_task import (
    AskedAlready,
    NoLiveAccount,
    approve_root_task,
    ask_root_task,
    end_root_task,
    perform_root_task,
    withdraw_root_task,
)
from service.store.access.second_person import SamePerson
from service.store.accounts.root_tasks import WantedRootTask
from service.store.database import Database
from tests.support.moments.live import onboarded
from tests.support.onboarding import CREATE, Installation, opened, quietly
from tests.support.workflows import approver

REASON = "the deployment locked everybody out: T-4711"
BUCKET = WantedRootTask(kind=RootTaskKind.UNLOCK_BUCKET, resource="acme-data", reason=REASON)
QUEUE = WantedRootTask(
    kind=RootTaskKind.UNLOCK_QUEUE, resource="orders", region="eu-central-1", reason=REASON
)
ROOT = WantedRootTask(kind=RootTaskKind.RECOVER_ROOT, reason=REASON)
LOCKED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)


class Desk:
    """Ada asks, Grace approves; the worker's part is done when they asked for it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.account_id = onboarded(installation, CREATE).account_id

    def does(self, verb: Any, *arguments: Any, by: str = "ada") -> RootTask:
        with self.installation.database.transaction() as session:
            now = self.installation.now()
            task: RootTask = verb(session, *arguments, actor=by, now=now)
        return run_root_task(self.installation.environment, task.id)

    def ask(self, wanted: WantedRootTask, by: str = "ada") -> RootTask:
        return self.does(ask_root_task, self.account_id, wanted, by=by)

    def shown(self, wanted: WantedRootTask) -> RootTask:
        return self.does(approve_root_task, self.ask(wanted).id, by="grace")

    def client(self, service: str, region: str = "us-east-1") -> Any:
        session: Any = self.installation.aws.session(self.account_id)
        return session.client(service, region_name=region)

    def entered(self) -> list[str]:
        """Which tasks root was entered for."""
        calls = self.installation.aws.calls("sts:AssumeRoot")
        return [each.params["TaskPolicyArn"]["arn"].rpartition("/")[2] for each in calls]

    def locked_bucket(self) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket="acme-data")
        s3.put_bucket_policy(Bucket="acme-data", Policy=LOCKED)

    def locked_queue(self) -> str:
        sqs = self.client("sqs", "eu-central-1")
        url = str(sqs.create_queue(QueueName="orders")["QueueUrl"])
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": LOCKED})
        return url

    def codes(self) -> set[str]:
        return {each.code for each in watch(self.installation.environment, PAYER)}

    def audited(self, action: str) -> list[tuple[str, Any, Any]]:
        with self.installation.database.transaction() as session:
            rows = session.connection().exec_driver_sql(
                "select actor, before, after from audit_entry where action = %s order by id",
                (action,),
            )
            return [(str(actor), before, after) for actor, before, after in rows]


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with opened(database, enforced=True) as installation:
        yield Desk(installation)


def refused(act: Any) -> str:
    with pytest.raises(ClientError) as trouble:
        act()
    return str(trouble.value.response["Error"]["Code"])


def test_a_locked_bucket_is_unlocked_once_two_agree_and_its_policy_is_kept(desk: Desk) -> None:
    quietly(desk.installation, desk.locked_bucket)
    assert refused(lambda: desk.client("s3").get_bucket_policy(Bucket="acme-data")) == (
        "AccessDenied"
    )
    desk.installation.aws.log.clear()

    asked = desk.ask(BUCKET)
    assert (asked.state, desk.entered()) == (RootTaskState.ASKED, [])

    shown = desk.does(approve_root_task, asked.id, by="grace")
    assert (shown.state, shown.trouble) == (RootTaskState.SHOWN, "")
    assert json.loads(shown.shown) == json.loads(LOCKED)
    assert shown.root_before == "has no credentials"
    assert "S3UnlockBucketPolicy" in desk.entered()

    done = desk.does(perform_root_task, asked.id)
    assert (done.state, done.trouble) == (RootTaskState.DONE, "")
    assert done.proof == "the bucket acme-data has no policy; root has no credentials, as before"
    assert desk.client("s3").list_objects_v2(Bucket="acme-data")["KeyCount"] == 0
    ((actor, before, after),) = desk.audited("act_as_root")
    assert (actor, json.loads(before["policy"])) == ("worker", json.loads(LOCKED))
    assert (after["call"], after["asked_by"], after["approved_by"], after["reason"]) == (
        "DeleteBucketPolicy", "ada", "grace", REASON,
    )  # fmt: skip
    verbs = [each.step for each in desk.installation.events(done.onboarding_id)]
    assert [v for v in verbs if v.endswith("_root_task")] == [
        "ask_root_task", "approve_root_task", "perform_root_task",
    ]  # fmt: skip


def test_a_locked_queue_in_its_region_is_unlocked(desk: Desk) -> None:
    urls: list[str] = []
    quietly(desk.installation, lambda: urls.append(desk.locked_queue()))
    sqs = desk.client("sqs", "eu-central-1")
    assert refused(lambda: sqs.receive_message(QueueUrl=urls[0])) == "AccessDenied"

    shown = desk.shown(QUEUE)
    assert shown.trouble == ""
    assert json.loads(shown.shown) == json.loads(LOCKED)
    done = desk.does(perform_root_task, shown.id)

    assert done.proof == "the queue orders has no policy; root has no credentials, as before"
    assert "Messages" not in sqs.receive_message(QueueUrl=urls[0])


def test_who_asked_does_not_approve_and_an_approval_lasts_an_hour(desk: Desk) -> None:
    quietly(desk.installation, desk.locked_bucket)
    asked = desk.ask(BUCKET)
    for person in ("ada", "Ada "):
        with pytest.raises(SamePerson):
            desk.does(approve_root_task, asked.id, by=person)
    with pytest.raises(WrongMove, match="is asked: it cannot perform now"):
        desk.does(perform_root_task, asked.id)

    shown = desk.does(approve_root_task, asked.id, by="grace")
    desk.installation.aws.clock.advance(seconds=timedelta(hours=1).total_seconds())
    with pytest.raises(ApprovalOver):
        desk.does(perform_root_task, shown.id)
    assert desk.does(withdraw_root_task, shown.id).state is RootTaskState.WITHDRAWN
    again = desk.ask(BUCKET, by="grace")
    assert (again.state, again.id > shown.id) == (RootTaskState.ASKED, True)


def test_what_changed_since_it_was_shown_is_not_deleted(desk: Desk) -> None:
    quietly(desk.installation, desk.locked_bucket)
    shown = desk.shown(BUCKET)
    other = json.loads(LOCKED)
    other["Statement"][0]["Sid"] = "Another"
    root = desk.installation.aws.client("sts").assume_root(
        TargetPrincipal=desk.account_id,
        TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"},
    )["Credentials"]
    s3 = session_from(root).client("s3")
    s3.put_bucket_policy(Bucket="acme-data", Policy=json.dumps(other))

    stuck = desk.does(perform_root_task, shown.id)

    assert stuck.trouble == "the bucket's policy is another than the one that was shown: ask anew"
    assert json.loads(s3.get_bucket_policy(Bucket="acme-data")["Policy"]) == other
    assert desk.audited("act_as_root") == []


def test_root_is_recovered_where_an_approver_tagged_the_account_and_is_as_before_when_ended(
    desk: Desk,
) -> None:
    aws, account_id = desk.installation.aws, desk.account_id
    shown = desk.shown(ROOT)
    assert (shown.state, shown.root_before) == (RootTaskState.SHOWN, "has no credentials")

    stuck = desk.does(perform_root_task, shown.id)
    assert stuck.trouble == (
        "an approver tags the account msp:offboarding=recovery-approved in AWS first; "
        "then perform it again"
    )
    tag = {"Key": "msp:offboarding", "Value": "recovery-approved"}
    approver(desk.installation).tag_resource(ResourceId=account_id, Tags=[tag])
    opened_up = desk.does(perform_root_task, shown.id)

    assert (opened_up.state, opened_up.trouble) == (RootTaskState.OPEN, "")
    root = aws.account(account_id).root
    assert root.password
    assert {"root_recovery_open", "root_password", "guard_detached"} <= desk.codes()
    # Somebody signs in, and leaves more behind than there was.
    root.access_keys["AKIAROOTROOTROOT0001"] = "Active"
    root.mfa_devices.append("arn:aws:iam::333333333333:u2f/root")

    ended = desk.does(end_root_task, shown.id)

    assert (ended.state, ended.trouble) == (RootTaskState.DONE, "")
    assert ended.proof == (
        "root has no credentials, and its guard is attached, as before; an approver takes the tag "
        "msp:offboarding off the account"
    )
    assert (root.password, root.access_keys, root.mfa_devices) == (False, {}, [])
    approver(desk.installation).untag_resource(ResourceId=account_id, TagKeys=["msp:offboarding"])
    assert desk.codes() & {"root_recovery_open", "root_password", "guard_detached"} == set()


def test_with_the_tag_of_a_recovery_nothing_else_is_given_away(desk: Desk) -> None:
    tag = {"Key": "msp:offboarding", "Value": "recovery-approved"}
    approver(desk.installation).tag_resource(ResourceId=desk.account_id, Tags=[tag])
    signer = desk.installation.signers.get("msp-offboard")
    assert signer is not None
    frozen = signer.session.get_credentials()
    offboard = session_from(
        {"AccessKeyId": frozen.access_key, "SecretAccessKey": frozen.secret_key,
         "SessionToken": frozen.token}
    )  # fmt: skip
    organizations = offboard.client("organizations")
    for act in ("remove_account_from_organization", "close_account"):
        send = partial(getattr(organizations, act), AccountId=desk.account_id)
        assert refused(send) == "AccessDeniedException"
    email = {"AccountId": desk.account_id, "PrimaryEmail": "x@acme.example"}
    account = offboard.client("account")
    assert refused(lambda: account.start_primary_email_update(**email)) == "AccessDeniedException"


def test_what_cannot_be_is_said_before_anything_happens(desk: Desk) -> None:
    again = desk.ask(BUCKET)
    assert desk.ask(BUCKET).id == again.id
    with pytest.raises(AskedAlready, match="asked for by ada, is about the same and asked"):
        desk.ask(BUCKET, by="eve")
    nothing = desk.does(approve_root_task, again.id, by="grace")
    assert nothing.trouble.startswith("GetBucketPolicy: NoSuchBucket")
    for wanted, words in (
        (WantedRootTask(kind=RootTaskKind.UNLOCK_BUCKET, resource="A B", reason=REASON), "bucket"),
        (
            WantedRootTask(kind=RootTaskKind.UNLOCK_QUEUE, resource="orders", reason=REASON),
            "region",
        ),
        (WantedRootTask(kind=RootTaskKind.RECOVER_ROOT, reason="why not"), "10 to 500"),
        (WantedRootTask(kind=RootTaskKind.RECOVER_ROOT, resource="x", reason=REASON), "name no"),
    ):
        with pytest.raises(BadInput, match=words):
            desk.ask(wanted)
    with pytest.raises(NoLiveAccount):
        desk.does(ask_root_task, "999999999999", ROOT)
    desk.installation.aws.account(desk.account_id).root.password = True
    assert desk.shown(ROOT).trouble == "root has a password: there is nothing to recover"
    with pytest.raises(WrongMove, match="recovers no root"):
        desk.does(end_root_task, again.id)


def test_nothing_of_a_session_is_stored_and_each_is_short(desk: Desk) -> None:
    quietly(desk.installation, desk.locked_bucket)
    desk.installation.aws.log.clear()
    done = desk.does(perform_root_task, desk.shown(BUCKET).id)

    calls = desk.installation.aws.calls("sts:AssumeRoot")
    assert {call.params["DurationSeconds"] for call in calls} == {900}
    events = repr(desk.installation.events(done.onboarding_id)) + repr(done)
    sessions = desk.installation.aws.world.sessions
    secrets = [each.secret_access_key for each in sessions.values() if each.task]
    assert secrets and not any(secret in events for secret in secrets)
