"""The deployment: what compose starts, what the environment must name, what is in the image, and what Django says of it."""

import os
import re
import socket
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.urls import get_resolver

from heating import alive
from heating.addresses import addresses
from units import access
from units.models import User

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = ("web", "public", "worker", "worker-files", "beat", "watchdog", "backup")
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M))
# What compose itself gives each of our processes.
GIVEN = {"DATABASE_URL": "postgres://portal:x@127.0.0.1:1/portal", "REDIS_URL": "redis://127.0.0.1:1/0", "PRODUCTION": "1"}
FILLED = {**EXAMPLE, **GIVEN, "SECRET_KEY": "k7" * 40 + "!q9Zx_", "FIELD_KEYS": "field-key-of-the-test", "BACKUP_KEY": "backup-key-of-the-test"}
# Read from the environment, but the image's or a developer's business and not the operator's.
NOT_FOR_OPERATORS = {"DATABASE_URL", "REDIS_URL", "PORTAL_VAR", "STATIC_ROOT", "STATIC_STORAGE", "MEDIA_ROOT", "HOST", "ACCESS_LOG"}


def environment(**said: str) -> dict[str, str]:
    """Nothing of this process's environment but what a program needs to run at all."""
    return {**{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PORTAL_VAR", "LANG")}, **said}


def run(*arguments: str, **said: str) -> subprocess.CompletedProcess:
    """A management command with an environment of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment(**said), capture_output=True, text=True, timeout=60
    )


# ---------------------------------------------------------------- compose


def test_compose_runs_every_process_of_the_design_and_only_the_front_is_reached_from_outside():
    assert {"db", "broker", "setup", "base", "front", *OURS} == set(SERVICES)
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["front"]  # so that web can be scaled
    for name in OURS:
        assert SERVICES[name]["restart"] == "always" and SERVICES[name]["init"] and SERVICES[name]["stop_grace_period"], name
    assert SERVICES["setup"]["restart"] == "no"


def test_every_command_of_compose_is_one_that_the_portal_has():
    known = {path.stem for path in (ROOT / "heating" / "management" / "commands").glob("*.py")} | {"migrate"}
    said = {name: re.findall(r"manage\.py (\w+)", str(SERVICES[name]["command"])) for name in (*OURS, "setup")}
    assert all(commands and set(commands) <= known for commands in said.values()), said
    assert {name: commands[0] for name, commands in said.items() if name in ("web", "beat", "watchdog")} == {
        "web": "web", "beat": "beat", "watchdog": "watchdog",
    }  # fmt: skip


def test_residents_go_to_a_pool_of_their_own_and_everybody_else_to_the_other():
    front = (ROOT / "deploy" / "nginx" / "heating.conf").read_text(encoding="utf-8")
    assert "./deploy/nginx/heating.conf:/etc/nginx/conf.d/default.conf:ro" in SERVICES["front"]["volumes"]
    public = [re.compile(pattern) for pattern in re.findall(r"~(\S+)\s+http://public:8000;", front)]
    for address in addresses(get_resolver()):
        path = address.path.replace("^", "")
        is_residents = path.startswith(("/m/", "/track/", "/e/", "/captcha/", "/api/v1/open/"))
        assert any(pattern.search(path) for pattern in public) == is_residents, path


def test_every_process_of_compose_is_told_that_this_is_no_trial():
    assert all(SERVICES[name]["environment"]["PRODUCTION"] == "1" for name in (*OURS, "setup"))


def test_nothing_waits_for_a_broker_that_may_be_lost_at_any_moment():
    for name in OURS:
        assert SERVICES[name]["depends_on"]["broker"]["condition"] == "service_started"
        assert SERVICES[name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    assert "--maxmemory-policy noeviction" in SERVICES["broker"]["command"] and "--appendonly yes" in SERVICES["broker"]["command"]


def test_what_is_kept_lies_on_volumes_that_compose_knows_and_no_secret_is_written_into_the_file():
    mounted = {str(volume).split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", []) if not str(volume).startswith("./")}
    assert mounted == set(COMPOSE["volumes"]) == {"database", "broker", "media", "backup", "wal", "socket", "anchors"}
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert all(value.startswith("${") or value == '""' for value in re.findall(r"PASSWORD: (\S+)", text))


@pytest.mark.guard("S9")
def test_only_what_migrates_and_what_restores_is_told_the_owners_password():
    owners = {name for name in (*OURS, "setup") if "://portal:${POSTGRES_PASSWORD" in SERVICES[name]["environment"]["DATABASE_URL"]}
    assert owners == {"setup", "backup"}
    for name in set(OURS) - owners:
        said = SERVICES[name]["environment"]
        assert "://portal_app:${APP_DB_PASSWORD" in said["DATABASE_URL"] and said["POSTGRES_PASSWORD"] == "", name  # noqa: S105
    steps = re.findall(r"manage\.py (\w+)", SERVICES["setup"]["command"])
    assert steps == ["migrate", "harden_database", "load_plan"]


@pytest.mark.guard("S28", "G13")
def test_the_night_is_kept_on_a_volume_of_its_own_and_the_log_is_archived_within_five_minutes():
    ours = SERVICES["backup"]
    assert ours["command"].endswith("backup --nightly") and f"backup:{EXAMPLE['BACKUP_DIR']}" in ours["volumes"] and int(EXAMPLE["BACKUP_KEEP"]) == 14
    server, base = SERVICES["db"]["command"][0], SERVICES["base"]["command"][0].replace("$$", "$")
    assert "archive_mode=on" in server and int(re.search(r"archive_timeout=(\d+)", server)[1]) <= 300
    assert "pg_basebackup" in base and "mv /wal/part" in base
    for script in (server, base):
        assert subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0


# ---------------------------------------------------------------- the environment


def test_every_variable_that_the_portal_reads_is_explained_and_none_that_it_does_not():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "heating").rglob("*.py"))
    read = set(re.findall(r'(?:env\.\w+\(\s*|environ\.get\(\s*|environ\[)"([A-Z_]+)"', code))
    assert read - NOT_FOR_OPERATORS <= set(EXAMPLE), read - NOT_FOR_OPERATORS - set(EXAMPLE)
    assert set(EXAMPLE) - {"POSTGRES_PASSWORD"} <= read, set(EXAMPLE) - read


@pytest.mark.parametrize("said", [{"HTTPS": "1"}, {"PRODUCTION": "1"}, {"PRODUCTION": "1", "SECRET_KEY": " ", "FIELD_KEYS": ","}])
def test_a_deployment_without_its_secrets_does_not_start_and_names_all_that_is_missing(said):
    done = run("check", **said)
    assert done.returncode != 0 and "正式部署" in done.stderr
    assert all(name in done.stderr for name in ("SECRET_KEY", "FIELD_KEYS", "BACKUP_KEY", "ALLOWED_HOSTS", "PUBLIC_URL", "DATABASE_URL", "REDIS_URL"))


def test_the_example_does_not_start_before_it_is_filled_in():
    done = run("check", **{**EXAMPLE, **GIVEN})
    assert done.returncode != 0 and "SECRET_KEY" in done.stderr and "FIELD_KEYS" in done.stderr and "ALLOWED_HOSTS" not in done.stderr


def test_django_finds_nothing_to_warn_of_in_the_example_filled_in():
    done = run("check", "--deploy", "--fail-level", "WARNING", **FILLED)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- the image


def test_the_image_holds_all_that_the_portal_reads_while_it_runs_and_no_secret():
    left_out = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

    def is_left_out(path: str) -> bool:
        parts = Path(path).parts
        return any(Path(*parts[: count + 1]).match(pattern) and (pattern.startswith("**/") or count == pattern.count("/"))
                   for pattern in left_out for count in range(len(parts)))  # fmt: skip

    needed = ["manage.py", "docs/使用指南.md", "heating/plan/weiyang-2025-2026.yaml", "heating/plan/weiyang-2025-2026.txt", "heating/plan/words.yaml",
              "templates/base.html", "static/portal/weiyang.css", "heating/alive.py", "requirements.txt"]  # fmt: skip
    assert [path for path in needed if is_left_out(path) or not (ROOT / path).is_file()] == []
    assert all(map(is_left_out, [".env", ".env.local", "var/secrets/field_key", ".git/config", "tests/conftest.py", "core/__pycache__/x.pyc"]))


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text and re.search(r"^USER portal$", text, re.M)
    assert text.index("collectstatic") < text.index("PRODUCTION=1") < text.index("USER portal") < text.index("CMD")


def test_the_health_check_asks_the_web_process_alone_and_sees_when_it_is_gone(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = environment(**{**FILLED, "STATIC_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage", "WEB_PROCESSES": "1"})
    check = [sys.executable, *SERVICES["web"]["healthcheck"]["test"][2:], str(port)]
    with (tmp_path / "log").open("wb") as log:  # there is no database and no broker behind these addresses
        web = subprocess.Popen([sys.executable, "manage.py", "web", "--port", str(port)], cwd=ROOT, env=said, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while subprocess.run(check, cwd=ROOT, env=said, check=False).returncode:
            assert web.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.3)
    finally:
        web.terminate()
        web.wait(20)
    assert "Invalid HTTP_HOST" not in (tmp_path / "log").read_text()
    assert not alive.is_alive(port)


# ---------------------------------------------------------------- the first account


@pytest.mark.django_db
def test_the_first_administrator_gets_an_account_by_a_command_and_must_change_the_password(client):
    out = StringIO()
    call_command("add_person", "li.ming", "--name", "李明", "--unit", "urban-management", "--role", "admin", stdout=out)
    user = User.objects.get(username="li.ming")
    password = out.getvalue().strip()
    assert authenticate(RequestFactory().post("/login/"), username="li.ming", password=password) == user
    assert user.must_change_password and access.everywhere(user, access.ADMINISTER)


@pytest.mark.django_db
@pytest.mark.parametrize(("username", "unit", "says"), [("li ming", "urban-management", "字母"), ("li.ming", "no-such-unit", "单位")])
def test_an_account_with_a_wrong_name_or_unit_is_refused_in_words(username, unit, says):
    with pytest.raises(CommandError, match=says):
        call_command("add_person", username, "--name", "李明", "--unit", unit, "--role", "admin")
    assert not User.objects.filter(full_name="李明").exists()
