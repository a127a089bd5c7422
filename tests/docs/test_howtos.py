"""The recipes can be followed: what they tell the program exists, and their files are what readers expect."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from eye.cli.group import COMMANDS, make_group
from eye.cli.options import Shared

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted(DOCS.glob("howto-*.md")), DOCS / "cluster.md"]
COMPOSE, KUBERNETES, SYSTEMD = (DOCS / f"howto-{name}.md" for name in ("docker-compose", "kubernetes", "systemd"))
PROGRAM = "sorcerers_eye"


def blocks(page: Path, language: str) -> list[str]:
    """Answer the blocks of a page that are written in that language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def documents(page: Path) -> list[Any]:
    return [document for block in blocks(page, "yaml") for document in yaml.safe_load_all(block)]


def command_lines(page: Path) -> Iterator[list[str]]:
    """Answer the arguments of each call of the program in a page: in blocks, in files, in running text."""
    text = page.read_text(encoding="utf-8")
    for line in re.findall(
        rf"(?:^|\s|/){PROGRAM} ([^\n`']*)", "\n".join([*blocks(page, "sh"), *blocks(page, "ini")])
    ):
        yield shlex.split(line, comments=True)
    for line in re.findall(rf"`{PROGRAM} ([^`]*)`", text):
        yield shlex.split(line)
    for document in documents(page):
        for value in nested(document):
            if isinstance(value, list) and value[:1] in ([PROGRAM], ["start"]):
                yield value[value[0] == PROGRAM :]
            elif isinstance(value, list) and value[:2] == ["sh", "-c"]:
                yield shlex.split(value[2].partition(f"{PROGRAM} ")[2])


def nested(value: Any) -> Iterator[Any]:
    """Answer a value and all that is in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from nested(each)


ALL_LINES = [(page, line) for page in PAGES for line in command_lines(page)]


def test_there_is_something_to_check() -> None:
    assert {page.name for page, _ in ALL_LINES} == {page.name for page in PAGES}


@pytest.mark.parametrize(("page", "line"), ALL_LINES, ids=[f"{p.stem}: {' '.join(one)}" for p, one in ALL_LINES])
def test_the_program_understands_what_it_is_told(
    page: Path, line: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A name that only the place can know (of the pod, of the machine) is given by a variable there.
    monkeypatch.setenv("EYE_START_NAME", "any")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    group = make_group()
    name, *arguments = line
    command = group.get_command(click.Context(group), name)

    assert command is not None, name
    command.make_context(name, arguments, obj=Shared())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_variables_that_a_recipe_sets_exist(page: Path) -> None:
    known = {
        variable
        for name in COMMANDS
        for option in _settings(name).values()
        for variable in (*option.variables(name),)
    }

    used = set(re.findall(r"\bEYE_[A-Z_]+\b", page.read_text(encoding="utf-8")))

    assert used - known <= {"EYE_FOLDER"}


def _settings(name: str) -> dict[str, Any]:
    command: Any = make_group().get_command(click.Context(click.Command("any")), name)
    settings: dict[str, Any] = command.settings()
    return settings


def environments(page: Path) -> Iterator[dict[str, str]]:
    """Answer the variables that each part of a recipe sets."""
    for document in documents(page):
        for value in nested(document):
            if isinstance(value, dict) and isinstance(value.get("environment"), dict):
                yield value["environment"]
            elif isinstance(value, dict) and isinstance(value.get("env"), list):
                yield {each["name"]: each.get("value", "") for each in value["env"]}
    for block in blocks(page, "ini"):
        pairs = re.findall(r"^Environment=(\w+)=(.*)$", block, re.MULTILINE)
        yield {name: value.strip('"') for name, value in pairs}


@pytest.mark.parametrize("page", [COMPOSE, KUBERNETES, SYSTEMD], ids=lambda page: page.name)
def test_the_values_of_the_variables_are_allowed(page: Path) -> None:
    checked = 0
    for environment in environments(page):
        for name, value in environment.items():
            option = _settings("start").get(name.removeprefix("EYE_").lower())
            if option is None or not value or name == "EYE_NAME":
                continue
            for each in value.split() if option.multiple else [value]:
                option.type.convert(each.replace("$(POD_IP)", "10.1.2.3"), option, None)
                checked += 1
    assert checked >= 3


def test_the_nodes_of_the_compose_file_look_for_services_that_are_there() -> None:
    (compose,) = documents(COMPOSE)
    services = compose["services"]
    looked_for = re.findall(r"dns:(\w+):(\d+)", services["eye"]["environment"]["EYE_DISCOVER"])

    assert looked_for
    assert {name for name, _ in looked_for} <= set(services)
    for name, port in looked_for:
        assert services[name]["environment"]["EYE_LISTEN"].endswith(f":{port}")
    assert set(services["eye"]["secrets"]) == set(compose["secrets"])
    assert services["eye"]["environment"]["EYE_COOKIE_FILE"] == "/run/secrets/cookie"


def test_the_parts_of_the_kubernetes_recipe_fit_together() -> None:
    service, nodes = documents(KUBERNETES)
    template = nodes["spec"]["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    variables = {each["name"]: each.get("value", "") for each in container["env"]}
    (port,) = service["spec"]["ports"]

    assert service["spec"]["clusterIP"] == "None", "the string: YAML's null is `null`"
    assert (
        service["spec"]["selector"] == nodes["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    )
    assert nodes["spec"]["serviceName"] == service["metadata"]["name"]
    assert f"dns:{service['metadata']['name']}:{port['port']}" in variables["EYE_DISCOVER"].split()
    assert variables["EYE_LISTEN"] == f"0.0.0.0:{port['port']}"
    assert {"name": "eye", "containerPort": port["port"]} in container["ports"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert pod["volumes"][0]["secret"]["defaultMode"] == 0o400
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    for name in ("EYE_COOKIE_FILE", "EYE_FOLDER"):
        assert any(variables[name].startswith(f"{mount}/") for mount in mounts)
    # Kubernetes puts in only what was said further up in the list.
    order = [each["name"] for each in container["env"]]
    assert order.index("POD_IP") < order.index("EYE_ADVERTISE")


def test_the_unit_is_one(tmp_path: Path) -> None:
    (unit,) = blocks(SYSTEMD, "ini")
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit)

    assert parser.sections() == ["Unit", "Service", "Install"]
    program, command, *_ = shlex.split(parser["Service"]["ExecStart"])
    assert program.startswith("/"), "systemd does not look programs up in a shell"
    assert command == "start"
    credential = parser["Service"]["LoadCredential"].partition(":")[0]
    assert f"EYE_COOKIE_FILE=%d/{credential}" in unit


@pytest.mark.e2e
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (unit,) = blocks(SYSTEMD, "ini")
    path = tmp_path / "sorcerers-eye.service"
    # It wants the program to be there.
    path.write_text(re.sub(r"(?<=ExecStart=)\S+", shutil.which("true") or "/bin/true", unit), encoding="utf-8")

    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")
