"""Rights taken away from a policy, and what AWS said about it."""

from __future__ import annotations

import re

from accounts.iam.policy_documents import as_list
from accounts.model.role_spec import Document
from sandbox.aws import StrictAWS

SAID = re.compile(r"to perform: (\S+) on resource: .* no identity-based policy")


def without(document: Document, sid: str, action: str) -> Document:
    """The same policy, less one action of one statement."""
    kept = []
    for statement in document["Statement"]:
        if statement["Sid"] == sid:
            left = [each for each in as_list(statement["Action"]) if each != action]
            if not left:
                continue
            statement = {**statement, "Action": left}
        kept.append(statement)
    return {**document, "Statement": kept}


def denied(aws: StrictAWS) -> set[str]:
    """The actions that no policy of the caller's own allowed."""
    return {found[1] for entry in aws.log if (found := SAID.search(entry.words))}
