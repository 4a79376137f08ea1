"""What is in the wheel, and that the program works from it alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESOURCES = ("atlassian-connect.json", "templates", "static")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of the wheel: all that installing a pure one does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(folder),
    ]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def python(installed: Path, tmp_path: Path, code: str) -> str:
    """What ``code`` prints when it runs from the wheel, far from the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    found = [folder / name for name in names]
    found += [path for name in names for path in (folder / name).rglob("*")]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_program_is_whole(installed: Path) -> None:
    inside = contents(installed, "app")
    resources = {name for name in inside if name.startswith("app/_resources/")}
    assert inside.keys() - resources == contents(ROOT, "app").keys()


def test_pages_and_descriptor_travel_with_it(installed: Path) -> None:
    assert contents(installed / "app" / "_resources", *RESOURCES) == contents(ROOT, *RESOURCES)


def test_nothing_else_is_in_it(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"app"}
    assert [path.name for path in installed.glob("*.dist-info/licenses/*")] == ["LICENSE"]


def test_it_finds_its_own_pages(installed: Path, tmp_path: Path) -> None:
    code = "from app.resources import root; print(root())"
    assert python(installed, tmp_path, code) == str(installed / "app" / "_resources")


def test_it_renders_its_own_descriptor(installed: Path, tmp_path: Path) -> None:
    code = (
        "from app.doors.connect.descriptor import render;"
        "import json; print(json.loads(render('https://x.example.com'))['baseUrl'])"
    )
    assert python(installed, tmp_path, code) == "https://x.example.com"


def test_it_reads_its_own_catalogues(installed: Path, tmp_path: Path) -> None:
    code = "from app.i18n import said, t; print(said(t('Approve'), 'es'))"
    assert python(installed, tmp_path, code) == "Aprobar"


def test_its_command_line_answers(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from importlib.metadata import entry_points;"
        "sys.argv = ['jira-chatkit', '--help'];"
        "[command] = entry_points(group='console_scripts', name='jira-chatkit');"
        "run = command.load(); print(sys.modules['app'].__file__, flush=True); run()"
    )
    said = python(installed, tmp_path, code)
    assert said.startswith(str(installed))
    for command in ("serve", "worker", "migrate", "check", "keys", "demo"):
        assert command in said
