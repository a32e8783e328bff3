"""A rule of one account says more than one of none, and changes nothing where there is none."""

from invoices.explanation import explain_charges
from invoices.month import bill
from service.configuration.reading import read_configuration
from tests.support.builders import book, charge, charges, fixed, inputs, markup, owns

WEB, SHOP = "111111111111", "222222222222"
RULES = [
    markup("10"),
    markup("20", account_id=SHOP),
    markup("30", service="AmazonEC2"),
    markup("40", service="AmazonEC2", account_id=SHOP),
]
ROWS = [
    charge(account, "100", service=service)
    for account in (WEB, SHOP)
    for service in ("AmazonS3", "AmazonEC2")
]


def test_what_is_of_the_account_and_the_service_says_most() -> None:
    """110 and 130 on the one, 120 and 140 on the other; of an account or a service, the first."""
    given = inputs(owns("a", WEB), owns("a", SHOP), books=[book(*RULES)])
    month = bill(charges(*ROWS), given)

    (statement,) = month.statements
    prices = {(line.account_id, line.service): line.price for line in statement.lines}
    assert prices == {
        (WEB, "AmazonS3"): 110,
        (WEB, "AmazonEC2"): 130,
        (SHOP, "AmazonS3"): 120,
        (SHOP, "AmazonEC2"): 140,
    }
    shop = next(each for each in statement.lines if each.key == f"{SHOP}/AmazonEC2/usage")
    told = explain_charges(shop, charges(*ROWS), given, invoice=month.drafts[0].invoice)
    assert told.charges[0].rule == f"service=AmazonEC2 account_id={SHOP}: +40 %"
    assert told.charges[0].others == (
        f"account_id={SHOP}: +20 %",
        "service=AmazonEC2: +30 %",
        "everything: +10 %",
    )


def test_a_fixed_rate_of_an_account_keeps_the_key_of_its_line() -> None:
    rows = [charge(SHOP, "5", usage="10", unit="GB")]
    keys = [
        [line.key for line in bill(charges(*rows), given).statements[0].lines]
        for rule in (fixed("2"), fixed("2", account_id=SHOP))
        for given in [inputs(owns("a", SHOP), books=[book(rule)])]
    ]

    assert keys[0] == keys[1]


FILE = """price_books:
  - key: s
    from: 2018-10
    cost_basis: billed
    rules:
      - {match: {service: AmazonEC2, region: eu-*}, markup_percent: "7.5"}
      - {match: {usage_type: "*T*"}, rate: "0.05"}
"""


def test_a_book_that_says_nothing_of_accounts_has_the_version_that_it_had() -> None:
    """As it was recorded before rules could match one."""
    (before,) = read_configuration(FILE).price_books
    (after,) = read_configuration(FILE.replace("region: eu-*", f'account: "{SHOP}"')).price_books

    assert before.version == "490572529b4f8f23"
    assert after.version != before.version
    assert after.rules[0].match.account_id == SHOP
    assert after.rules[0] == markup("7.5", service="AmazonEC2", account_id=SHOP)
