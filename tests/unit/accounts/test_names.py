"""A new account's e-mail address and name: deterministic, unique by token, and taken by AWS."""

import pytest

from accounts.model.emails import check_email, check_free, plus_address
from accounts.model.naming import (
    account_name,
    check_account_name,
    name_with_token,
    to_ascii,
    to_slug,
    token_of,
)
from kernel.errors import BadInput


def name_of(client_name: str, purpose: str = "prod") -> str:
    return name_with_token(
        client_name=client_name, client_key="acme", purpose=purpose, onboarding_id="onb-7f3a"
    )


def address_of(mailbox: str, client_key: str = "acme") -> str:
    return plus_address(mailbox=mailbox, client_key=client_key, onboarding_id="onb-7f3a")


def test_the_address_is_a_plus_address_of_the_mailbox_and_ends_in_the_token() -> None:
    assert address_of("AwsAccounts@msp.example") == "awsaccounts+acme-7f3a@msp.example"


def test_clients_whose_names_slug_alike_differ_by_their_token() -> None:
    one = plus_address(mailbox="a@msp.example", client_key="Acme Ltd", onboarding_id="onb-0001")
    other = plus_address(mailbox="a@msp.example", client_key="ACME, Ltd.", onboarding_id="onb-0002")

    assert one == "a+acme-ltd-0001@msp.example"
    assert other == "a+acme-ltd-0002@msp.example"


def test_a_long_client_key_is_cut_and_the_token_is_not() -> None:
    address = address_of("awsaccounts@long-company-name.example", "a" * 60)

    assert address == "awsaccounts+aaaaaaaaaaaaaaaaaaaaa-7f3a@long-company-name.example"
    assert len(address) == 64


def test_a_client_key_without_latin_letters_leaves_the_token_alone() -> None:
    assert address_of("aws@msp.example", "株式会社") == "aws+7f3a@msp.example"


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("a@b.c", "5 characters"),
        ("a" * 60 + "@b.example", "70 characters"),
        ("müller@msp.example", "7-bit ASCII"),
        ("a@b@c.example", "exactly one @"),
        (".aws@msp.example", "begin with a dot"),
        ("a b@msp.example", "may not hold ' '"),
        ("a%b@msp.example", "may not hold '%'"),
        ("a:b@msp.example", "may not hold ':'"),
        ("aws@nodots", "'nodots' is no domain"),
        ("aws@-msp.example", "is no domain"),
    ],
)
def test_an_address_aws_would_refuse_is_refused_in_one_line(email: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem) as refused:
        check_email(email)

    assert "\n" not in str(refused.value)


def test_a_mailbox_too_long_for_any_plus_address_is_refused() -> None:
    with pytest.raises(BadInput, match="65 characters"):
        address_of("a" * 48 + "@msp.example")


def test_a_taken_address_is_refused_whatever_its_case() -> None:
    with pytest.raises(BadInput, match="taken by another account"):
        check_free("aws+acme@msp.example", taken={"AWS+Acme@MSP.example"})


def test_a_creation_is_asked_for_by_client_purpose_and_token() -> None:
    assert name_of("Acme") == "Acme prod (7f3a)"
    assert name_of("Acme", purpose="") == "Acme (7f3a)"


@pytest.mark.parametrize(
    ("client_name", "purpose", "name"),
    [
        ("Acme", "prod", "prod"),
        ("Acme", " web  shop ", "web shop"),
        ("Müller & Söhne", "", "Muller & Sohne"),
        ("<b>Acme</b>", "", "b Acme /b"),
        ("株式会社", "", "acme"),
        ("The Very Long Company Name of Somebody Important GmbH", "",
         "The Very Long Company Name of Somebody Important G"),
    ],
)  # fmt: skip
def test_an_account_is_called_what_was_asked_for_or_else_like_its_client(
    client_name: str, purpose: str, name: str
) -> None:
    assert account_name(client_name=client_name, client_key="acme", purpose=purpose) == name


def test_a_long_client_name_is_cut_to_fifty_characters_in_all() -> None:
    name = name_of("The Very Long Company Name of Somebody Important GmbH")

    assert name == "The Very Long Company Name of Somebody prod (7f3a)"
    assert len(name) == 50


@pytest.mark.parametrize(
    ("client_name", "ascii_name"),
    [
        ("Müller & Söhne", "Muller & Sohne"),
        ("Straße Łódź Ærø", "Strasse Lodz Aero"),
        ("L’Oréal – Paris", "L'Oreal - Paris"),
        ("株式会社アクメ", "acme"),
        ("Acme 株式会社", "acme"),
        ("Αθήνα", "acme"),
        ("™©", "TM"),
        ("🚀🚀", "acme"),
        ("", "acme"),
    ],
)
def test_a_client_name_loses_its_accents_or_gives_way_to_the_key(
    client_name: str, ascii_name: str
) -> None:
    assert to_ascii(client_name, fallback="acme") == ascii_name


def test_a_purpose_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(BadInput, match="leaves no room"):
        name_of("Acme", purpose="p" * 43)


@pytest.mark.parametrize(
    ("purpose", "words"),
    [
        ("büro", "not 'büro': ask for 'buro' instead"),
        ("本番", "not '本番': give it in Latin letters"),
        ("a\tb", r"not 'a\\tb': ask for 'a b' instead"),
        ("a<b", "no < and no > in an account's name; leave them out of 'a<b'"),
    ],
)
def test_a_purpose_is_never_changed_but_another_one_proposed(purpose: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        name_of("Müller", purpose=purpose)

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "x" * 51, "Müller", "a\tb", "a<b", "a>b"])
def test_a_name_aws_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="1 to 50 printable ASCII"):
        check_account_name(name)


@pytest.mark.parametrize(
    "onboarding_id", ["7f3a", "onb-", "onb-7F3A", "onb-abc", "onb-" + "a" * 17]
)
def test_an_onboarding_id_of_another_form_is_refused(onboarding_id: str) -> None:
    with pytest.raises(BadInput, match="no onboarding id"):
        token_of(onboarding_id)


def test_a_slug_holds_letters_digits_and_single_hyphens() -> None:
    assert to_slug("  ACME,  Ltd. (Ireland) ") == "acme-ltd-ireland"
