"""Owns what a client deploys to let us in: the bootstrap role, with our ExternalId, three ways."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote

from accounts.iam.policy_documents import to_text
from accounts.iam.role_catalogue import INLINE_POLICY, ROLE_PATH, inline_policy, tags_of, trust_of
from accounts.iam.trust_policies import automation_trust
from accounts.model.organization import OnboardingKind, Reseller
from accounts.model.request import AccountRequest
from accounts.model.role_spec import Document, RoleSpec

STACK_NAME = "msp-access"
ARTEFACTS = ("cloudformation.json", "terraform.tf", "terraform.tf.json", "cli.sh")


def artefact(name: str, reseller: Reseller, request: AccountRequest) -> str:
    """One of ARTEFACTS for this onboarding; the same text for the same request."""
    match name:
        case "cloudformation.json":
            return cloudformation(reseller, request)
        case "terraform.tf":
            return terraform(reseller, request)
        case "terraform.tf.json":
            return terraform_json(reseller, request)
        case "cli.sh":
            return cli_script(reseller, request)
    raise KeyError(name)


_ON_JOINING = (
    "Charges from the moment of acceptance go to our payer: that month has two bills.",
    "Your cost history before becomes invisible to you: download it first.",
    "Cost allocation tags lose their activation; we activate ours again within a day.",
    "Reserved instances, savings plans and credits are shared as our billing preferences say.",
    "Support is priced under our payer: cancel a developer or business plan first.",
    "Our service control policies apply at once.",
    "You can leave again at any time.",
)
_ON_ADOPTION = (
    "The account stays a member of our organization, and is moved into our clients' OU.",
    "Its charges are yours from the day it joined, or from the day it ceased to be another's.",
    "Our service control policies apply at once, and our alternate contacts replace yours.",
    "Our roles are placed in it; where there is AWS's OrganizationAccountAccessRole, by that.",
    "OrganizationAccountAccessRole lets nobody in from then on. Where it is not, you deploy ours.",
    "Its root credentials stay as they are, unless you allow us to delete them.",
)
_ON_TRANSFER = (
    "Your organization and your management account stay yours; we receive its consolidated bill.",
    "The transfer begins and ends with a month, in UTC; either side may withdraw for good.",
    "Prepaid balances must be used up and due invoices paid before AWS accepts it.",
    "Your cost history before becomes invisible to you: download it first.",
    "We get no role in your accounts but those you deploy.",
)


def what_changes(kind: OnboardingKind) -> tuple[str, ...]:
    """What the client is shown before it accepts; nothing for an account that we create.

    Of an adoption this is what it consents to, and what is kept with the consent.
    """
    return {
        OnboardingKind.CREATE: (),
        OnboardingKind.INVITE: _ON_JOINING,
        OnboardingKind.ADOPT: _ON_ADOPTION,
        OnboardingKind.BILLING_TRANSFER: _ON_TRANSFER,
    }[kind]


def quick_create_url(reseller: Reseller, template_url: str) -> str:
    """Opens the client's console with the template filled in; it must lie in S3."""
    return (
        f"https://{reseller.region}.console.aws.amazon.com/cloudformation/home"
        f"?region={reseller.region}#/stacks/quickcreate?templateURL={quote(template_url, safe='')}"
        f"&stackName={STACK_NAME}"
    )


def cloudformation(reseller: Reseller, request: AccountRequest) -> str:
    """A template in JSON. Of a billing transfer: only the roles asked for, and no administrator."""
    roles = _roles(reseller, request)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Access for {reseller.payer_account_id} ({request.onboarding_id})",
        "Resources": {_logical(role["RoleName"]): _resource(role) for role in roles},
        "Outputs": {
            f"{_logical(role['RoleName'])}Arn": {
                "Value": {"Fn::GetAtt": [_logical(role["RoleName"]), "Arn"]}
            }
            for role in roles
        },
    }
    return json.dumps(template, indent=2) + "\n"


def terraform(reseller: Reseller, request: AccountRequest) -> str:
    """HCL, for the client to read: a value in JSON is one of its literals, and says the same."""
    blocks = [
        "\n".join(
            [
                f'resource "{kind}" "{key}" {{',
                *(f"  {name} = {_hcl(name, value)}" for name, value in body.items()),
                "}\n",
            ]
        )
        for kind, resources in _terraform_resources(reseller, request).items()
        for key, body in resources.items()
    ]
    return "\n".join(blocks)


def _hcl(name: str, value: object) -> str:
    if name in ("assume_role_policy", "policy"):
        lines = json.dumps(json.loads(str(value)), indent=2).replace("\n", "\n  ")
        return f"jsonencode({lines})"
    if str(value).startswith("${"):
        return str(value).strip("${}")
    return json.dumps(value)


def terraform_json(reseller: Reseller, request: AccountRequest) -> str:
    """Terraform's JSON syntax, which it reads under the name `*.tf.json` only."""
    resources = _terraform_resources(reseller, request)
    return json.dumps({"resource": resources}, indent=2) + "\n"


def _terraform_resources(
    reseller: Reseller, request: AccountRequest
) -> dict[str, dict[str, Document]]:
    """By kind and name; policies are written with jsonencode's very text."""
    roles: dict[str, Document] = {}
    policies: dict[str, Document] = {}
    attachments: dict[str, Document] = {}
    for role in _roles(reseller, request):
        key = role["RoleName"].lower()
        roles[key] = {
            "name": role["RoleName"],
            "path": role["Path"],
            "assume_role_policy": _literal(to_text(role["AssumeRolePolicyDocument"])),
            "max_session_duration": role["MaxSessionDuration"],
            "tags": {tag["Key"]: tag["Value"] for tag in role["Tags"]},
        }
        name = f"${{aws_iam_role.{key}.name}}"
        for arn in role.get("ManagedPolicyArns", ()):
            attachments[f"{key}_{len(attachments)}"] = {"role": name, "policy_arn": arn}
        for policy in role.get("Policies", ()):
            text = _literal(to_text(policy["PolicyDocument"]))
            policies[key] = {"role": name, "name": policy["PolicyName"], "policy": text}
    resources = {
        "aws_iam_role": roles,
        "aws_iam_role_policy": policies,
        "aws_iam_role_policy_attachment": attachments,
    }
    return {kind: each for kind, each in resources.items() if each}


def cli_script(reseller: Reseller, request: AccountRequest) -> str:
    """For CloudShell; may be run again: what exists already is brought to the same state."""
    lines = ["#!/bin/sh", "set -eu", f"# Onboarding {request.onboarding_id}"]
    for role in _roles(reseller, request):
        name = role["RoleName"]
        trust = shlex.quote(to_text(role["AssumeRolePolicyDocument"]))
        tags = " ".join(shlex.quote(f"Key={t['Key']},Value={t['Value']}") for t in role["Tags"])
        lines += [
            f"aws iam get-role --role-name {name} >/dev/null 2>&1 ||",
            f"  aws iam create-role --role-name {name} --path {role['Path']} --tags {tags} \\",
            f"    --assume-role-policy-document {trust} >/dev/null",
            f"aws iam update-assume-role-policy --role-name {name} --policy-document {trust}",
        ]
        lines += [
            f"aws iam attach-role-policy --role-name {name} --policy-arn {arn}"
            for arn in role.get("ManagedPolicyArns", ())
        ]
        lines += [
            f"aws iam put-role-policy --role-name {name} --policy-name {policy['PolicyName']} "
            f"--policy-document {shlex.quote(to_text(policy['PolicyDocument']))}"
            for policy in role.get("Policies", ())
        ]
    return "\n".join(lines) + "\n"


def _roles(reseller: Reseller, request: AccountRequest) -> list[Document]:
    """In CloudFormation's words. Invited: the bootstrap role, which places all others."""
    if request.kind is OnboardingKind.BILLING_TRANSFER:
        return [_deployed_role(spec, reseller, request) for spec in request.roles]
    administrator = f"arn:{reseller.partition}:iam::aws:policy/AdministratorAccess"
    return [
        {
            "RoleName": reseller.bootstrap_role,
            "Path": "/",
            "AssumeRolePolicyDocument": automation_trust(reseller, external_id=request.external_id),
            "MaxSessionDuration": 3_600,
            "ManagedPolicyArns": [administrator],
            "Tags": _tags(request),
        }
    ]


def _deployed_role(spec: RoleSpec, reseller: Reseller, request: AccountRequest) -> Document:
    role: Document = {
        "RoleName": spec.name,
        "Path": ROLE_PATH,
        "AssumeRolePolicyDocument": trust_of(spec, reseller, request.external_id),
        "MaxSessionDuration": spec.session_seconds,
        "Tags": _tags(request),
    }
    if spec.managed:
        role["ManagedPolicyArns"] = [
            f"arn:{reseller.partition}:iam::aws:policy/{name}" for name in spec.managed
        ]
    policy = inline_policy(spec, reseller, request.account_id)
    if policy is not None:
        role["Policies"] = [{"PolicyName": INLINE_POLICY, "PolicyDocument": policy}]
    return role


def _tags(request: AccountRequest) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags_of(request).items())]


def _resource(role: Document) -> Document:
    return {"Type": "AWS::IAM::Role", "Properties": role}


def _logical(role_name: str) -> str:
    """CloudFormation's names hold letters and digits only."""
    return "".join(char for char in role_name if char.isalnum())


def _literal(text: str) -> str:
    """Terraform would expand `${aws:username}`."""
    # `$${` is Terraform's way to write it as text:
    # `tests/unit/accounts/iam/test_client_templates.py`,
    # `test_terraform_does_not_expand_iams_variables`.
    return text.replace("${", "$${")
