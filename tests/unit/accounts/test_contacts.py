"""What AWS would refuse in the middle is refused before anything is asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.model.contacts import check_contact_information, check_reseller
from accounts.model.organization import ContactType
from kernel.errors import BadInput
from tests.support.accounts_reseller import CLIENT_CONTACT, DESK, RESELLER

GERMAN = {**CLIENT_CONTACT, "CountryCode": "DE", "StateOrRegion": "Berlin"}


def test_what_aws_takes_passes() -> None:
    check_contact_information(CLIENT_CONTACT)
    check_contact_information(GERMAN)
    check_contact_information(
        {**GERMAN, "FullName": "株式会社" * 12, "WebsiteUrl": "https://a.example"}
    )
    assert check_reseller(RESELLER) is RESELLER


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"PhoneNumber": "030-1234"}, "PhoneNumber is '030-1234'"),
        ({"PhoneNumber": "+49 30 ١٢٣"}, "PhoneNumber is"),
        ({"PhoneNumber": "+" + "1" * 20}, "PhoneNumber has 1 to 20 characters, not 21"),
        ({"CountryCode": "Germany"}, "CountryCode has 2 to 2 characters, not 7"),
        ({"CountryCode": "de"}, "two capital letters, like IE"),
        ({"CountryCode": "US"}, "lacks StateOrRegion, which AWS needs in US"),
        ({"CountryCode": "DE"}, "lacks StateOrRegion, which AWS needs in DE"),
        ({"FullName": "x" * 51}, "FullName has 1 to 50 characters, not 51"),
        ({"AddressLine1": ""}, "AddressLine1 has 1 to 60 characters, not 0"),
        ({"City": "Cork\x00"}, "leave out what nobody sees"),
        ({"Foo": "bar"}, "AWS knows no 'Foo'; there are FullName, CompanyName"),
    ],
)
def test_a_clients_contact_is_judged(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_contact_information({**CLIENT_CONTACT, **wrong})


def test_a_contact_that_lacks_something_says_what() -> None:
    lacking = {key: text for key, text in CLIENT_CONTACT.items() if key not in ("City", "FullName")}
    with pytest.raises(BadInput, match="client_contact lacks City, FullName"):
        check_contact_information(lacking)


ROLE = "arn:aws:iam::111111111111:role/msp-onboard"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"automation_arn": "arn:aws-us-gov:iam::111111111111:role/msp-onboard"},
            "is of the partition aws-us-gov; Rebill works with commercial AWS",
        ),
        ({"offboarding_arn": "arn:aws-cn:iam::111111111111:role/x"}, "partition aws-cn"),
        (
            {"offboarding_arn": "arn:aws:iam::999999999999:role/msp-offboard"},
            "is a role of 999999999999, not of the payer 111111111111",
        ),
        ({"automation_arn": "arn:aws:iam::111111111111:user/ada"}, "is no ARN of a role"),
        ({"automation_arn": "arn:aws:iam::111111111111:role/a b"}, "the name of the role is 'a b'"),
        ({"automation_arn": ROLE, "offboarding_arn": ROLE}, "they have to be apart"),
        ({"bootstrap_role": "Msp Boot"}, "bootstrap_role is 'Msp Boot'"),
        ({"access_account_id": "22"}, "is no AWS account id"),
        ({"mailbox": "nobody"}, "does not take the e-mail address"),
    ],
)
def test_an_organization_is_judged(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_reseller(replace(RESELLER, **wrong))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "x" * 65}, "security: name has 1 to 64 characters, not 65"),
        ({"title": "x" * 51}, "security: title has 1 to 50 characters, not 51"),
        ({"phone": "call us"}, "security: phone is 'call us'; AWS takes digits"),
        ({"phone": "1" * 26}, "security: phone has 1 to 25 characters"),
        ({"email": "désk@msp.example"}, "security: email is"),
        ({"email": "desk@msp"}, "security: email is"),
    ],
)
def test_our_contacts_are_judged(wrong: dict[str, str], words: str) -> None:
    contacts = {**RESELLER.contacts, ContactType.SECURITY: replace(DESK, **wrong)}
    with pytest.raises(BadInput, match=words):
        check_reseller(replace(RESELLER, contacts=contacts))
