"""The commands that prove an installation, and that remember outside it what was issued."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.verification.verifying import verify as prove
from kernel.errors import BadInput
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.opening import opened, retention
from service.cli.options import AsJson
from service.cli.progress import progress
from service.settings import read_settings
from service.store.archive.chain import heads
from service.store.archive.proof import DamagedDocuments, Mark

NO_CHECKPOINT = (
    "no checkpoint was compared: whoever may change the database could have cut off the newest "
    "documents, or written every hash anew, and this would not show it"
)


def verify(
    checkpoints: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="A folder or s3://bucket/prefix; else REBILL_CHECKPOINT_TO."
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Its public key; else that of REBILL_CHECKPOINT_KEY."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that what was issued is what it was; the first bad row is named, and status 1."""
    count, marks = _remembered(checkpoints, key, as_json)
    with opened() as environment, progress() as report:
        try:
            verified = prove(environment, marks, report)
        except DamagedDocuments as damaged:
            raise _failed(str(damaged), as_json) from damaged
    proven = verified.proven
    remembered = {(mark.head.series, mark.head.position) for mark in marks}
    unremembered = [
        head.series
        for head in proven.heads
        if count and (head.series, head.position) not in remembered
    ]
    if as_json:
        output.print_json({
            "verified": True, "documents": proven.documents, "files": proven.files,
            "months": verified.months, "months_confirmed": verified.confirmed,
            "differing_from_aws": list(verified.differing), "linked_at_upgrade": proven.upgraded,
            "checkpoints": count, "series_ahead_of_checkpoints": unremembered,
            "series": [
                {"key": head.series, "links": head.position, "chain_sha256": head.chain_sha256,
                 "last_number": head.number}
                for head in proven.heads
            ],
        })  # fmt: skip
    else:
        output.say(
            f"verified: {proven.documents} documents, {proven.files} files, "
            f"{verified.months} months ({verified.confirmed} confirmed by AWS's own totals), "
            f"{count} checkpoints"
        )
        for head in proven.heads:
            output.say(f"{head.series}: {head.position} links, the last number {head.number}")
    if proven.upgraded:
        output.note(
            f"{proven.upgraded} links were made by an upgrade, over what was there then: they "
            "prove it from that day on"
        )
    for series in unremembered:
        output.note(
            f"{series}: its newest documents are in no checkpoint yet; `rebill checkpoint write` "
            "writes one"
        )
    if not count:
        output.note(NO_CHECKPOINT)
    for words in verified.differing:
        output.complain(words)
    if verified.differing:
        raise typer.Exit(EXIT_FINDING)


def _remembered(place: str | None, key: Path | None, as_json: bool) -> tuple[int, tuple[Mark, ...]]:
    """Read before the database is: what is issued meanwhile is no cut tail."""
    settings = read_settings()
    if place is None and key is None and settings.checkpoint_key is not None:
        place = settings.checkpoint_to
        key = settings.checkpoint_key.with_name(f"{settings.checkpoint_key.name}.pub")
    if (place is None) != (key is None):
        raise BadInput("--checkpoints and --key belong together: who signed them is part of it")
    if place is None or key is None:
        return 0, ()
    # Only here: cryptography takes its time to load.
    from jobs.verification.checkpoints import BadCheckpoint, checking_key, read_marks

    try:
        return read_marks(place, checking_key(key))
    except BadCheckpoint as bad:
        raise _failed(str(bad), as_json) from bad


def _failed(problem: str, as_json: bool) -> typer.Exit:
    if as_json:
        output.print_json({"verified": False, "problem": problem})
    output.complain(problem)
    return typer.Exit(EXIT_FINDING)


def make_key(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes.")],
) -> None:
    """Make the key that signs checkpoints; its public half goes beside it, to `FILE.pub`."""
    from jobs.verification import checkpoints

    output.say(f"{out}, {checkpoints.make_key(out)}")


def checkpoint(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PLACE",
            help="A folder or s3://bucket/prefix; else REBILL_CHECKPOINT_TO.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="The private key; else that of REBILL_CHECKPOINT_KEY."
        ),
    ] = None,
    lock: Annotated[
        str | None,
        typer.Option(
            "--lock",
            metavar="MODE:DAYS",
            help="Of S3: governance or compliance; else REBILL_CHECKPOINT_LOCK.",
        ),
    ] = None,
) -> None:
    """Sign where every series ends now, and keep it outside the database."""
    from jobs.verification.checkpoints import lock_words, signing_key, write_checkpoint

    settings = read_settings()
    if to is None and key is None:
        to, key, lock = (
            settings.checkpoint_to,
            settings.checkpoint_key,
            lock or settings.checkpoint_lock,
        )
    if to is None or key is None:
        raise BadInput(
            "--to and --key belong together: give both, or set REBILL_CHECKPOINT_TO and "
            "REBILL_CHECKPOINT_KEY"
        )
    asked = None if lock is None else retention(lock)
    signing = signing_key(key)
    with opened() as environment:
        with environment.database.transaction() as session:
            ends = heads(session)
        written = write_checkpoint(to, signing, ends, environment.now(), asked)
    output.say(f"{written.name}: {len(ends)} series")
    if written.not_locked:
        output.note(f"{written.name}: not locked, who may delete it can: {written.not_locked}")
    elif words := lock_words(to, written.name):
        output.say(f"{written.name}: {words}")
