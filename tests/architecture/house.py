"""Measures the house: `python tests/architecture/house.py [CHECKOUT]` prints one JSON object.

Imports are read, not run, so that any checkout of any age can be measured by the same script.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

PACKAGES = ("kernel", "accounts", "invoices", "jobs", "service", "sandbox")
RUN_LINES = 6


def main(root: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    done = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True)
    paths = [Path(each) for each in done.stdout.split() if (root / each).is_file()]
    ours = [path for path in paths if path.parts[0] in PACKAGES]
    sources = {path: (root / path).read_text(encoding="utf-8") for path in ours}
    trees = {path: ast.parse(source) for path, source in sources.items()}
    print(json.dumps(measured(sources, trees), indent=2))


def measured(sources: dict[Path, str], trees: dict[Path, ast.Module]) -> dict[str, object]:
    folders = Counter(path.parent.as_posix() for path in sources if path.name != "__init__.py")
    homonyms = homonyms_of(trees)
    return {
        "files": len(sources),
        "lines": sum(source.count("\n") for source in sources.values()),
        "fullest folders": dict(folders.most_common(5)),
        "deepest chain of imports": depth(imports_of(trees)),
        "class names of two meanings": len(homonyms),
        "which": sorted(homonyms),
        "runs of six equal lines": equal_runs(sources),
        "comment lines in a hundred": comments(sources),
    }


def homonyms_of(trees: dict[Path, ast.Module]) -> dict[str, list[str]]:
    places = defaultdict(list)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    return {name: found for name, found in places.items() if len(found) > 1}


def imports_of(trees: dict[Path, ast.Module]) -> dict[str, set[str]]:
    """Between modules of ours; what only type checkers import is left out."""
    modules = {path.with_suffix("").as_posix().replace("/", "."): path for path in trees}
    arrows: dict[str, set[str]] = {}
    for module, path in modules.items():
        arrows[module] = set()
        for node in trees[path].body:
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{each.name}" for each in node.names]
                arrows[module] |= {name for name in (*names, node.module) if name in modules}
    return arrows


def depth(arrows: dict[str, set[str]]) -> int:
    """How many modules stand on each other in the longest chain."""

    @cache
    def below(module: str) -> int:
        return 1 + max((below(each) for each in arrows[module]), default=0)

    return max(map(below, arrows))


def equal_runs(sources: dict[Path, str]) -> int:
    """Places where six lines of code in a row stand a second time, without blanks and imports."""
    seen: Counter[tuple[str, ...]] = Counter()
    for source in sources.values():
        code = [line.strip() for line in source.splitlines()]
        code = [line for line in code if len(line) > 3 and not line.startswith(("from ", "import"))]
        seen.update({tuple(code[at : at + RUN_LINES]) for at in range(len(code) - RUN_LINES + 1)})
    return sum(times - 1 for times in seen.values() if times > 1)


def comments(sources: dict[Path, str]) -> float:
    written = [line.strip() for source in sources.values() for line in source.splitlines()]
    written = [line for line in written if line]
    return round(100 * sum(line.startswith("#") for line in written) / len(written), 2)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
