"""Makes the list of AWS's managed policies with our judgement of each, from moto's copies of them.

`python -m tests.support.managed_policies` writes it; it takes half a minute.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

import accounts.iam
from accounts.iam.policy_checks import escalations
from accounts.iam.role_rights import identity_rights
from kernel.findings import is_blocked

LIST = Path(accounts.iam.__file__).parent / "managed_policies.json"
CLASSES = ("escalating", "acting", "harmless", "aws_only")


def published() -> dict[str, Any]:
    """By the end of its ARN, as AWS publishes it."""
    every: dict[str, Any] = json.loads(aws_managed_policies_data)
    return {f"{policy['Path']}{name}".lstrip("/"): policy for name, policy in every.items()}


def class_of(path: str, policy: dict[str, Any]) -> str:
    if path.startswith("aws-service-role/"):
        return "aws_only"
    document = policy["Document"]
    found = [*escalations(document, path), *identity_rights(document, path)]
    return "escalating" if is_blocked(found) else "acting" if found else "harmless"


def listed() -> dict[str, Any]:
    every = published()
    classes = {path: class_of(path, every[path]) for path in sorted(every)}
    return {
        "as_of": max(policy["UpdateDate"] for policy in every.values())[:10],
        "policies": {kind: [p for p, each in classes.items() if each == kind] for kind in CLASSES},
    }


if __name__ == "__main__":
    LIST.write_text(json.dumps(listed(), indent=1) + "\n", "utf-8")
