"""A session of root may what AWS's policy of its task says, and no lock shuts root out.

IAM User Guide, "AWS managed policies for AWS Identity and Access Management".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws import StrictAWS, session_from

MEMBER = "444444444444"
LOCKED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)


@pytest.fixture(scope="module")
def aws() -> Iterator[StrictAWS]:
    with StrictAWS() as aws:
        aws.set_up_organization()
        aws.add_member(MEMBER, name="Acme", email="aws@acme.example")
        aws.client("iam", MEMBER).create_user(UserName="ann")
        s3 = aws.client("s3", MEMBER)
        s3.create_bucket(Bucket="acme-data")
        s3.put_bucket_policy(Bucket="acme-data", Policy=LOCKED)
        yield aws


def as_root(aws: StrictAWS, task: str) -> boto3.Session:
    answer = aws.client("sts").assume_root(
        TargetPrincipal=MEMBER,
        TaskPolicyArn={"arn": f"arn:aws:iam::aws:policy/root-task/{task}"},
    )
    return session_from(answer["Credentials"])


def refused(send: Any, **arguments: Any) -> bool:
    try:
        send(**arguments)
    except ClientError as refusal:
        return refusal.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


def test_a_session_that_deletes_root_s_credentials_touches_no_user_and_audits_nothing(
    aws: StrictAWS,
) -> None:
    iam = as_root(aws, "IAMDeleteRootUserCredentials").client("iam")

    assert iam.list_access_keys()["AccessKeyMetadata"] == []
    assert refused(iam.list_access_keys, UserName="ann")
    assert refused(iam.delete_user, UserName="ann")
    assert refused(iam.get_account_summary)
    assert refused(iam.create_login_profile)


def test_a_session_that_audits_changes_nothing(aws: StrictAWS) -> None:
    iam = as_root(aws, "IAMAuditRootUserCredentials").client("iam")

    assert iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == 0
    assert refused(iam.delete_login_profile)
    assert refused(iam.get_user, UserName="ann")


def test_only_root_reads_the_policy_of_a_locked_bucket_and_root_reads_nothing_else(
    aws: StrictAWS,
) -> None:
    theirs = aws.session(MEMBER).client("s3")
    root = as_root(aws, "S3UnlockBucketPolicy").client("s3")

    assert refused(theirs.get_bucket_policy, Bucket="acme-data")
    assert refused(theirs.list_objects_v2, Bucket="acme-data")
    assert json.loads(root.get_bucket_policy(Bucket="acme-data")["Policy"]) == json.loads(LOCKED)
    assert refused(root.list_objects_v2, Bucket="acme-data")
    assert refused(root.delete_bucket, Bucket="acme-data")
    other = as_root(aws, "SQSUnlockQueuePolicy").client("s3")
    assert refused(other.get_bucket_policy, Bucket="acme-data")


def test_only_root_reads_the_policy_of_a_locked_queue(aws: StrictAWS) -> None:
    theirs = aws.session(MEMBER).client("sqs")
    url = theirs.create_queue(QueueName="orders")["QueueUrl"]
    theirs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": LOCKED})
    root = as_root(aws, "SQSUnlockQueuePolicy").client("sqs")

    assert refused(theirs.send_message, QueueUrl=url, MessageBody="x")
    assert refused(root.send_message, QueueUrl=url, MessageBody="x")
    root.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert theirs.send_message(QueueUrl=url, MessageBody="x")["MessageId"]
