"""The house style that linters lack: one door per library, no floats near money, short files."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

PACKAGES = ("kernel", "accounts", "invoices", "jobs", "service", "sandbox", "bench")
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400

# Each library has one door. Everything else asks the module that owns it.
DOORS = {
    "boto3": ("jobs/aws/", "sandbox/"),
    "botocore": ("jobs/aws/", "sandbox/"),
    "fastapi": ("service/api/", "service/web/", "service/app.py"),
    "sqlmodel": ("service/store/",),
    "sqlalchemy": ("service/store/",),
    "procrastinate": (
        "service/store/",
        "jobs/tasks.py",
        "jobs/worker.py",
        "jobs/onboarding/tasks.py",
    ),
}
# Files are read and written by the shells that own them, never in the middle.
BANNED_NAMES = {"utils", "helpers", "common", "misc", "manager", "base"}


def tracked(*endings: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return [path for path in listed if path.endswith(endings) and (ROOT / path).is_file()]


def sources() -> list[str]:
    return [path for path in tracked(".py") if path.split("/")[0] in PACKAGES]


@pytest.mark.parametrize("path", sources())
def test_source_is_tidy(path: str) -> None:
    assert list(untidy(path, (ROOT / path).read_text(encoding="utf-8"))) == []


def untidy(path: str, source: str) -> Iterator[str]:
    lines = source.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{path}: {lines} lines; split at {FILE_LINES_MAX}"
    if Path(path).stem in BANNED_NAMES:
        yield f"{path}: a drawer, not a name"
    tree = ast.parse(source)
    if source.strip() and ast.get_docstring(tree) is None:
        yield f"{path}: no sentence says what it owns"
    for node in ast.walk(tree):
        yield from _untidy_node(path, node)


def _untidy_node(path: str, node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{path}:{node.lineno}: {node.name} is {lines} lines"
        case ast.Import(names=names):
            yield from (_wrong_door(path, node, n.name) for n in names if _shut(path, n.name))
        case ast.ImportFrom(module=str(name)) if _shut(path, name):
            yield _wrong_door(path, node, name)
        case ast.Constant(value=float()) if _is_pure_billing(path):
            yield f"{path}:{node.lineno}: a float near money"
        case ast.Call(func=ast.Name(id=called)) if _is_pure_billing(path):
            if called in {"float", "input", "open", "print"}:
                yield f"{path}:{node.lineno}: {called}() in the pure core"
        case ast.ExceptHandler(body=[ast.Pass()]):
            yield f"{path}:{node.lineno}: an exception is swallowed"


def _is_pure_billing(path: str) -> bool:
    """Rendering lays out pages and columns, whose widths are no money."""
    return path.startswith("invoices/") and not path.startswith("invoices/render/")


def _shut(path: str, module: str) -> bool:
    doors = DOORS.get(module.partition(".")[0])
    return doors is not None and not path.startswith(doors) and not path.startswith("bench/")


def _wrong_door(path: str, node: ast.stmt, module: str) -> str:
    return f"{path}:{node.lineno}: {module} is used only under {DOORS[module.partition('.')[0]]}"


def test_the_tidy_test_has_teeth() -> None:
    bad = '"""x"""\nimport boto3\nx = 1.5\ntry:\n    x = float(x)\nexcept ValueError:\n    pass\n'

    assert len(list(untidy("invoices/money.py", bad))) == 4


def test_the_alembic_folder_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic/__init__.py").exists()


def test_every_package_has_a_readme_or_its_place_in_the_one_above() -> None:
    packages = {str(Path(path).parent) for path in sources() if path.endswith("__init__.py")}

    assert [package for package in sorted(packages) if not _is_explained(Path(package))] == []


def _is_explained(package: Path) -> bool:
    if (ROOT / package / "README.md").is_file():
        return True
    above = ROOT / package.parent / "README.md"
    return above.is_file() and f"`{package.name}" in above.read_text(encoding="utf-8")


FOLDER_FILES_MAX = 15


def test_no_folder_is_too_full_to_read() -> None:
    """What a folder's name says, its files share; of many files nobody can say it."""
    folders: dict[str, int] = {}
    for path in tracked(".py"):
        if path.startswith("alembic/"):
            continue  # A history only grows.
        folder = str(Path(path).parent)
        folders[folder] = folders.get(folder, 0) + (not path.endswith("__init__.py"))

    assert {f: n for f, n in folders.items() if n > FOLDER_FILES_MAX} == {}


def test_nothing_speaks_of_a_machine() -> None:
    marks = ("/" + "work/", "/" + "root/", "." + "library", "sub" + "agent")
    texts = tracked(".py", ".md", ".toml", ".yml", ".yaml", ".typ", "Makefile", "run")

    found = [
        f"{path}: {mark}"
        for path in texts
        for mark in marks
        if path != "uv.lock" and mark in (ROOT / path).read_text(encoding="utf-8")
    ]

    assert found == []


def test_a_class_name_means_one_thing() -> None:
    """A table's row, a value and its form on the wire are told apart by their suffix."""
    places: dict[str, list[str]] = {}
    for path in sources():
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(path)

    assert {name: found for name, found in places.items() if len(found) > 1} == {}
