"""Owns which AWS services an organization trusts, and to whom it delegates them."""

from __future__ import annotations

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, invalid
from sandbox.aws.core.world import state_of
from sandbox.aws.organizations.organization import described_account, managed, member, readable

TRUSTED = frozenset(
    f"{name}.amazonaws.com"
    for name in (
        "access-analyzer account aws-artifact-account-sync backup billing-cost-management "
        "cloudtrail compute-optimizer config config-multiaccountsetup controltower "
        "cost-optimization-hub guardduty health iam inspector2 ipam license-manager macie "
        "member.org.stacksets.cloudformation ram securityhub servicecatalog servicequotas sso ssm "
        "stacksets.cloudformation tagpolicies.tag"
    ).split()
)


@answers("organizations", "EnableAWSServiceAccess")
def enable_service(call: ApiCall) -> Answer:
    organization = managed(call)
    organization.services.setdefault(_principal(call), call.now)
    return {}


@answers("organizations", "DisableAWSServiceAccess")
def disable_service(call: ApiCall) -> Answer:
    managed(call).services.pop(_principal(call), None)
    return {}


def _principal(call: ApiCall) -> str:
    principal = str(call.params["ServicePrincipal"])
    if principal not in TRUSTED:
        raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL", "Unrecognized service principal.")
    return principal


@answers("organizations", "ListAWSServiceAccessForOrganization")
def list_services(call: ApiCall) -> Answer:
    found = [
        {"ServicePrincipal": name, "DateEnabled": since}
        for name, since in readable(call).services.items()
    ]
    return page(call, "EnabledServicePrincipals", found)


@answers("organizations", "RegisterDelegatedAdministrator")
def register_delegate(call: ApiCall) -> Answer:
    organization = managed(call)
    account_id, principal = call.params["AccountId"], _principal(call)
    if account_id == organization.payer_id:
        raise constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    account = member(organization, account_id)
    if state_of(account, call.world.rules, call.now) != "ACTIVE":
        raise constraint("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR")
    if principal not in organization.services:
        raise constraint("SERVICE_ACCESS_NOT_ENABLED")
    if (account_id, principal) in organization.delegates:
        raise AwsError(
            "AccountAlreadyRegisteredException", "The account is already a delegated administrator."
        )
    organization.delegates[account_id, principal] = call.now
    return {}


@answers("organizations", "DeregisterDelegatedAdministrator")
def deregister_delegate(call: ApiCall) -> Answer:
    organization = managed(call)
    account = member(organization, call.params["AccountId"])
    if organization.delegates.pop((account.id, _principal(call)), None) is None:
        raise _not_registered()
    return {}


def _not_registered() -> AwsError:
    return AwsError("AccountNotRegisteredException", "The account is no delegated administrator.")


@answers("organizations", "ListDelegatedAdministrators")
def list_delegates(call: ApiCall) -> Answer:
    organization, wanted = readable(call), call.params.get("ServicePrincipal")
    since: dict[str, Answer] = {}
    for (account_id, principal), when in organization.delegates.items():
        if wanted in (None, principal):
            account = described_account(call, organization, organization.members[account_id])
            account.pop("Paths")
            since.setdefault(account_id, account | {"DelegationEnabledDate": when})
    return page(call, "DelegatedAdministrators", list(since.values()))


@answers("organizations", "ListDelegatedServicesForAccount")
def list_delegated_services(call: ApiCall) -> Answer:
    organization = readable(call)
    account = member(organization, call.params["AccountId"])
    found = [
        {"ServicePrincipal": principal, "DelegationEnabledDate": since}
        for (account_id, principal), since in organization.delegates.items()
        if account_id == account.id
    ]
    if not found:
        raise _not_registered()
    return page(call, "DelegatedServices", found)
