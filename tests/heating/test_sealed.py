"""Whoever steals the database file reads no number, no name, no door (S11)."""

import subprocess

import pytest

from heating import backups, embedded
from tests.story import NOON, dispatched, respond, unit, user
from units.models import User, Worker

SECRETS = {"13912345678": "电话", "张大伟": "姓名", "二单元九零一": "门牌", "zhang@example.cn": "邮箱", "13700001111": "备用电话"}


@pytest.mark.guard("S11")
@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_whole_database_has_no_personal_word_in_it():
    ticket = dispatched(
        content="我是张大伟，电话13912345678，备用13700001111，家里不热", complainant_name="张大伟", complainant_phone="13912345678", address="3号楼二单元九零一",
        complainant_email="zhang@example.cn", other_phone="13700001111",
    )  # fmt: skip
    respond(ticket, NOON)
    User.objects.filter(username="heating1").update(phone="13912345678")
    Worker.objects.create(unit=unit("demo-heating-1"), name="值班员甲", phone="13912345678")
    assert user("heating1").phone == "13912345678" and ticket.complainant_name == "张大伟", "平台自己读得出来"
    dump = subprocess.run([embedded.program("pg_dump"), "--inserts"], env=backups.environment(backups.here()), capture_output=True, text=True, check=True).stdout
    assert ticket.number in dump and "家里不热" in dump
    assert {name for secret, name in SECRETS.items() if secret in dump} <= {"姓名"}
    assert "张大伟" not in dump.replace(ticket.content, "").replace(ticket.title, "")
