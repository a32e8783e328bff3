"""Owns the tags of an organization's accounts, units, policies, transfers and root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, invalid
from sandbox.aws.core.world import Organization
from sandbox.aws.organizations.organization import managed, readable

TAGS_MAX = 50


def read_tags(tags: list[Mapping[str, Any]]) -> dict[str, str]:
    """As a mapping. A key of AWS's own, or one given twice, fails the whole request."""
    read: dict[str, str] = {}
    for tag in tags:
        if tag["Key"].lower() in {key.lower() for key in read}:
            raise invalid("DUPLICATE_TAG_KEY")
        if tag["Key"].lower().startswith("aws:"):
            raise invalid("INVALID_SYSTEM_TAGS_PARAMETER")
        read[tag["Key"]] = tag["Value"]
    if len(read) > TAGS_MAX:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED")
    return read


def tags_of(call: ApiCall, organization: Organization) -> dict[str, str]:
    resource_id = call.params["ResourceId"]
    if resource_id in organization.members:
        return organization.members[resource_id].tags
    transfer = call.world.transfers.get(resource_id)
    if transfer is not None and transfer.target is organization:
        return transfer.tags
    known = resource_id in organization.units or resource_id in organization.policies
    if not known and resource_id != organization.root_id:
        raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")
    return organization.tags.setdefault(resource_id, {})


@answers("organizations", "TagResource")
def tag_resource(call: ApiCall) -> Answer:
    tags = tags_of(call, managed(call))
    added = read_tags(call.params["Tags"])
    if len(tags | added) > TAGS_MAX:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED")
    tags.update(added)
    return {}


@answers("organizations", "UntagResource")
def untag_resource(call: ApiCall) -> Answer:
    tags = tags_of(call, managed(call))
    for key in call.params["TagKeys"]:
        tags.pop(key, None)
    return {}


@answers("organizations", "ListTagsForResource")
def list_tags(call: ApiCall) -> Answer:
    tags = tags_of(call, readable(call))
    return page(call, "Tags", [{"Key": k, "Value": v} for k, v in tags.items()], limit=TAGS_MAX)
