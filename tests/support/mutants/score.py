"""Owns the table of `make mutants`: of each module, how many changes of it some test noticed."""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mutmut.stats import status_by_exit_code

MUTANTS = Path("mutants")
LEAST_PERCENT = 90
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    name: str
    module: str
    status: str
    is_wording: bool
    """Only the letters of a text with a blank in it are others: no test holds a sentence."""


def mutants_of(meta: Path) -> Iterator[Mutant]:
    """Those of one module, from what mutmut keeps beside its copy of it."""
    exit_codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    code = meta.with_suffix("").read_text(encoding="utf-8")
    functions = {
        node.name: node for node in ast.walk(ast.parse(code)) if isinstance(node, FUNCTION)
    }
    module = ".".join(meta.relative_to(MUTANTS).with_suffix("").with_suffix("").parts)
    for name, exit_code in exit_codes.items():
        function = name.rpartition(".")[2]
        original = functions[function.rpartition("__mutmut_")[0] + "__mutmut_orig"]
        yield Mutant(
            name, module, status_by_exit_code[exit_code], is_wording(original, functions[function])
        )


def is_wording(original: ast.AST, mutant: ast.AST) -> bool:
    """Whether nothing but the letters of sentences differ; a format is no sentence."""
    before, after = list(ast.walk(original)), list(ast.walk(mutant))
    if [type(node) for node in before] != [type(node) for node in after]:
        return False
    changed = []
    for one, other in zip(before, after, strict=True):
        if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
            if one.value != other.value:
                changed.append((one.value, other.value))
        elif not isinstance(one, FUNCTION) and _own(one) != _own(other):
            return False
    return bool(changed) and all(_is_sentence(a) and isinstance(b, str) for a, b in changed)


def _own(node: ast.AST) -> list[object]:
    """What a node says itself: a name, an attribute, an argument's keyword."""
    return [value for _, value in ast.iter_fields(node) if isinstance(value, str | int)]


def _is_sentence(value: object) -> bool:
    return isinstance(value, str) and " " in value.strip() and "%" not in value


def table(mutants: list[Mutant]) -> tuple[str, bool]:
    """The score by module and of all, as Markdown, and whether that of all is enough.

    What never ended has lived: it may as well be the machine that was slow.
    """
    modules = {each.module: Counter[str]() for each in mutants}
    for each in mutants:
        modules[each.module]["wording" if each.is_wording else each.status] += 1
    modules["all"] = sum(modules.values(), Counter[str]())
    lines = ["| Module | Killed | Lived | Not run | Wording | Score |", "|---|--:|--:|--:|--:|--:|"]
    for module, counts in modules.items():
        killed, not_run = counts["killed"], counts["not checked"]
        lived = counts.total() - killed - not_run - counts["wording"]
        score = f"{killed / (killed + lived):.1%}" if killed + lived else "–"
        lines.append(
            f"| {module} | {killed} | {lived} | {not_run} | {counts['wording']} | {score} |"
        )
    return "\n".join(lines), killed * 100 >= LEAST_PERCENT * (killed + lived) > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", default=["*"], help="modules, as invoices.allocation.*")
    parser.add_argument("--every", type=int, help="name each k-th mutant, to be run as a sample")
    parser.add_argument("--lived", action="store_true", help="name those no test noticed")
    arguments = parser.parse_args()
    mutants = [
        mutant
        for meta in sorted(MUTANTS.rglob("*.py.meta"))
        for mutant in mutants_of(meta)
        if any(fnmatch(mutant.module, pattern) for pattern in arguments.only)
    ]
    counted = [each for each in mutants if not each.is_wording]
    if arguments.every:
        print(*(each.name for each in counted[:: arguments.every]))
        return 0
    if arguments.lived:
        print(*(e.name for e in counted if e.status not in {"killed", "not checked"}), sep="\n")
        return 0
    text, is_enough = table(mutants)
    print(text)
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
