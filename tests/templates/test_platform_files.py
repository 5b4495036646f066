"""The platform template's files are what Docker, systemd, AWS and our own commands take."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.settings import load_settings
from tests import command_lines
from tests.missing import is_missing
from tests.templates.projects import init


@pytest.fixture
def platform(place: Path) -> Path:
    assert init("our-platform", "--template", "platform") == 0
    return place / "our-platform"


def compose(platform: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((platform / "docker-compose.yml").read_text())
    return found


def test_the_words_of_compose_are_ours(platform: Path) -> None:
    services = compose(platform)["services"]
    assert set(services) == {"postgres", "scheduler", "agent", "api"}
    for name in ("scheduler", "agent", "api"):
        assert services[name]["command"][1] == name
        command_lines.read(services[name]["command"])
    command_lines.read(services["agent"]["healthcheck"]["test"][1:])


def test_each_service_has_a_health_check_and_waits_for_postgres(platform: Path) -> None:
    found = compose(platform)
    volumes = set(found["volumes"])
    for name, service in found["services"].items():
        check = service["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries"} <= check.keys()
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in volumes
        if name != "postgres":
            assert service["depends_on"] == {"postgres": {"condition": "service_healthy"}}
            assert service["environment"]["ORCHESTRATOR_STORE"].startswith("postgresql+psycopg://")


def test_the_api_is_published_on_this_machine_only(platform: Path) -> None:
    (port,) = compose(platform)["services"]["api"]["ports"]
    assert port == "127.0.0.1:4280:4280"


def test_no_password_is_written_down(platform: Path) -> None:
    text = (platform / "docker-compose.yml").read_text()
    assert text.count("${POSTGRES_PASSWORD:?") == 2
    assert "PASSWORD:" not in text.replace("${POSTGRES_PASSWORD:?", "").replace(
        "POSTGRES_PASSWORD: ", ""
    )
    assert ".env\n" in (platform / ".gitignore").read_text()
    assert ".env\n" in (platform / ".dockerignore").read_text()


def test_the_health_check_of_the_api_asks_what_is_there(platform: Path) -> None:
    words = compose(platform)["services"]["api"]["healthcheck"]["test"]
    code = words[words.index("-c") + 1]
    done = subprocess.run(
        [sys.executable, "-c", code.replace("4280", "1")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, "it fails where nobody answers"
    assert "refused" in done.stderr


def test_the_image_copies_what_is_there_and_runs_as_somebody(platform: Path) -> None:
    text = (platform / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "ENTRYPOINT", "CMD"}
    assert {line[0] for line in lines} <= known
    assert lines[0][0] == "FROM"
    for line in lines:
        if line[0] == "COPY":
            sources = [word for word in line[1:-1] if not word.startswith("--")]
            assert all((platform / source).exists() for source in sources), line
    words = [line[0] for line in lines]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")
    (command,) = [line for line in text.splitlines() if line.startswith("CMD")]
    command_lines.read(json.loads(command.removeprefix("CMD ")))


def test_systemd_takes_the_units(platform: Path) -> None:
    units = sorted((platform / "systemd").glob("*.service"))
    assert [unit.name for unit in units] == [
        "orchestrator-agent.service", "orchestrator-api.service", "orchestrator-scheduler.service",
    ]  # fmt: skip
    program = "/opt/orchestrator/bin/orchestrator"
    for unit in units:
        (line,) = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
        assert line.startswith(program + " ")
        command_lines.read(["orchestrator", *line.split()[1:]])
        # The program belongs to the machine that they are installed on.
        unit.write_text(unit.read_text().replace(program, sys.executable))
    verify = shutil.which("systemd-analyze")
    if verify is None:
        is_missing("systemd-analyze is not installed")
        return
    done = subprocess.run(
        [verify, "verify", "--man=no", *map(str, units)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_aws_takes_the_task_definition(platform: Path) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    from botocore.validate import ParamValidator

    given = json.loads((platform / "fargate/task-definition.json").read_text())
    # The description of the API comes with botocore: nobody is asked.
    shape = session.get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(given, shape)
    assert not report.has_errors(), report.generate_report()
    broken = ParamValidator().validate({**given, "cpus": "1"}, shape)
    assert broken.has_errors(), "a field that there is not is seen"
    (container,) = given["containerDefinitions"]
    command_lines.read(container["command"])
    assert [secret["name"] for secret in container["secrets"]] == ["ORCHESTRATOR_STORE"]
    assert "environment" not in container
    # A pair that Fargate has: 1 vCPU goes with 2 to 8 GB.
    assert (given["cpu"], given["memory"]) == ("1024", "4096")
    assert given["networkMode"] == "awsvpc"


def test_the_clusters_and_limits_are_settings(platform: Path) -> None:
    settings = load_settings(platform, environ={})
    assert set(settings.clusters) == {"local", "big"}
    assert settings.limits == {"tag:heavy": 2}


def test_the_commands_of_the_readme_are_ours(platform: Path) -> None:
    text = (platform / "README.md").read_text().replace("\n    ", " ")
    lines = [
        line[line.index("orchestrator ") :]
        for block in re.findall(r"^```\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if re.match(r"(docker compose run --rm \w+ )?orchestrator ", line)
    ]
    assert len(lines) == 4
    for line in lines:
        command_lines.read(shlex.split(line))
