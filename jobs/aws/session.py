"""Owns how we talk to AWS: timeouts and retries; credentials and endpoint come from the role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ce import CostExplorerClient
    from mypy_boto3_s3 import S3Client

READS = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 6},
)
"""Reads may be repeated, so botocore does: backing off with jitter, on throttling too."""

RATE_LIMITED_READS = READS.merge(Config(retries={"mode": "adaptive", "max_attempts": 10}))
"""Cost Explorer's quota is per account and small: adaptive mode slows the client down to it."""


def s3() -> S3Client:
    """Region, endpoint (`AWS_ENDPOINT_URL`) and credentials as the environment says now.

    `boto3.client` would keep those of the process's first call (its default session).
    """
    return boto3.Session().client("s3", config=READS)


def cost_explorer() -> CostExplorerClient:
    """Cost Explorer answers for all regions from one."""
    return boto3.Session().client("ce", region_name="us-east-1", config=RATE_LIMITED_READS)


__all__ = ["cost_explorer", "s3"]
