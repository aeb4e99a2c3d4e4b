"""The files for systemd and Prometheus say what the portal's processes are, and restart them at once (R13)."""

import configparser
import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_each_process_is_started_by_a_command_that_exists_and_comes_back_within_a_second(path):
    service = read(path)["Service"]
    command = service["ExecStart"].split("manage.py ")[1].split()[0]
    assert command in get_commands()
    assert (service["Restart"], service["RestartSec"], service["User"]) == ("always", "1", "heating") and "EnvironmentFile" in service


def test_the_target_starts_all_of_them_as_compose_does():
    wanted = read(ROOT / "deploy" / "systemd" / "heating.target")["Unit"]["Wants"].split()
    assert sorted(wanted) == [path.name for path in UNITS]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    composed = " ".join(str(one.get("command", "")) for one in services.values())
    for command in ("web", "worker", "beat", "watchdog", "backup"):
        assert command in composed, command
    for name in ("web", "worker"):
        assert "container_name" not in services[name], "--scale 要能用"


def test_every_alert_asks_for_a_figure_that_exists():
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "heating.rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    code = (ROOT / "heating" / "metrics.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"(heating_\w+)"', code)) | {f"heating_{name}" for name in re.findall(r'^    "(\w+)": "', code, re.MULTILINE)}
    for rule in rules:
        assert set(re.findall(r"heating_\w+", rule["expr"])) <= known, rule["alert"]
