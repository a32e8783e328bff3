"""The worked example of the accounts README, recomputed."""

from accounts.model.emails import plus_address
from accounts.model.naming import account_name, name_with_token
from tests.support.accounts_reseller import RESELLER
from tests.support.core_worker import Worker
from tests.support.places import ROOT
from tests.unit.accounts.conftest import recovered, with_its_codes

README = " ".join((ROOT / "accounts/README.md").read_text("utf-8").split())


def test_the_readmes_example_is_true(worker: Worker) -> None:
    name = name_with_token(
        client_name="Acme", client_key="acme", purpose="prod", onboarding_id="onb-7f3a"
    )
    final = account_name(client_name="Acme", client_key="acme", purpose="prod")
    address = plus_address(mailbox=RESELLER.mailbox, client_key="acme", onboarding_id="onb-7f3a")
    worker.run()
    proofs = [call for call in worker.sent if call.step.startswith("prove_")]

    assert f"asked for as `{name}` with the root address `{address}`" in README
    assert f"is called `{final}` once it is adopted" in README
    assert f"sends {len(worker.sent)} calls" in README
    assert f"({worker.count('DescribeCreateAccountStatus')} of them polls" in README
    assert worker.count("CreateRole") == 5
    assert len(proofs) == 11
    assert [call.expects_refusal for call in proofs] == [False] * 5 + [True] * 6


def test_the_readmes_hand_over_is_true(live: Worker) -> None:
    with_its_codes(recovered(live))
    proofs = [key for key in live.stored.proofs if key.startswith("prove_no_access")]

    assert f"Leaving standalone takes {len(live.sent)} calls, 25 of them" in README
    assert f"it leaves {len(proofs)} proofs of AccessDenied" in README


def test_every_file_has_its_place_in_the_readme() -> None:
    files = [path for path in (ROOT / "accounts").rglob("*.py") if path.stem != "__init__"]

    assert len(files) > 40
    assert [f.stem for f in sorted(files) if f"`{f.stem}`" not in README] == []
