"""Owns what is in an evidence pack: of a month all of it, of an invoice what its client may see.

Costs, margins, rules and other clients are in the month's pack alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from invoices.clients import AccountId
from invoices.documents.document import canonical_bytes
from invoices.inputs import BillingInputs
from invoices.month import inputs_id
from invoices.periods import BillingPeriod
from jobs.evidence.chains import CheckpointPlace, chains_of
from jobs.evidence.packing import with_sums
from kernel.errors import BadInput
from kernel.file_names import file_name
from service.store import runs
from service.store.access import audit
from service.store.archive.proof import prove_documents
from service.store.billing import documents, invoices, months, snapshots
from service.store.billing.documents import Issued
from service.store.billing.snapshots import Snapshot
from service.store.runs import Run
from service.store.session import Session
from service.store.tables.runs import RunKind

MONTH, INVOICE = "month", "invoice"


@dataclass(frozen=True, slots=True)
class _Documented:
    """An issued document, and what it was billed from."""

    issued: Issued
    inputs: BillingInputs
    snapshot: Snapshot


def month_pack(
    session: Session,
    period: BillingPeriod,
    payers: Iterable[AccountId],
    outside: CheckpointPlace | None,
    *,
    version: str,
) -> dict[str, bytes]:
    """For whoever may see all of it. Raises BadInput where nothing is issued; DamagedDocuments.

    Everything that was issued is proven first: none of it is read as it is before.
    """
    prove_documents(session)
    by_payer = {payer: _documented(session, payer, period) for payer in sorted(payers)}
    found = [each for documented in by_payer.values() for each in documented]
    if not found:
        raise BadInput(f"nothing of {period} is issued yet: there is nothing to give evidence of")
    contents: dict[str, bytes] = {}
    reconciliations = []
    for payer, documented in by_payer.items():
        if not documented:
            continue
        folder = f"months/{file_name(payer)}"
        proof = months.reconciliation(session, payer, period)
        reconciliations.append(f"{folder}/reconciliation.json")
        contents |= {
            reconciliations[-1]: _json(proof.to_json()),
            f"{folder}/sources.json": _json(_sources(documented)),
            f"{folder}/overrides.json": _json(_overrides(session, payer, period, documented)),
        }
    inputs = {inputs_id(each.inputs): each.inputs for each in found}
    named = {f"inputs/{identity}.json": canonical_bytes(inputs[identity]) for identity in inputs}
    told = [_document(session, each, contents) | _prices(each) for each in found]
    manifest = {
        "pack": MONTH,
        "period": str(period),
        "documents": told,
        "inputs": sorted(named),
        "reconciliations": reconciliations,
    }
    return _whole(session, manifest, contents | named, found, outside, version)


def invoice_pack(
    session: Session,
    period: BillingPeriod,
    number: str,
    outside: CheckpointPlace | None,
    *,
    version: str,
) -> dict[str, bytes]:
    """For its client's auditor: the document, those that correct it, and nothing of others.

    Raises UnknownInvoice, BadInput, DamagedDocuments.
    """
    prove_documents(session)
    record = invoices.invoice_numbered(session, number)
    if record.period != period:
        raise BadInput(f"{number} is of {record.period}, and not of {period}")
    payer = AccountId(record.payer_account_id)
    found = [
        each
        for each in _documented(session, payer, period)
        if each.issued.client == record.client
        and (each.issued.number == number or number in each.issued.invoice.corrects)
    ]
    contents: dict[str, bytes] = {}
    told = [_document(session, each, contents) | _price_version(each) for each in found]
    contents["month.json"] = _json(_month_of_client(session, payer, period, found))
    manifest = {
        "pack": INVOICE,
        "period": str(period),
        "documents": told,
        "inputs": [],
        "reconciliations": [],
    }
    return _whole(session, manifest, contents, found, outside, version)


def _month_of_client(
    session: Session, payer: AccountId, period: BillingPeriod, found: Sequence[_Documented]
) -> dict[str, Any]:
    """What a client may know of the payer's month: not what it comes to, nor who else is in it."""
    proof = months.reconciliation(session, payer, period)
    numbers = {each.issued.number for each in found}
    issuing = _issuing(session, payer, period)
    return {
        "period": str(period),
        "closes": proof.closes,
        "confirmed_by": list(proof.confirmed_by),
        "sources": [_files_only(each) for each in _sources(found)],
        "waivers": _own_waivers(found),
        "runs": [_run(run, numbers) for run in issuing if numbers & {*run.numbers}],
    }


def _documented(
    session: Session, payer: AccountId, period: BillingPeriod
) -> tuple[_Documented, ...]:
    found = []
    for issued in documents.issued_documents(session, payer, period):
        inputs = months.inputs(session, invoices.inputs_id(session, issued.draft_id))
        snapshot = snapshots.snapshot(session, inputs.snapshot_id)
        found.append(_Documented(issued, inputs, snapshot))
    return tuple(found)


def _whole(
    session: Session,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    found: Iterable[_Documented],
    outside: CheckpointPlace | None,
    version: str,
) -> dict[str, bytes]:
    chains = chains_of(session, [each.issued.id for each in found], outside)
    manifest |= {
        "made_by": f"Rebill {version}",
        "chains": chains.chains,
        "checkpoints": chains.checkpoints,
    }
    resources = files("jobs.evidence")
    return with_sums({
        **contents,
        **chains.files,
        "evidence.json": _json(manifest),
        "verify.py": (resources / "verify_pack.py").read_bytes(),
        "README.txt": (resources / f"readme_{manifest['pack']}.txt").read_bytes(),
    })  # fmt: skip


def _document(session: Session, each: _Documented, contents: dict[str, bytes]) -> dict[str, Any]:
    """What the manifest says of it; its files go into `contents`."""
    issued = each.issued
    folder = f"documents/{file_name(issued.client)}"
    placed = {}
    for file in documents.files_of(session, issued.id):
        name = file_name(issued.number.replace("/", "-"), ending=f".{file.format}")
        placed[file.format] = f"{folder}/{name}"
        contents[placed[file.format]] = file.content
    if "json" not in placed:
        raise BadInput(f"{issued.number} has no files yet: its run is not finished")
    record = invoices.invoice(session, issued.draft_id)
    history = audit.entries_about(session, f"invoice {issued.draft_id}")
    return {
        "number": issued.number,
        "document_id": issued.id,
        "document_type": issued.invoice.document_type or "invoice",
        "corrects": list(issued.invoice.corrects),
        "client": issued.client,
        "issued_on": str(issued.issued_on),
        "files": placed,
        "approved_by": record.approved_by,
        "history": [
            {"at": _at(entry.at), "by": entry.actor, "did": entry.action} for entry in history
        ],
        "inputs_id": inputs_id(each.inputs),
        "snapshot": each.snapshot.id,
    }


def _price_version(each: _Documented) -> dict[str, Any]:
    """Its hash, from which no rule can be read: whoever disputes a price can name it."""
    book = _prices(each)["price_book"]
    return {"price_book": {"version": book["version"]} if book else None}


def _prices(each: _Documented) -> dict[str, Any]:
    key = next((c.price_book for c in each.inputs.clients if c.key == each.issued.client), "")
    book = each.inputs.price_books.get(key)
    if book is None:
        return {"price_book": None}
    return {"price_book": {"key": key, "version": book.version, "from": str(book.start)}}


def _sources(found: Iterable[_Documented]) -> list[dict[str, Any]]:
    """What was read, by the id of its content: the files with the hash that their place has."""
    by_id = {each.snapshot.id: each.snapshot for each in found}
    return [
        {
            "snapshot": each.id,
            "dialect": each.dialect,
            "rows": each.source_rows,
            "final_at_aws": each.finalized,
            "files": list(each.facts.get("files", ())),
            "facts": dict(each.facts),
            "findings": [asdict(finding) for finding in each.findings],
        }
        for each in sorted(by_id.values(), key=lambda each: each.id)
    ]


def _files_only(source: Mapping[str, Any]) -> dict[str, Any]:
    """How much the payer's export holds is not the client's to know: no rows and no sizes."""
    known = {name: source[name] for name in ("snapshot", "dialect", "final_at_aws")}
    return known | {"files": [{n: f[n] for n in ("key", "etag")} for f in source["files"]]}


def _overrides(
    session: Session, payer: AccountId, period: BillingPeriod, found: Iterable[_Documented]
) -> dict[str, Any]:
    waivers = sorted({waiver for each in found for waiver in each.inputs.waivers})
    told = []
    for each in waivers:
        whom = f" of {each.client}" if each.client else ""
        entries = audit.entries_about(session, f"waiver of {each.code}{whom} in {each.period}")
        said = [{"at": _at(entry.at), "by": entry.actor} for entry in entries]
        told.append({
            "code": each.code, "client": each.client, "reason": each.reason, "said": said
        })  # fmt: skip
    return {"waivers": told, "runs": [_run(run) for run in _issuing(session, payer, period)]}


def _own_waivers(found: Sequence[_Documented]) -> list[dict[str, str]]:
    """Of the whole month without their reason, which may name others."""
    return [
        {"code": waiver.code, "client": waiver.client}
        | ({"reason": waiver.reason} if waiver.client else {})
        for waiver in sorted({waiver for each in found for waiver in each.inputs.waivers})
        if waiver.client in ("", found[0].issued.client)
    ]


def _issuing(session: Session, payer: AccountId, period: BillingPeriod) -> tuple[Run, ...]:
    every = runs.recent_runs(session, payer_account_id=payer, period=period, limit=10_000)
    return tuple(
        sorted(
            (run for run in every if run.kind is RunKind.ISSUING and run.numbers),
            key=lambda run: run.id,
        )
    )


def _run(run: Run, numbers: set[str] | None = None) -> dict[str, Any]:
    return {
        "by": run.requested_by,
        "at": _at(run.requested_at),
        "numbers": [each for each in run.numbers if numbers is None or each in numbers],
        "issued_on": run.request["issued_on"],
        "although_not_final": run.request["allow_unfinalized"],
        "override": run.request.get("override"),
    }


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _json(value: Any) -> bytes:
    return canonical_bytes(value) + b"\n"


__all__ = ["invoice_pack", "month_pack"]
