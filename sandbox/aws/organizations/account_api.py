"""Owns the Account API: contacts, names, the root e-mail and the phone, each proved by a code."""

from __future__ import annotations

import string
from datetime import timedelta

from sandbox.aws.core.calls import Answer, ApiCall, answers
from sandbox.aws.core.errors import AwsError, denied
from sandbox.aws.core.mailbox import Message
from sandbox.aws.core.world import AwsAccount, name_shown, state_of

PRINCIPAL = "account.amazonaws.com"
TRIES_MAX = 3
BY_DEFAULT = (
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 "
    "ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 "
    "us-east-2 us-west-1 us-west-2"
).split()
OPT_IN = (
    "af-south-1 ap-east-1 ap-south-2 ap-southeast-3 ap-southeast-4 ca-west-1 eu-central-2 "
    "eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1"
).split()


def _subject(call: ApiCall) -> AwsAccount:
    """The caller's own account, or a member named by its payer or a delegate."""
    named = call.params.get("AccountId")
    own = call.world.account(call.account_id)
    if named is None:
        return own
    organization = own.organization
    delegated = organization and (own.id, PRINCIPAL) in organization.delegates
    if organization is None or (organization.payer_id != own.id and not delegated):
        raise denied(f"User: {call.caller.arn} is not authorized to perform: {call.name}")
    if named == own.id:
        raise denied(
            "The management account or delegated administrator must omit its own AccountId."
        )
    if PRINCIPAL not in organization.services:
        raise denied("Trusted access for AWS Account Management is not enabled.")
    if named not in organization.members:
        raise denied(f"Account {named} is not a member of the organization.")
    return organization.members[named]


def _member(call: ApiCall) -> AwsAccount:
    """Some operations are only for members, named from outside."""
    if "AccountId" not in call.params:
        raise AwsError("ValidationException", "AccountId is required.")
    return _subject(call)


# Contacts and names. -------------------------------------------------------------------


STATE_NEEDED = frozenset({"US", "CA", "GB", "DE", "JP", "IN", "BR"})


@answers("account", "PutAlternateContact")
def put_alternate(call: ApiCall) -> Answer:
    contact = {k: v for k, v in call.params.items() if k != "AccountId"}
    _subject(call).alternate_contacts[contact["AlternateContactType"]] = contact
    return {}


@answers("account", "GetAlternateContact")
def get_alternate(call: ApiCall) -> Answer:
    return {"AlternateContact": dict(_alternate(call))}


def _alternate(call: ApiCall) -> dict[str, str]:
    found = _subject(call).alternate_contacts.get(call.params["AlternateContactType"])
    if found is None:
        raise AwsError("ResourceNotFoundException", "No contact of that type found.")
    return found


@answers("account", "DeleteAlternateContact")
def delete_alternate(call: ApiCall) -> Answer:
    kind = _alternate(call)["AlternateContactType"]
    del _subject(call).alternate_contacts[kind]
    return {}


@answers("account", "GetContactInformation")
def get_contact(call: ApiCall) -> Answer:
    account = _subject(call)
    return {
        "ContactInformation": dict(account.contact),
        "VerificationStatus": account.phone_status,
    }


@answers("account", "PutContactInformation")
def put_contact(call: ApiCall) -> Answer:
    """A new phone number has to be verified anew."""
    account, contact = _subject(call), dict(call.params["ContactInformation"])
    # API reference, `ContactInformation`: in these countries the state or region is required.
    if contact["CountryCode"] in STATE_NEEDED and not contact.get("StateOrRegion"):
        raise AwsError("ValidationException", "StateOrRegion is required in this country.")
    if contact["PhoneNumber"] != account.contact.get("PhoneNumber"):
        account.phone_status = "UNVERIFIED"
    account.contact = contact
    return {}


@answers("account", "PutAccountName")
def put_name(call: ApiCall) -> Answer:
    account = _subject(call)
    account.renamed = (name_shown(account, call.world.rules, call.now), call.now)
    account.name = call.params["AccountName"]
    return {}


@answers("account", "GetAccountInformation")
def get_information(call: ApiCall) -> Answer:
    account = _subject(call)
    state = state_of(account, call.world.rules, call.now)
    return {
        "AccountId": account.id,
        "AccountName": account.name,
        "AccountCreatedDate": account.created_at,
        "AccountState": "SUSPENDED" if state == "PENDING_CLOSURE" else state,
    }


# The root e-mail. ----------------------------------------------------------------------


@answers("account", "GetPrimaryEmail")
def get_email(call: ApiCall) -> Answer:
    return {"PrimaryEmail": _member(call).email}


@answers("account", "StartPrimaryEmailUpdate")
def start_email_update(call: ApiCall) -> Answer:
    account, wanted = _member(call), call.params["PrimaryEmail"]
    holder = call.world.account_with_email(wanted)
    if holder is not None:
        raise AwsError("ConflictException", "An AWS account with that e-mail address exists.")
    code = _code(call)
    account.codes["email"] = {"to": wanted, "code": code, "at": call.now, "tries": 0}
    words = f"Your verification code for the AWS account {account.id} is {code}"
    call.world.mail.deliver(Message(wanted, "Verify your e-mail address", words, call.now))
    return {"Status": "PENDING"}


def _code(call: ApiCall) -> str:
    return "".join(call.world.random.choices(string.digits, k=6))


@answers("account", "AcceptPrimaryEmailUpdate")
def accept_email_update(call: ApiCall) -> Answer:
    account = _member(call)
    pending = account.codes.get("email")
    if pending is None or pending["to"].lower() != call.params["PrimaryEmail"].lower():
        raise AwsError("ResourceNotFoundException", "No update of the e-mail address is pending.")
    if call.world.account_with_email(pending["to"]) is not None:
        raise AwsError("ConflictException", "An AWS account with that e-mail address exists.")
    _check_code(call, account, "email")
    account.email = pending["to"]
    account.codes["email done"] = call.now
    return {"Status": "ACCEPTED"}


def _check_code(call: ApiCall, account: AwsAccount, what: str) -> None:
    """Right, in time, and within three tries; a spent code is gone."""
    pending = account.codes[what]
    if call.now > pending["at"] + timedelta(seconds=call.world.rules.otp_seconds):
        del account.codes[what]
        raise AwsError("ValidationException", "EMAIL_VERIFICATION_CODE_EXPIRED: start again.")
    if call.params["Otp"] != pending["code"]:
        pending["tries"] += 1
        if pending["tries"] >= TRIES_MAX:
            del account.codes[what]
        raise AwsError("ValidationException", "The one-time password is not correct.")
    del account.codes[what]


@answers("account", "GetPrimaryEmailUpdateStatus")
def get_email_update(call: ApiCall) -> Answer:
    account = _member(call)
    if "email" in account.codes:
        return {"Status": "PENDING", "UpdatedAt": account.codes["email"]["at"]}
    done_at = account.codes.get("email done")
    if done_at is None:
        raise AwsError("ResourceNotFoundException", "The e-mail address was never updated.")
    settled = call.now >= done_at + timedelta(seconds=call.world.rules.email_seconds)
    return {"Status": "COMPLETED" if settled else "ACCEPTED", "UpdatedAt": done_at}


# The phone. ----------------------------------------------------------------------------


@answers("account", "SendPhoneNumberVerification")
def send_phone_code(call: ApiCall) -> Answer:
    account = _subject(call)
    if account.phone_status in {"VERIFIED", "NOT_SUPPORTED"}:
        raise AwsError("ConflictException", f"The phone number is {account.phone_status}.")
    code = _code(call)
    account.codes["phone"] = {"code": code, "at": call.now, "tries": 0}
    account.phone_status = "PENDING"
    to = account.contact["PhoneNumber"]
    words = f"Your AWS verification code is {code}"
    call.world.mail.deliver(Message(to, "Verify your phone number", words, call.now))
    return {"Status": "PENDING"}


@answers("account", "VerifyPhoneNumber")
def verify_phone(call: ApiCall) -> Answer:
    account = _subject(call)
    if "phone" not in account.codes:
        raise AwsError("ResourceNotFoundException", "No verification of the phone is pending.")
    _check_code(call, account, "phone")
    account.phone_status = "VERIFIED"
    return {"Status": "VERIFIED"}


# Regions. ------------------------------------------------------------------------------


def _region_status(call: ApiCall, account: AwsAccount, region: str) -> str:
    if region in BY_DEFAULT:
        return "ENABLED_BY_DEFAULT"
    wanted, since = account.regions.get(region, ("DISABLED", account.created_at))
    moving = call.now < since + timedelta(seconds=call.world.rules.region_seconds)
    return (
        {"ENABLED": "ENABLING", "DISABLED": "DISABLING"}[wanted]
        if (moving and region in account.regions)
        else wanted
    )


@answers("account", "EnableRegion", "DisableRegion")
def switch_region(call: ApiCall) -> Answer:
    account, region = _subject(call), call.params["RegionName"]
    if region not in OPT_IN:
        raise AwsError("ValidationException", f"{region} is not an opt-in region.")
    if _region_status(call, account, region).endswith("ING"):
        raise AwsError("ConflictException", f"{region} is being switched already.")
    wanted = "ENABLED" if call.operation == "EnableRegion" else "DISABLED"
    if _region_status(call, account, region) != wanted:
        account.regions[region] = (wanted, call.now)
    return {}


@answers("account", "GetRegionOptStatus")
def get_region(call: ApiCall) -> Answer:
    account, region = _subject(call), call.params["RegionName"]
    if region not in (*BY_DEFAULT, *OPT_IN):
        raise AwsError("ValidationException", f"{region} is no region.")
    return {"RegionName": region, "RegionOptStatus": _region_status(call, account, region)}


@answers("account", "ListRegions")
def list_regions(call: ApiCall) -> Answer:
    account, wanted = _subject(call), call.params.get("RegionOptStatusContains")
    found = [
        {"RegionName": region, "RegionOptStatus": _region_status(call, account, region)}
        for region in sorted([*BY_DEFAULT, *OPT_IN])
    ]
    return {"Regions": [r for r in found if not wanted or r["RegionOptStatus"] in wanted]}
