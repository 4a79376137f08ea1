"""The rules of the house, where no tool knows them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from app.settings import Settings
from tests.support.descriptor_check import DESCRIPTOR, problems, rendered

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
README = ROOT / "README.md"
DEPENDENCIES = ROOT / "docs" / "dependencies.md"
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def files(*suffixes: str, under: str = ".") -> Iterator[Path]:
    """The project's own files: what ``.gitignore`` names is somebody else's."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    folders = [ROOT / under] if (ROOT / under).is_dir() else []
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in ignored or path.name == ".git":
                continue
            if path.is_dir():
                folders.append(path)
            elif not suffixes or path.suffix in suffixes:
                yield path


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, ``from a import b`` as ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rows(path: Path) -> Iterator[list[str]]:
    """The cells of a Markdown file's table rows."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_nothing_is_mocked_and_nothing_speaks_through_httpx() -> None:
    found = {
        f"{named(path)}: {name}"
        for path in files(".py")
        for name in imports(path)
        if name.startswith("unittest.mock") or name.split(".")[0] in {"mock", "httpx"}
    }
    assert found == set()


def test_only_the_settings_read_the_environment() -> None:
    reading = re.compile(r"\bos\.(environ|getenv)|\bfrom os import [^\n]*(environ|getenv)")
    readers = {named(p) for p in files(".py", under="app") if reading.search(p.read_text())}
    assert readers <= {"app/settings.py"}


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    documented = {name for row in rows(README) for name in re.findall(r"`([A-Z][A-Z_]+)`", row[0])}
    assert documented == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"])
def test_what_people_look_for_first_is_there(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_no_file_names_a_path_of_somebodys_machine_or_a_package_registry() -> None:
    # Written so that this file does not name them either.
    foreign = re.compile(
        r"(?<![\w.:/~-])/(?:wor[k]|roo[t]|hom[e]|User[s])/\w"
        r"|\.librar[y]/"
        r"|pypi\.org|pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org"
    )
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.name != "uv.lock" and (match := foreign.search(text)):
            found.append(f"{named(path)}: {match.group()}")
    assert found == []


def direct_dependencies() -> set[str]:
    project = PYPROJECT["project"]
    extras = project.get("optional-dependencies", {}).values()
    groups = PYPROJECT["dependency-groups"].values()
    wanted = [*project["dependencies"], *(line for lines in [*extras, *groups] for line in lines)]
    return {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in wanted}


def test_every_dependency_of_the_product_is_used() -> None:
    used = {name.split(".")[0] for path in files(".py", under="app") for name in imports(path)}
    provided = packages_distributions()
    owners = {
        owner.lower().replace("_", "-") for module in used for owner in provided.get(module, [])
    }
    wanted = {re.split(r"[\[<>=]", line)[0] for line in PYPROJECT["project"]["dependencies"]}
    through_uvicorn = {"httptools"}  # by the protocol that app/serving.py builds on
    assert wanted <= owners | through_uvicorn


def documented_dependencies() -> dict[str, str]:
    """Name and date of release, of each row of docs/dependencies.md."""
    return {row[0].strip("`"): row[-1] for row in rows(DEPENDENCIES) if row[0].startswith("`")}


def test_every_dependency_has_its_reason() -> None:
    assert set(documented_dependencies()) == direct_dependencies()


def test_the_release_dates_of_dependencies_are_those_of_the_locked_versions() -> None:
    released = {
        package["name"]: (package.get("sdist") or package["wheels"][0])["upload-time"]
        for package in LOCK["package"]
        if "registry" in package["source"]
    }
    documented = documented_dependencies()
    assert documented == {name: str(released[name])[:10] for name in documented}


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_fits_on_a_screen_and_has_its_four_parts(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert headings == ["Context", "Decision", "Measured", "Consequences"]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name.split("-")[0]) for path in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))


def test_no_script_writes_html() -> None:
    writing = re.compile(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b")
    found = [
        named(path)
        for folder in ("static", "templates", "forge")
        for path in files(".js", ".html", under=folder)
        if writing.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "path", [*sorted(ROOT.glob("*.md")), *files(".md", under="docs")], ids=named
)
def test_a_link_between_documents_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_make_target_has_its_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z]+):.* ## \w", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    assert targets == set(phony.group(1).split())


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    written = set(re.findall(r"(?:`|^)make ([a-z]+)", README.read_text(), re.MULTILINE))
    assert written <= targets


def test_the_commands_of_the_readme_exist() -> None:
    program = Path(sys.executable).with_name("jira-chatkit")
    text = README.read_text(encoding="utf-8")
    for command in sorted(set(re.findall(r"bin/jira-chatkit ((?:[a-z]+ ?){1,2})", text))):
        words = command.split()
        done = subprocess.run(
            [program, *words, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"jira-chatkit {command}: {done.stderr}"


def test_the_descriptor_is_in_order() -> None:
    assert list(problems(rendered(DESCRIPTOR.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('"READ", "WRITE"|"READ", "WRITE", "ADMIN"', "scopes are"),
        ('"signed-install": true|"signed-install": false', "apiMigrations.signed-install"),
        ('"gdpr": true|"gdrp": true', "gdrp"),
        ('"comment_created"|"comment_made"', "comment_made is no event"),
        ('"comment_created"|"comment_updated"', "comment_updated is asked for twice"),
        ('"jwt"|"none"', "authentication.type is not jwt"),
        ('"url": "/connect/admin"|"link": "/connect/admin"', "url"),
        ('"uninstalled": "/connect/uninstalled",|', "lifecycle.uninstalled is missing"),
    ],
)
def test_a_fault_of_the_descriptor_is_told(change: str, problem: str) -> None:
    before, after = change.split("|")
    source = DESCRIPTOR.read_text(encoding="utf-8")
    assert before in source
    found = list(problems(rendered(source.replace(before, after, 1))))
    assert any(problem in line for line in found), found
