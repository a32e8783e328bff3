"""Owns what a session of root may do: AWS's own managed policy of the task, and nothing else."""

from __future__ import annotations

import functools
import json

from moto.iam.aws_managed_policies import aws_managed_policies_data

from sandbox.aws.iam.evaluator import AuthorizationRequest, verdict

NAMES = frozenset({
    "IAMAuditRootUserCredentials", "IAMCreateRootUserPassword", "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy", "SQSUnlockQueuePolicy",
})  # fmt: skip
"""Those that AssumeRoot takes (API reference, `AssumeRoot`)."""
_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


@functools.cache
def root_tasks() -> dict[str, str]:
    """Their documents by ARN, as AWS publishes them: they deny all else, and what is not root's."""
    every = json.loads(aws_managed_policies_data)
    return {
        f"arn:aws:iam::aws:policy{every[name]['Path']}{name}": json.dumps(every[name]["Document"])
        for name in NAMES
    }


def is_within(task: str, ask: AuthorizationRequest) -> bool:
    return verdict([_ALL, root_tasks()[task]], ask) == "Allow"
