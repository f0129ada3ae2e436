"""The files under deploy/ are valid, and each command in them is one that Soniq has."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from soniq.settings import SoniqSettings
from tests.deploy.machines import DEPLOY, SONIQ, tool

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def ran(*command: str | Path, cwd: Path | None = None) -> str:
    ended = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def manifests() -> list[Any]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text())]


def containers() -> list[Any]:
    templates = [
        one["spec"]["template"] for one in manifests() if one["kind"] in ("Deployment", "Job")
    ]
    return [container for one in templates for container in one["spec"]["containers"]]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "docker" / "compose.yaml").read_text())


def commands() -> list[str]:
    """Every command line of Soniq's in these files, as one string."""
    found = [unit(path)["Service"]["ExecStart"] for path in UNITS]
    supervisor = unit(DEPLOY / "supervisor" / "soniq.conf")
    found += [supervisor[section]["command"] for section in supervisor.sections()]
    for service in compose()["services"].values():
        found += [shlex.join(service["command"])] if "command" in service else []
        test = service.get("healthcheck", {}).get("test", ["CMD-SHELL"])
        found += [shlex.join(test[1:])] if test[0] == "CMD" else []
    for container in containers():
        found.append(shlex.join(container["command"]))
        probes = [value for key, value in container.items() if key.endswith("Probe")]
        found += [shlex.join(probe["exec"]["command"]) for probe in probes if "exec" in probe]
    docker = re.findall(
        r"^CMD (\[.*\])$", (DEPLOY / "docker" / "Dockerfile").read_text(), re.MULTILINE
    )
    found += [shlex.join(json.loads(one)) for one in docker]
    return sorted({re.sub(r"^\S*soniq ", "soniq ", one) for one in found if "soniq " in one})


def test_there_are_commands_to_check() -> None:
    kinds = {shlex.split(line)[1] for line in commands()}
    assert kinds == {"worker", "scheduler", "dashboard", "setup", "health"}


@pytest.mark.parametrize("line", commands())
def test_every_command_is_understood(line: str, tmp_path: Path) -> None:
    """With --help last, a command line is read to its end and nothing is run."""
    help_text = ran(SONIQ, *shlex.split(line)[1:], "--help", cwd=tmp_path)
    assert "Usage" in help_text
    options = [word for word in shlex.split(line) if word.startswith("--")]
    for option in options:
        assert re.search(rf"{option}\b", help_text), f"{option} is none of its options"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: str(path.name))
def test_systemd_takes_the_unit(path: Path, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", "systemd")
    here = tmp_path / path.name
    text = path.read_text().replace("/opt/shop/.venv/bin/soniq", str(SONIQ))
    here.write_text(text.replace("User=shop", "User=root"))
    assert "Unknown" not in ran(analyze, "verify", here)


def test_compose_and_kubernetes_follow_their_schemas() -> None:
    validators = Path(sys.executable)
    ran(
        validators.with_name("check-jsonschema"),
        *("--builtin-schema", "vendor.compose-spec", DEPLOY / "docker" / "compose.yaml"),
    )
    told = ran(validators.with_name("kubernetes-validate"), "--strict", *MANIFESTS)
    assert told.count("passed") == len(manifests())


def names_set() -> set[str]:
    """Every SONIQ_ variable that these files set."""
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file()]
    return {name for text in texts for name in re.findall(r"\bSONIQ_[A-Z_]+\b", text)}


def test_every_variable_is_a_setting() -> None:
    of_the_dashboard = {"SONIQ_DASHBOARD_API_KEY"}
    settings = {f"SONIQ_{name.upper()}" for name in SoniqSettings.model_fields}
    assert names_set() <= settings | of_the_dashboard
    assert {"SONIQ_DATABASE_URL", "SONIQ_SHUTDOWN_TIMEOUT"} <= names_set()


def worker_unit() -> configparser.SectionProxy:
    return unit(DEPLOY / "systemd" / "soniq-worker.service")["Service"]


def stops() -> list[tuple[str, str, int]]:
    """The settings as text, by what they are for, and the seconds that a stop gets there."""
    supervisor = unit(DEPLOY / "supervisor" / "soniq.conf")["program:soniq-worker"]
    service = compose()["services"]["worker"]
    (config,) = (one for one in manifests() if one["kind"] == "ConfigMap")
    (deployment,) = (
        one["spec"]["template"]["spec"]
        for one in manifests()
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "soniq-worker"
    )
    return [
        (
            (DEPLOY / "systemd" / "soniq.env").read_text(),
            "systemd",
            int(worker_unit()["TimeoutStopSec"]),
        ),
        (supervisor["environment"], "Supervisor", int(supervisor["stopwaitsecs"])),
        (
            json.dumps(service["environment"]),
            "Compose",
            int(service["stop_grace_period"].rstrip("s")),
        ),
        (json.dumps(config["data"]), "Kubernetes", deployment["terminationGracePeriodSeconds"]),
    ]


@pytest.mark.parametrize("stop", stops(), ids=lambda stop: str(stop[1]))
def test_a_stop_waits_longer_than_the_worker_does(stop: tuple[str, str, int]) -> None:
    """For async handlers, then for threads; and there is time left to store the ends."""
    environment, _, patience = stop
    waits = [
        int(re.findall(rf"{name}\W+(\d+)", environment)[0])
        for name in ("SONIQ_SHUTDOWN_TIMEOUT", "SONIQ_SYNC_HANDLER_GRACE_SECONDS")
    ]
    assert patience >= sum(waits) + 10


def test_workers_are_scraped_where_they_serve() -> None:
    workers = [line for line in commands() if line.startswith("soniq worker ") and "--conc" in line]
    asked = {re.findall(r"--metrics-port (\d+)", line)[0] for line in workers}
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (jobs,) = (one for one in config["scrape_configs"] if one["job_name"] == "soniq-workers")
    assert {target.rpartition(":")[2] for target in jobs["static_configs"][0]["targets"]} == asked
    (worker,) = (one for one in containers() if one["name"] == "worker")
    assert {str(port["containerPort"]) for port in worker["ports"]} == asked


def test_nothing_is_scraped_without_the_key_it_asks_for() -> None:
    """The dashboard of the cluster has a key, and annotations cannot name one."""
    templates = {
        one["metadata"]["name"]: one["spec"]["template"]
        for one in manifests()
        if one["kind"] == "Deployment"
    }
    annotated = {
        name: one["metadata"]["annotations"]["prometheus.io/port"]
        for name, one in templates.items()
        if "annotations" in one["metadata"]
    }
    assert annotated == {"soniq-worker": "9464"}


def test_the_workers_of_a_host_have_a_port_each(tmp_path: Path) -> None:
    """As the unit's own comment has it."""
    analyze = tool("systemd-analyze", "systemd")
    text = (DEPLOY / "systemd" / "soniq-worker.service").read_text()
    assert "`--metrics-port 946%i`" in text
    text = text.replace("--metrics-port 9464", "--metrics-port 946%i")
    text = text.replace("/opt/shop/.venv/bin/soniq", str(SONIQ)).replace("User=shop", "User=root")
    (tmp_path / "soniq-worker@.service").write_text(text)
    assert "Unknown" not in ran(analyze, "verify", tmp_path / "soniq-worker@4.service")


def test_what_selects_and_what_is_selected_agree() -> None:
    for one in manifests():
        if one["kind"] == "Deployment":
            wanted = one["spec"]["selector"]["matchLabels"]
            assert wanted.items() <= one["spec"]["template"]["metadata"]["labels"].items()
    ports = {port["name"] for container in containers() for port in container.get("ports", [])}
    for container in containers():
        for key, probe in container.items():
            if key.endswith("Probe") and "exec" not in probe:
                assert next(iter(probe.values()))["port"] in ports


def test_the_health_probe_answers_for_the_database(tmp_path: Path) -> None:
    probe = [str(SONIQ), "health"]
    environment = {"SONIQ_DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}", "PATH": "/usr/bin"}
    assert subprocess.run(probe, env=environment, cwd=tmp_path, check=False).returncode == 0
    away = {**environment, "SONIQ_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    away |= {"SONIQ_DATABASE_TIMEOUT": "0.2"}
    ended = subprocess.run(
        probe, env=away, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_promtool_takes_the_rules_and_they_tell_what_they_should() -> None:
    promtool = tool("promtool", "prometheus")
    folder = DEPLOY / "prometheus"
    assert "SUCCESS" in ran(promtool, "check", "config", "prometheus.yml", cwd=folder)
    assert "SUCCESS" in ran(promtool, "test", "rules", "rules.test.yml", cwd=folder)


def test_the_grafana_dashboard_is_what_its_program_makes(tmp_path: Path) -> None:
    program = tmp_path / "make_dashboard.py"
    program.write_text((DEPLOY / "grafana" / "make_dashboard.py").read_text())
    ran(sys.executable, program)
    assert (tmp_path / "soniq.json").read_text() == (DEPLOY / "grafana" / "soniq.json").read_text()
