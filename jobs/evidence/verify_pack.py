"""Verifies an evidence pack: python3 verify.py, in the folder where it was unpacked.

It needs nothing but Python 3.8 or later, and openssl for the signature of a checkpoint. It names
everything that is wrong, and ends with status 1 where anything is. It stands by itself: it is
shipped inside each pack, and shares no code with what made it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, Iterator, List

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
LEFT_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What a system puts into a folder that somebody looked at."""

notes: List[str] = []
"""What could not be checked here, or is no part of the pack: nothing that is wrong."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def canonical(value: Any) -> bytes:
    """Sorted keys, no blanks, UTF-8: how everything is spelled before it is hashed."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def load(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def check_sums() -> Iterator[str]:
    """Every file is what SHA256SUMS says, none is missing, and none is there besides."""
    listed: Dict[str, str] = {}
    for line in (HERE / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    there = {each.relative_to(HERE).as_posix() for each in HERE.rglob("*") if each.is_file()}
    for name in sorted(listed):
        if name not in there:
            yield f"{name}: it is missing"
        elif sha256((HERE / name).read_bytes()) != listed[name]:
            yield f"{name}: it was changed, its SHA-256 is another"
    for name in sorted(there - set(listed) - {SUMS}):
        if Path(name).name in LEFT_BY_SYSTEMS or Path(name).name.startswith("._"):
            notes.append(f"{name}: it is no part of the pack; your system put it there")
        else:
            yield f"{name}: it is not in {SUMS}"


def check_documents() -> Iterator[str]:
    """Each document adds up, and its files are those that the chain has."""
    for document in load("evidence.json")["documents"]:
        body = load(document["files"]["json"])
        if body["number"] != document["number"]:
            yield f"{document['files']['json']}: its number is {body['number']}"
        lines = sum((Decimal(each["amount"]) for each in body["lines"]), Decimal(0))
        tax = sum((Decimal(each["tax"]) for each in body["tax_lines"]), Decimal(0))
        sums = (Decimal(body["subtotal"]), Decimal(body["tax"]), Decimal(body["total"]))
        if sums != (lines, tax, lines + tax):
            yield f"{document['number']}: its lines and its tax are not its total"


def check_chains() -> Iterator[str]:
    """Each link holds the one before it, and all that it says; the documents are those linked."""
    facts: Dict[str, Dict[str, Any]] = {}
    for name in load("evidence.json")["chains"]:
        chain = load(name)
        before = chain["follows"]
        for link in chain["links"]:
            where = f"{name}: link {link['position']}"
            said = link.get("said")
            if said is not None:
                if sha256(canonical(said)) != link["said_sha256"]:
                    yield f"{where}: what it says is not what was hashed"
                of = said.get("LinkedDocument") or said["LinkedFile"]
                key = f"{of['document_id']} {of.get('format', '')}"
                facts[key] = of
            before = sha256((before + link["said_sha256"]).encode())
            if before != link["chain_sha256"]:
                yield f"{where}: it does not follow the link before it"
                before = link["chain_sha256"]
    for document in load("evidence.json")["documents"]:
        yield from check_linked(document, facts)


def check_linked(document: Dict[str, Any], facts: Dict[str, Dict[str, Any]]) -> Iterator[str]:
    key = document["document_id"]
    linked = facts.get(f"{key} ")
    if linked is None or linked["number"] != document["number"]:
        yield f"{document['number']}: it is in no chain"
        return
    body = (HERE / document["files"]["json"]).read_bytes()
    if sha256(body[:-1]) != linked["body_sha256"]:
        yield f"{document['number']}: it is not the document that the chain has"
    for extension, name in sorted(document["files"].items()):
        of = facts.get(f"{key} {extension}")
        content = (HERE / name).read_bytes()
        if of is None or (of["bytes_sha256"], of["size_bytes"]) != (sha256(content), len(content)):
            yield f"{name}: it is not the file that the chain has"


def check_checkpoints() -> Iterator[str]:
    """What was signed outside the database saw the same chain, link for link."""
    chains = {load(name)["series"]: load(name) for name in load("evidence.json")["chains"]}
    for name in load("evidence.json")["checkpoints"]:
        signed = load(name)
        said = signed["checkpoint"]
        if canonical(said) != (HERE / f"{name}.signed").read_bytes():
            yield f"{name}: what was signed is not what it says"
        if bytes.fromhex(signed["signature"]) != (HERE / f"{name}.sig").read_bytes():
            yield f"{name}: its signature is another"
        yield from check_seen(name, said["heads"], chains)
        yield from check_signature(name)


def check_seen(name: str, heads: List[Any], chains: Dict[str, Any]) -> Iterator[str]:
    seen = 0
    for head in heads:
        for link in chains.get(head["series"], {"links": []})["links"]:
            if link["position"] == head["position"]:
                seen += 1
                if link["chain_sha256"] != head["chain_sha256"]:
                    yield f"{name}: it saw another link {head['position']} of {head['series']}"
    if not seen:
        yield f"{name}: it saw none of the links in here"


def check_signature(name: str) -> Iterator[str]:
    openssl = shutil.which("openssl")
    if openssl is None:
        notes.append(f"{name}: its signature is not checked, since there is no openssl")
        return
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "checkpoints/key.pub"]
    command += ["-rawin", "-in", f"{name}.signed", "-sigfile", f"{name}.sig"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, check=False)
    if done.returncode == 0:
        return
    said = (done.stdout + done.stderr).decode(errors="replace")
    if "Verification Failure" in said:
        yield f"{name}: it is not signed by checkpoints/key.pub"
    else:
        # LibreSSL, which macOS calls openssl, and OpenSSL before 3.0 do not know -rawin.
        why = said.strip().splitlines() or ["it says nothing"]
        notes.append(f"{name}: its signature is not checked, OpenSSL 3 can: {why[0]}")


def check_inputs() -> Iterator[str]:
    """What a month was billed from has the hash of its content for its name."""
    for name in load("evidence.json")["inputs"]:
        if sha256((HERE / name).read_bytes()) != Path(name).stem:
            yield f"{name}: it is not what its name says"


def check_months() -> Iterator[str]:
    """What AWS asks of the payer is what clients bear, what is retained, and nothing else."""
    for name in load("evidence.json")["reconciliations"]:
        proof = load(name)
        retained = sum(map(Decimal, proof["retained"].values()), Decimal(0))
        clients = sum((Decimal(each["cost"]) for each in proof["clients"]), Decimal(0))
        rest = Decimal(proof["unassigned"]) + Decimal(proof["rounding"])
        if clients + retained + rest != Decimal(proof["payer_total"]):
            yield f"{name}: the clients' costs and what is retained are not the payer's total"


def main() -> int:
    problems: List[str] = []
    try:
        for check in (
            check_sums,
            check_documents,
            check_chains,
            check_checkpoints,
            check_inputs,
            check_months,
        ):
            problems += check()
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as broken:
        problems.append(f"the pack cannot be read on: {type(broken).__name__}: {broken}")
    for each in notes:
        print(f"NOTE   {each}")
    for each in problems:
        print(f"WRONG  {each}")
    count = len(load("evidence.json")["documents"]) if not problems else 0
    print(f"{len(problems)} problems" if problems else f"OK  {count} documents")
    return 1 if problems else 0


if __name__ == "__main__":
    # Names may have letters that a console has not.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
