"""What a client deploys: one role, our two principals, the ExternalId, in three tools' words."""

import json
import re
import subprocess
from dataclasses import replace

import pytest

from accounts.iam.client_templates import ARTEFACTS, artefact, quick_create_url
from accounts.iam.policy_documents import to_text
from accounts.iam.role_catalogue import MSP_BILLING, MSP_ON_CALL, as_deployed
from accounts.iam.trust_policies import automation_trust
from accounts.model.organization import OnboardingKind
from accounts.model.request import AccountRequest
from tests.support.accounts_reseller import CREATE, EXTERNAL_ID, RESELLER

INVITE = replace(CREATE, kind=OnboardingKind.INVITE, account_id="444444444444")
TRANSFER = replace(
    CREATE,
    kind=OnboardingKind.BILLING_TRANSFER,
    account_id="555555555555",
    roles=as_deployed([MSP_BILLING, MSP_ON_CALL]),
)
TRUST = automation_trust(RESELLER, external_id=EXTERNAL_ID)


def test_the_template_makes_the_bootstrap_role_with_the_tightened_trust() -> None:
    template = json.loads(artefact("cloudformation.json", RESELLER, INVITE))

    (role,) = template["Resources"].values()
    assert role["Properties"]["RoleName"] == "MspBootstrap"
    assert role["Properties"]["AssumeRolePolicyDocument"] == TRUST
    assert role["Properties"]["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/AdministratorAccess"
    ]


def test_terraform_says_the_same() -> None:
    document = json.loads(artefact("terraform.tf.json", RESELLER, INVITE))

    role = document["resource"]["aws_iam_role"]["mspbootstrap"]
    assert json.loads(role["assume_role_policy"]) == TRUST
    assert role["tags"]["msp:client"] == "acme"


@pytest.mark.parametrize("request_", [INVITE, TRANSFER], ids=lambda each: each.kind)
def test_terraforms_own_syntax_says_the_same_as_its_json(request_: AccountRequest) -> None:
    resources: dict[str, dict[str, dict[str, object]]] = {}
    for block in artefact("terraform.tf", RESELLER, request_).split("\n\n"):
        found = re.fullmatch(
            r'resource "([a-z_]+)" "([a-z0-9_]+)" \{\n  (.*)\n}\n?', block, re.DOTALL
        )
        assert found is not None, block
        kind, name, body = found.groups()
        attributes = [part.split(" = ", 1) for part in re.split(r"\n  (?=[a-z_]+ = )", body)]
        resources.setdefault(kind, {})[name] = {key: value_of(text) for key, text in attributes}

    assert json.loads(artefact("terraform.tf.json", RESELLER, request_)) == {"resource": resources}


def value_of(text: str) -> object:
    """As the JSON syntax has it: a policy as its text, a reference as a template."""
    if text.startswith("jsonencode("):
        return to_text(json.loads(text.removeprefix("jsonencode(").removesuffix(")")))
    return f"${{{text}}}" if text.startswith("aws_iam_role.") else json.loads(text)


@pytest.mark.parametrize("name", ["terraform.tf", "terraform.tf.json"])
def test_terraform_does_not_expand_iams_variables(name: str) -> None:
    assert "$${aws:userid}" in artefact(name, RESELLER, TRANSFER)


def test_the_script_is_shell_and_may_be_run_again() -> None:
    script = artefact("cli.sh", RESELLER, INVITE)

    checked = subprocess.run(["sh", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    assert "aws iam get-role --role-name MspBootstrap >/dev/null 2>&1 ||" in script
    assert EXTERNAL_ID in script


def test_a_billing_transfer_deploys_no_administrator() -> None:
    text = artefact("cloudformation.json", RESELLER, TRANSFER)

    assert "AdministratorAccess" not in text
    assert set(json.loads(text)["Resources"]) == {"MspBilling", "MspOnCall"}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_the_same_request_gives_the_same_text(name: str) -> None:
    assert artefact(name, RESELLER, INVITE) == artefact(name, RESELLER, INVITE)


def test_the_quick_create_link_opens_the_clients_console() -> None:
    assert quick_create_url(RESELLER, "https://b.s3.amazonaws.com/t.json") == (
        "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1"
        "#/stacks/quickcreate?templateURL=https%3A%2F%2Fb.s3.amazonaws.com%2Ft.json"
        "&stackName=msp-access"
    )
