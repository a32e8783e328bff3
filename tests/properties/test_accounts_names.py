"""Whatever a client is called, its address and account name are ones AWS takes, and its own."""

import string

from hypothesis import given
from hypothesis import strategies as st

from accounts.model.emails import check_email, plus_address
from accounts.model.naming import (
    account_name,
    check_account_name,
    name_with_token,
    to_ascii,
    to_slug,
)
from kernel.errors import BadInput

TOKENS = st.text(string.ascii_lowercase + string.digits, min_size=4, max_size=16)
KEYS = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=40)
ANY = st.text(max_size=80)


@given(ANY, KEYS, st.text(string.ascii_letters, max_size=20), TOKENS)
def test_every_client_gets_a_name_that_aws_takes_and_that_ends_in_its_token(
    client_name: str, client_key: str, purpose: str, token: str
) -> None:
    name = name_with_token(
        client_name=client_name,
        client_key=client_key,
        purpose=purpose,
        onboarding_id=f"onb-{token}",
    )

    assert check_account_name(name) == name
    assert name.endswith(f"({token})")
    asked = account_name(client_name=client_name, client_key=client_key, purpose=purpose)
    assert check_account_name(asked) == asked


@given(ANY, TOKENS)
def test_every_client_gets_an_address_that_aws_takes_and_that_holds_its_token(
    client_key: str, token: str
) -> None:
    address = plus_address(
        mailbox="aws@msp.example", client_key=client_key, onboarding_id=f"onb-{token}"
    )

    assert check_email(address) == address
    assert address.endswith(f"{token}@msp.example")
    assert len(address) <= 64


@given(ANY, ANY, TOKENS, TOKENS)
def test_two_onboardings_never_share_an_address_or_a_name(
    one: str, other: str, first: str, second: str
) -> None:
    if first == second:
        return
    addresses = {
        plus_address(mailbox="aws@msp.example", client_key=key, onboarding_id=f"onb-{token}")
        for key, token in ((one, first), (other, second))
    }
    names = {
        name_with_token(
            client_name=name, client_key="key", purpose="", onboarding_id=f"onb-{token}"
        )
        for name, token in ((one, first), (other, second))
    }

    assert len(addresses) == 2
    assert len(names) == 2


@given(ANY)
def test_transliteration_is_ascii_and_settles(text: str) -> None:
    plain = to_ascii(text, fallback="key")

    assert plain.isascii()
    assert to_ascii(plain, fallback="key") == plain
    assert set(to_slug(text)) <= set(string.ascii_lowercase + string.digits + "-")


@given(st.text(max_size=70))
def test_an_address_is_taken_or_refused_in_one_line(email: str) -> None:
    assert words_about(email).count("\n") == 0


def words_about(email: str) -> str:
    try:
        return check_email(email)
    except BadInput as refused:
        return str(refused)
