"""Dockerfile and compose.yaml name what is there. They are read, not run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.sandbox.serving import serve
from app.settings import Settings
from app.web.health import healthz
from tests.cli.program import Programs
from tests.support.world import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VARIABLES = {name.upper() for name in Settings.model_fields}


def copied() -> set[str]:
    """What is copied from the checkout into the stage that builds."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()[:-1]}


def commands() -> list[list[str]]:
    """Every command of ours that a container is started with."""
    found = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    found += re.findall(r"^ +command: (\[.*\])$", COMPOSE, re.MULTILINE)
    return [json.loads(one) for one in found]


def section(name: str) -> str:
    """The lines of a service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_image_is_built_from_all_that_the_wheel_holds_and_from_nothing_secret() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", "uv.lock"}
    project = PROJECT["project"]
    assert copied() == needed | {project["readme"], "LICENSE"}
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    first, *ignored = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert first == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied()


def test_what_is_installed_is_what_is_locked_and_runs_as_nobody_in_particular() -> None:
    syncs = re.findall(r"uv sync (.*)$", DOCKERFILE, re.MULTILINE)
    assert syncs
    assert all({"--frozen", "--no-dev"} <= set(sync.split()) for sync in syncs)
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE


def test_the_pythons_of_the_image_are_pinned_and_allowed() -> None:
    images = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert images == {"python:3.13-slim-bookworm"}
    assert PROJECT["project"]["requires-python"] == ">=3.11"


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_container_is_started_with_a_command_that_exists(
    tmp_path: Path, command: list[str]
) -> None:
    ended = Programs(tmp_path).run(command[0], "--help")
    assert ended.code == 0, ended.said
    assert all(option in ended.said for option in command[1:])


def test_every_variable_that_is_set_is_one_that_the_program_reads() -> None:
    shared = COMPOSE.partition("\nservices:")[0]
    given = set(re.findall(r"^    ([A-Z_]+):", shared, re.MULTILINE))
    assert given <= VARIABLES
    assert {"APP_BASE_URL", "DATABASE_URL", "SECRET_KEYS"} <= given
    [block] = re.findall(r"^ENV PATH=(.*?)^USER", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"^    ([A-Z_]+)=", block, re.MULTILINE)) <= VARIABLES | {
        "PYTHONUNBUFFERED"
    }


def test_what_is_asked_of_the_environment_is_explained() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE))
    explained = set(re.findall(r"^#   ([A-Z_]+)=", COMPOSE, re.MULTILINE))
    assert asked - explained == {"DEFAULT_DAILY_TOKENS", "LOG_LEVEL"}  # which have a default
    assert explained <= asked


def test_web_and_worker_are_two_each_and_wait_for_the_migration() -> None:
    for name in ("web", "worker"):
        assert "replicas: 2" in section(name)
        assert re.search(
            r"depends_on:\n +migrate:\n +condition: service_completed_successfully", section(name)
        )
    assert "disable: true" in section("worker")  # it does not listen: nothing to ask


def test_the_health_check_tells_a_process_that_serves_from_one_that_does_not() -> None:
    found = re.search(r"^ +CMD (\[\"python\".*\])$", DOCKERFILE, re.MULTILINE)
    assert found is not None
    _, *arguments = json.loads(found[1])

    def check(port: int) -> int:
        done = subprocess.run(
            [sys.executable, *arguments], env={"PORT": str(port)}, capture_output=True, check=False
        )
        return done.returncode

    with serve(Starlette(routes=[Route("/healthz", healthz)])) as site:
        assert check(int(site.url.rpartition(":")[2])) == 0
    assert check(free_port()) != 0
