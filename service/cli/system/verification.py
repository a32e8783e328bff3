"""The command that proves an installation: nothing that was issued is another than it was."""

import typer

from jobs.verification.verifying import verify as prove
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened
from service.cli.options import AsJson
from service.cli.progress import progress
from service.store.archive.proof import DamagedDocuments

NO_CHECKPOINT = (
    "no checkpoint was compared: whoever may change the database could have cut off the newest "
    "documents, or written every hash anew, and this would not show it"
)


def verify(as_json: AsJson = False) -> None:
    """Prove that what was issued is what it was; the first bad row is named, and status 1."""
    with opened() as environment, progress() as report:
        try:
            verified = prove(environment, (), report)
        except DamagedDocuments as damaged:
            if as_json:
                output.print_json({"verified": False, "problem": str(damaged)})
            output.complain(str(damaged))
            raise typer.Exit(EXIT_FINDING) from damaged
    proven = verified.proven
    if as_json:
        output.print_json({
            "verified": True, "documents": proven.documents, "files": proven.files,
            "months": verified.months, "linked_at_upgrade": proven.upgraded,
            "series": [
                {"key": head.series, "links": head.position, "chain_sha256": head.chain_sha256,
                 "last_number": head.number}
                for head in proven.heads
            ],
        })  # fmt: skip
    else:
        output.say(
            f"verified: {proven.documents} documents, {proven.files} files, "
            f"{verified.months} months"
        )
        for head in proven.heads:
            output.say(f"{head.series}: {head.position} links, the last of {head.number}")
    if proven.upgraded:
        output.note(
            f"{proven.upgraded} links were made by an upgrade, over what was there then: they "
            "prove it from that day on"
        )
    output.note(NO_CHECKPOINT)
