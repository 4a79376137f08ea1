"""``forge render``: the folder that ``forge deploy`` takes, and the checks that judge it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typing_extensions import override

from app import forge_folder
from app.errors import SettingsError
from app.forge_manifest import REGIONS, judged
from tests.cli.program import Programs
from tests.support import forge_world, manifest_check
from tests.support.manifest_check import APP_ID, BASE_URL, calls_of, linted, problems

GOOD = {"app-id": APP_ID, "base-url": BASE_URL}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an operator with servers in two regions renders it, over a Connect app of before."""
    if what := forge_world.missing() or manifest_check.missing():
        pytest.skip(what)
    made = tmp_path_factory.mktemp("forge")
    regions = ["EU=https://eu.example.com", "US=https://us.example.com/chat"]
    forge_folder.write(judged(APP_ID, BASE_URL, regions, "jira-chatkit"), made)
    return made


def rendered(jira_chatkit: Programs, values: Mapping[str, str]) -> tuple[int | None, list[str]]:
    options = [word for name, value in values.items() for word in (f"--{name}", value)]
    ended = jira_chatkit.run("forge", "render", *options)
    return ended.code, ended.lines


# --- the command ----------------------------------------------------------------------------


def test_it_writes_the_folder_and_says_what_comes_next(
    folder: Path, jira_chatkit: Programs, tmp_path: Path
) -> None:
    out = tmp_path / "my app"
    code, lines = rendered(jira_chatkit, {**GOOD, "out": str(out)})
    assert code == 0, lines
    assert lines[-1] == f"Next: cd '{out}' && forge lint && forge deploy -e production"
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == there
    assert {"manifest.yml", "panel/index.html", "admin/admin.js", "panel/i18n/es.json"} <= there
    assert rendered(jira_chatkit, {**GOOD, "out": str(out)})[0] == 0  # again, over it


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"app-id": "406d303d-0393-4ec4-ad7c-1435be94583a"}, "--app-id takes the whole id"),
        ({"app-id": APP_ID + '"\nmodules: {}'}, "--app-id takes the whole id"),
        ({"base-url": "http://assistant.example.com"}, "--base-url takes an https URL"),
        ({"base-url": "https://u:p@assistant.example.com"}, "--base-url takes an https URL"),
        ({"base-url": "https://assistant.example.com?a=b"}, "--base-url takes an https URL"),
        ({"base-url": 'https://assistant.example.com"'}, "--base-url takes an https URL"),
        ({"region": "MARS=https://mars.example.com"}, "--region takes REGION=URL"),
        ({"region": "EU"}, "--region EU takes an https URL"),
        ({"connect-key": "jira chatkit"}, "--connect-key takes the key"),
        ({"out": "/dev/null/here"}, "--out: /dev/null/here cannot be written"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(
    jira_chatkit: Programs, folder: Path, wrong: dict[str, str], named: str
) -> None:
    del folder  # where the pages are not bundled, that is said first
    code, lines = rendered(jira_chatkit, {**GOOD, **wrong})
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith(named)


def test_without_bundles_it_says_how_to_make_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forge_folder, "BUNDLES", "dist/nowhere")
    with pytest.raises(SettingsError, match="run `make forge`"):
        forge_folder.write(judged(APP_ID, BASE_URL), tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- the pages ------------------------------------------------------------------------------


class Asked(HTMLParser):
    """What a page asks for, and what Forge's policy would not let through."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.forbidden: list[str] = []
        self.settings: dict[str, str | None] = {}

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "main":
            self.settings = values
        self.files += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.forbidden += [name for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.forbidden.append(tag)


@pytest.mark.parametrize("name", ["panel", "admin"])
def test_a_page_loads_what_lies_beside_it_and_nothing_inline(folder: Path, name: str) -> None:
    page = Asked()
    page.feed((folder / name / "index.html").read_text(encoding="utf-8"))
    assert page.forbidden == []
    files = [file for file in page.files if not file.startswith("#")]
    assert sorted(files) == sorted(["icon.svg", f"{name}.css", f"{name}.js"])
    assert all((folder / name / file).is_file() for file in files)
    assert page.settings["data-base"] == BASE_URL
    assert page.settings["data-regions"] == (
        '{"EU": "https://eu.example.com", "US": "https://us.example.com/chat"}'
    )
    styles = (folder / name / f"{name}.css").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import", styles)


# --- the checks -----------------------------------------------------------------------------

SHAPES = [
    ("      interval: hour", "      interval: hourly", "scheduledTrigger"),
    ("      resource: panel", "      resource: pannel", "pannel"),
    ("    path: admin", "    path: nowhere", "nowhere"),
    ("    name: nodejs22.x", "    name: cobol", "runtime"),
    ("      EU: ", "      MARS: ", "MARS"),
    ("      inScopeEUD: true", "      inScope: true", "inScope"),
    (
        "    - key: connect-lifecycle",
        "    - key: first\n      installed: /a\n    - key: connect-lifecycle",
        "lifecycle",
    ),
]
MISSED = [
    ("avi:jira:commented:issue", "avi:jira:created:comment", "is no event of Forge's"),
    ("avi:jira:created:issue", "avi:jira:updated:issue", "is asked for twice"),
    ("        - avi:forge:uninstalled:app\n", "", "uninstalled:app is not asked for"),
    ("    - read:app-system-token\n", "", "lacks read:app-system-token"),
    ("    - read:app-user-token\n", "", "lacks read:app-user-token"),
    ("    - write:jira-work\n", "", "lacks write:jira-work"),
    ("    - read:jira-user\n", "    - manage:jira-webhook\n", "which nothing needs"),
    ("    - read:user:jira\n", "", "lacks read:user:jira"),
    ("        ignoreSelf: true", "        ignoreSelf: false", "does not ignore"),
    ("      endpoint: schedule", "      endpoint: pages", "called by Forge"),
    ("        endpoint: pages", "        endpoint: events", "no token of who looks"),
    ("      endpoint: pre-uninstall", "      endpoint: before", "no endpoint before"),
    ("        - remote: backend\n", "        - remote: other\n", "may not call remote backend"),
]
REGIONS_OF_TEST = re.compile(r"      EU: .*\n      US: .*\n")


class Found(NamedTuple):
    """What each check says of a manifest."""

    linter: list[str]
    ours: list[str]
    manifest: Mapping[str, Any]


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    """By what was written into the manifest; all at once, as the linter starts slowly."""
    text = (folder / "manifest.yml").read_text(encoding="utf-8")
    every = "".join(f"      {region}: https://{region.lower()}.example.com\n" for region in REGIONS)
    texts = {"": text, "every region": REGIONS_OF_TEST.sub(every, text)}
    for old, new, said in (*SHAPES, *MISSED):
        assert old in text, old
        texts[said] = text.replace(old, new, 1)
    folders = []
    for number, changed in enumerate(texts.values()):
        copy = tmp_path_factory.mktemp("changed") / str(number)
        shutil.copytree(folder, copy)
        (copy / "manifest.yml").write_text(changed, encoding="utf-8")
        folders.append(copy)
    judged_all = linted(folders)
    return {
        said: Found(linter, list(problems(manifest, calls_of())), manifest)
        for said, (linter, manifest) in zip(texts, judged_all, strict=True)
    }


def test_what_is_rendered_is_in_order(found: Mapping[str, Found]) -> None:
    assert found[""][:2] == ([], [])


def test_the_regions_are_those_of_the_linter(found: Mapping[str, Found]) -> None:
    assert found["every region"][:2] == ([], [])


@pytest.mark.parametrize("said", [said for _, _, said in SHAPES])
def test_the_linter_finds_a_wrong_shape(found: Mapping[str, Found], said: str) -> None:
    assert any(said in line for line in found[said].linter), found[said]


@pytest.mark.parametrize("said", [said for _, _, said in MISSED])
def test_our_own_check_finds_what_is_wrong(found: Mapping[str, Found], said: str) -> None:
    assert any(said in line for line in found[said].ours), found[said]


@pytest.mark.parametrize("said", ["is no event of Forge's", "lacks read:app-system-token"])
def test_the_linter_alone_would_miss_it(found: Mapping[str, Found], said: str) -> None:
    assert found[said].linter == []  # should it ever find it, ours may go


def test_a_call_whose_scope_nobody_knows_is_found(
    found: Mapping[str, Found], tmp_path: Path
) -> None:
    (tmp_path / "calls.py").write_text('path = f"/rest/api/3/issue/{key}/worklog"\n')
    lines = list(problems(found[""].manifest, calls_of() | calls_of(tmp_path)))
    assert lines == ["app/jira calls /rest/api/3/issue/{}/worklog: its scopes are not known here"]
