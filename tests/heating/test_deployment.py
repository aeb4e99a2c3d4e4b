"""The deployment: what compose starts, what the environment must name, and what Django says of it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """A management command with an environment of its own."""
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PORTAL_VAR", "LANG")}
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env={**plain, **environment}, capture_output=True, text=True, timeout=60)


def test_compose_runs_every_process_of_the_design_and_only_web_is_reached_from_outside():
    services = COMPOSE["services"]
    assert {"db", "broker", "setup", "web", "worker", "worker-files", "beat", "watchdog", "backup"} <= set(services)
    assert [name for name, service in services.items() if service.get("ports")] == ["web"]
    for name in ("web", "worker", "worker-files", "beat", "watchdog"):
        assert services[name]["restart"] == "always" and services[name]["init"], name
    assert "healthcheck" in services["web"] and "livez" in str(services["web"]["healthcheck"])


def test_every_variable_that_the_settings_read_is_explained():
    settings = (ROOT / "heating" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)) - {"DATABASE_URL", "REDIS_URL", "PORTAL_VAR", "STATIC_ROOT", "STATIC_STORAGE", "MEDIA_ROOT"}
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M))
    assert read <= explained, read - explained


def test_a_deployment_without_its_secrets_does_not_start_and_says_what_is_missing():
    done = run("check", HTTPS="1")
    assert done.returncode != 0 and "SECRET_KEY" in done.stderr and "FIELD_KEYS" in done.stderr


def test_django_finds_nothing_to_warn_of_in_a_deployment():
    done = run(
        "check", "--deploy", "--fail-level", "WARNING", HTTPS="1", SECRET_KEY="k7" * 40 + "!q9Zx_", FIELD_KEYS="field-key-of-the-test", ALLOWED_HOSTS="heating.example.gov.cn",
        DATABASE_URL="postgres://u@db/d", REDIS_URL="redis://broker/0", PROXY_COUNT="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
