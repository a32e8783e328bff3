"""Owns what is judged of an organization and of a client's contact before AWS is asked anything."""

from __future__ import annotations

import re
from collections.abc import Mapping

from accounts.model.aws_shapes import (
    ALTERNATE_CONTACT,
    CONTACT_INFORMATION,
    CONTACT_NEEDED,
    ROLE_NAME,
    check_shape,
)
from accounts.model.emails import check_email
from accounts.model.mailbox import check_mailbox_check
from accounts.model.organization import Reseller, check_account_id
from kernel.errors import BadInput

# API reference of Account Management, ContactInformation: "required in the following countries".
STATE_NEEDED = frozenset({"US", "CA", "GB", "DE", "JP", "IN", "BR"})
_ROLE_ARN = re.compile(r"arn:([a-z-]+):iam::([0-9]{12}):role/(.+)", re.ASCII)


def check_reseller(reseller: Reseller) -> Reseller:
    """The description itself, or BadInput for what AWS or we would stumble over later."""
    payer = check_account_id(reseller.payer_account_id)
    check_account_id(reseller.access_account_id)
    check_email(reseller.mailbox)
    if reseller.mail is not None:
        check_mailbox_check(reseller.mail)
    for which, arn in (
        ("automation_role", reseller.automation_arn),
        ("offboarding_role", reseller.offboarding_arn),
    ):
        _check_service_role(arn, which, payer)
    if reseller.automation_arn == reseller.offboarding_arn:
        raise BadInput("automation_role and offboarding_role are one role; they have to be apart")
    check_shape(reseller.bootstrap_role, ROLE_NAME, what="bootstrap_role")
    for kind, contact in reseller.contacts.items():
        for key, shape in ALTERNATE_CONTACT.items():
            what = f"contacts: {kind.value.lower()}: {key}"
            check_shape(getattr(contact, key), shape, what=what)
    return reseller


def _check_service_role(arn: str, which: str, payer: str) -> None:
    found = _ROLE_ARN.fullmatch(arn)
    if found is None:
        raise BadInput(f"{which}: {arn!r} is no ARN of a role")
    partition, account_id, path = found.groups()
    # GovCloud's accounts come in pairs, by another call, from a payer of the commercial partition
    # (API reference, CreateGovCloudAccount); China's organizations are apart, with another seller.
    if partition != "aws":
        raise BadInput(
            f"{which}: {arn} is of the partition {partition}; Rebill works with commercial AWS "
            "(arn:aws:) only, not with GovCloud, China or the European Sovereign Cloud"
        )
    if account_id != payer:
        raise BadInput(f"{which}: {arn} is a role of {account_id}, not of the payer {payer}")
    check_shape(path.rpartition("/")[2], ROLE_NAME, what=f"{which}: the name of the role")


def check_contact_information(contact: Mapping[str, str]) -> None:
    """AWS's ContactInformation. Raises BadInput: then AWS would refuse it in the middle."""
    if lacking := sorted(set(CONTACT_NEEDED) - set(contact)):
        raise BadInput(f"client_contact lacks {', '.join(lacking)}")
    if unknown := sorted(set(contact) - set(CONTACT_INFORMATION)):
        known = ", ".join(CONTACT_INFORMATION)
        raise BadInput(f"client_contact: AWS knows no {unknown[0]!r}; there are {known}")
    for key, text in contact.items():
        check_shape(text, CONTACT_INFORMATION[key], what=f"client_contact: {key}")
        if text != text.strip() or not text.isprintable():
            raise BadInput(f"client_contact: {key} is {text!r}; leave out what nobody sees")
    country = contact["CountryCode"]
    if re.fullmatch("[A-Z]{2}", country) is None:
        raise BadInput(f"client_contact: CountryCode is {country!r}; two capital letters, like IE")
    if country in STATE_NEEDED and "StateOrRegion" not in contact:
        raise BadInput(f"client_contact lacks StateOrRegion, which AWS needs in {country}")
