"""What each shipped role is for, as a table: what it may do in a client's account, and what not.

Asked as AWS would: with the guards above it, its own policies and its boundary.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from policy_sentry.querying.all import get_all_actions

from accounts.iam.role_catalogue import CATALOGUE
from tests.support.iam.escalation import ARN, OURS, Context, account_under, may, shipped_rules

RULES = shipped_rules(CATALOGUE)
ACCOUNT = account_under(RULES)
ADA = "AROAEXAMPLE:ada"
"""As AWS names the session that Ada has of a role: the role's id, and her name."""
SESSION = "arn:aws:ssm:eu-west-1:333333333333:session/ada-0abc"
ALLOWED_ONCALL: Context = (("aws:resourcetag/oncall", "allowed"),)


def of_session(owner: str) -> Context:
    return (("aws:userid", ADA), ("ssm:resourcetag/aws:ssmmessages:session-id", owner))


BOUNDED: Context = (("iam:permissionsboundary", OURS),)

Row = tuple[str, str, Context]
MAY: dict[str, tuple[Row, ...]] = {
    "MspAdmin": (
        ("ec2:RunInstances", "*", ()),
        ("s3:PutBucketPolicy", "*", ()),
        ("budgets:ModifyBudget", "*", ()),
        ("cloudtrail:CreateTrail", "*", ()),
        ("iam:CreateRole", f"{ARN}role/workload/App2", BOUNDED),
        ("iam:PutRolePolicy", f"{ARN}role/workload/App2", BOUNDED),
        ("iam:UpdateAssumeRolePolicy", f"{ARN}role/workload/App2", ()),
        ("iam:CreateUser", f"{ARN}user/workload/ci", BOUNDED),
        ("iam:CreateAccessKey", f"{ARN}user/workload/ci", ()),
        ("iam:CreatePolicy", f"{ARN}policy/workload/App2", ()),
        ("iam:CreatePolicyVersion", f"{ARN}policy/workload/App2", ()),
        ("iam:CreateInstanceProfile", f"{ARN}instance-profile/App2", ()),
        ("iam:PassRole", f"{ARN}role/workload/App2", ()),
        ("iam:CreateOpenIDConnectProvider", f"{ARN}oidc-provider/oidc.eks.example", ()),
        ("iam:CreateServiceLinkedRole", f"{ARN}role/aws-service-role/ecs.amazonaws.com/X", ()),
        ("iam:CreateAccountAlias", "*", ()),
        ("iam:UpdateAccountPasswordPolicy", "*", ()),
        ("iam:GetRole", f"{ARN}role/msp/MspAdmin", ()),
        ("iam:GetRole", f"{ARN}role/ClientAdmin", ()),
        ("iam:ListAccessKeys", f"{ARN}user/client-admin", ()),
        ("iam:SimulatePrincipalPolicy", f"{ARN}role/msp/MspOnCall", ()),
    ),
    "MspEngineer": (
        ("ec2:RunInstances", "*", ()),
        ("ec2:DescribeReservedInstances", "*", ()),
        ("lambda:CreateFunction", "*", ()),
        ("rds:CreateDBInstance", "*", ()),
        ("s3:PutObject", "*", ()),
        ("cloudformation:CreateStack", "*", ()),
        ("cloudtrail:LookupEvents", "*", ()),
        ("config:PutConfigRule", "*", ()),
        ("guardduty:ListFindings", "*", ()),
        ("securityhub:GetFindings", "*", ()),
        ("support:CreateCase", "*", ()),
        ("iam:PassRole", f"{ARN}role/workload/App", ()),
        ("iam:CreateServiceLinkedRole", f"{ARN}role/aws-service-role/ecs.amazonaws.com/X", ()),
        ("iam:ListRoles", "*", ()),
        ("sts:GetCallerIdentity", "*", ()),
    ),
    "MspOnCall": (
        ("ec2:DescribeInstances", "*", ()),
        ("logs:StartQuery", "*", ()),
        ("support:CreateCase", "*", ()),
        ("ec2:RebootInstances", "arn:aws:ec2:eu-west-1:333333333333:instance/i-1", ALLOWED_ONCALL),
        ("ssm:StartSession", "arn:aws:ec2:eu-west-1:333333333333:instance/i-1", ALLOWED_ONCALL),
        ("ssm:DescribeSessions", "*", ()),
        ("ssm:TerminateSession", SESSION, of_session(ADA)),
        ("ssm:ResumeSession", SESSION, of_session(ADA)),
    ),
    "MspBilling": (
        ("ce:GetCostAndUsage", "*", ()),
        ("budgets:ViewBudget", "*", ()),
        ("cur:DescribeReportDefinitions", "*", ()),
        ("savingsplans:DescribeSavingsPlans", "*", ()),
    ),
    "MspAutomation": (
        ("iam:GetAccountAuthorizationDetails", "*", ()),
        ("iam:DeleteRole", f"{ARN}role/msp/MspAdmin", ()),
        ("iam:DeleteRole", f"{ARN}role/MspBootstrap", ()),
        ("iam:DeletePolicy", OURS, ()),
    ),
}
ESCAPES: tuple[Row, ...] = (
    ("iam:CreatePolicyVersion", OURS, ()),
    ("iam:CreateRole", f"{ARN}role/msp/Backdoor", BOUNDED),
    ("iam:UpdateAssumeRolePolicy", f"{ARN}role/MspBootstrap", ()),
    ("iam:CreateAccessKey", f"{ARN}user/client-admin", ()),
    ("sts:AssumeRole", f"{ARN}role/ClientAdmin", ()),
    ("iam:PassRole", f"{ARN}role/ClientDeploy", ()),
    ("organizations:LeaveOrganization", "*", ()),
    ("organizations:AcceptHandshake", "*", ()),
    ("account:CloseAccount", "*", ()),
)
BILLING = (
    "aws-marketplace:Subscribe", "aws-portal:ModifyBilling", "bcm-data-exports:DeleteExport",
    "billing:UpdateBillingPreferences", "budgets:ModifyBudget", "budgets:ViewBudget",
    "ce:GetCostAndUsage", "consolidatedbilling:GetAccountBillingRole",
    "cost-optimization-hub:UpdatePreferences", "cur:DeleteReportDefinition",
    "invoicing:GetInvoicePDF", "payments:MakePayment", "purchase-orders:AddPurchaseOrder",
    "route53domains:RegisterDomain", "route53domains:TransferDomainToAnotherAwsAccount",
    "supportplans:CreateSupportPlanSchedule", "tax:PutTaxRegistration",
)  # fmt: skip
PURCHASES = (
    "bedrock:CreateProvisionedModelThroughput", "cloudfront:CreateSavingsPlan",
    "dynamodb:PurchaseReservedCapacityOfferings", "ec2:PurchaseReservedInstancesOffering",
    "ec2:PurchaseHostReservation", "ec2:ModifyReservedInstances",
    "elasticache:PurchaseReservedCacheNodesOffering", "es:PurchaseReservedInstanceOffering",
    "memorydb:PurchaseReservedNodesOffering", "outposts:CreateOrder",
    "rds:PurchaseReservedDBInstancesOffering", "redshift:PurchaseReservedNodeOffering",
    "sagemaker:CreateTrainingPlan", "savingsplans:CreateSavingsPlan", "shield:CreateSubscription",
)  # fmt: skip
IDENTITIES = (
    "iam:CreateUser", "iam:PutRolePolicy", "identitystore:CreateUser",
    "identitystore:CreateGroupMembership", "rolesanywhere:CreateTrustAnchor",
    "sso:CreateAccountAssignment", "sso-directory:CreateUser", "sts:AssumeRole",
)  # fmt: skip
AUDIT = (
    "access-analyzer:DeleteAnalyzer", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors",
    "cloudtrail:StopLogging", "cloudtrail:UpdateTrail", "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel", "config:PutConfigurationRecorder",
    "config:StopConfigurationRecorder", "guardduty:CreateFilter", "guardduty:DeleteDetector",
    "guardduty:DisassociateFromAdministratorAccount", "guardduty:UpdateDetector",
    "securityhub:DisableSecurityHub",
)  # fmt: skip


def anywhere(*actions: str) -> tuple[Row, ...]:
    return tuple((action, "*", ()) for action in actions)


MAY_NOT: dict[str, tuple[Row, ...]] = {
    "MspAdmin": (
        ("iam:CreateRole", f"{ARN}role/workload/App2", ()),
        ("iam:CreateRole", f"{ARN}role/App2", BOUNDED),
        ("iam:PutRolePolicy", f"{ARN}role/ClientTask", ()),
        ("iam:DeleteRolePermissionsBoundary", f"{ARN}role/workload/App", BOUNDED),
        ("iam:AddUserToGroup", f"{ARN}group/client-admins", ()),
        ("iam:UpdateSAMLProvider", f"{ARN}saml-provider/staff", ()),
        ("iam:AcceptDelegationRequest", "*", ()),
        ("sso:CreateAccountAssignment", "*", ()),
        ("identitystore:CreateGroupMembership", "*", ()),
        ("rolesanywhere:CreateTrustAnchor", "*", ()),
        ("sts:AssumeRoot", "arn:aws:iam::444444444444:root", ()),
    ),
    "MspEngineer": (
        *anywhere(*BILLING, *PURCHASES, *IDENTITIES, *AUDIT),
        ("iam:PassRole", f"{ARN}role/App", ()),
    ),
    "MspOnCall": (
        *anywhere(*BILLING, *PURCHASES, *IDENTITIES, *AUDIT),
        ("s3:GetObject", "*", ()),
        ("secretsmanager:GetSecretValue", "*", ()),
        ("ec2:TerminateInstances", "*", ALLOWED_ONCALL),
        ("ec2:RebootInstances", "*", ()),
        ("ssm:StartSession", "arn:aws:ec2:eu-west-1:333333333333:instance/i-1", ()),
        ("ssm:TerminateSession", SESSION, of_session("AROAEXAMPLE:bob")),
        ("ssm:TerminateSession", SESSION, (("aws:userid", ADA),)),
    ),
    "MspBilling": (
        *anywhere("budgets:ModifyBudget", "ce:CreateCostCategoryDefinition", "ec2:RunInstances"),
        *anywhere("payments:MakePayment", "tax:PutTaxRegistration", "s3:GetObject"),
        *anywhere(*PURCHASES, *IDENTITIES, *AUDIT),
    ),
    "MspAutomation": (
        ("iam:PutRolePolicy", f"{ARN}role/msp/MspAdmin", ()),
        ("iam:DeleteRole", f"{ARN}role/ClientAdmin", ()),
        *anywhere("s3:GetObject", "ec2:RunInstances", "ce:GetCostAndUsage", *IDENTITIES, *AUDIT),
    ),
}
ROWS = [
    pytest.param(role, row, expected, id=f"{role}-{'' if expected else 'not-'}{row[0]}-{number}")
    for expected, table in ((True, MAY), (False, MAY_NOT))
    for role, rows in table.items()
    for number, row in enumerate(rows if expected else (*rows, *ESCAPES))
]


@pytest.mark.parametrize(("role", "row", "expected"), ROWS)
def test_a_role_may_do_what_it_is_for_and_nothing_else(role: str, row: Row, expected: bool) -> None:
    who = next(each for each in ACCOUNT.identities if each.arn == f"{ARN}role/msp/{role}")
    action, resource, context = row

    assert known(action), f"AWS has no action {action}"
    assert may(RULES, ACCOUNT, who, action, resource, context) is expected


def known(action: str) -> bool:
    """A row that names no action of AWS's would be denied, and say nothing."""
    return action.lower() in _ACTIONS or action.startswith("sso-directory:")


_ACTIONS = {each.lower() for each in get_all_actions()}


def test_every_role_that_is_shipped_has_its_table() -> None:
    names = {spec.name for spec in CATALOGUE}

    assert set(MAY) == names
    assert set(MAY_NOT) == names


def test_engineers_may_use_no_action_that_buys_ahead() -> None:
    """Of all actions that AWS has: a new one called so is found by a newer table of actions."""
    who = next(each for each in ACCOUNT.identities if each.arn.endswith("/MspEngineer"))
    buying = ("*:purchase*", "*:acceptreserved*", "*savingsplan", "aws-marketplace:*subscribe")
    open_ = {
        action
        for action in _ACTIONS
        if any(fnmatchcase(action, pattern) for pattern in buying)
        and ":get" not in action
        and may(RULES, ACCOUNT, who, action, "*")
    }

    assert open_ == set()
