"""The register over the wire: each sees its own rows, only the bureau enters, and what is wrong is named by field."""

import pytest

from core import journal
from plants.models import Boiler, Community, Plant
from tests.story import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def bureau():
    return Caller("urban-management", "officer")


@pytest.mark.clause("B4")
def test_a_company_reads_its_own_rows_and_nobody_elses(bureau):
    own = Caller("demo-heating-1", "handler")
    rows = own.get("register/communities/").json()["results"]
    assert rows and {row["company"] for row in rows} == {"demo-heating-1"}
    foreign = Community.objects.filter(company__code="demo-heating-2").first()
    assert own.get(f"register/communities/{foreign.code}/").status_code == 404
    assert bureau.get(f"register/communities/{foreign.code}/").json()["company"] == "demo-heating-2"
    assert Caller("demo-heating-1", "admin").get("register/plants/").status_code == 403
    assert own.get("register/tickets/").status_code == 404


@pytest.mark.clause("B4", "D8.2")
def test_the_bureau_enters_and_corrects_a_row_and_the_journal_says_so(bureau):
    said = {"plant": "demo-plant-1", "name": "4 号炉", "source": "天然气锅炉", "capacity_mw": "29", "gas_m3_per_day": 60000, "inspected_until": "2026-12-01"}
    assert Caller("demo-heating-1", "handler").post("register/boilers/", said).status_code == 403
    made = bureau.post("register/boilers/", said)
    assert made.status_code == 201 and made.json()["capacity_mw"] == "29.00"
    again = bureau.post("register/boilers/", {**said, "capacity_mw": 30})
    assert (again.status_code, again.json()["code"]) == (200, made.json()["code"])
    row = Boiler.objects.get(code=made.json()["code"])
    assert row.capacity_mw == 30 and [entry.act for entry in journal.of(row)] == ["register_add", "register_change"]


@pytest.mark.parametrize("body, field", [
    ({"name": "新厂", "kind": "plant", "company": "没有这家"}, "company"), ({"name": "新厂", "kind": "plant"}, "company"), ({"kind": "plant"}, "name"),
    ({"name": "新厂", "kind": "plant", "company": "demo-heating-1", "id": 1}, "id"), ({"name": {"a": 1}}, "name"), ({"name": "新厂", "latitude": "1e999"}, "latitude"),
    ({"name": "新厂", "kind": "plant", "company": "demo-heating-1", "duty_phone": "打给张工"}, "duty_phone"),
])  # fmt: skip
def test_what_is_wrong_is_named_by_its_field_and_nothing_is_written(bureau, body, field):
    before = Plant.objects.count()
    answer = bureau.post("register/plants/", body)
    assert answer.status_code == 400 and field in answer.json()["fields"], answer.content.decode()
    assert Plant.objects.count() == before


@pytest.mark.parametrize("raw", ["[]", "null", '"x"', "{}", '{"name": "\\u0000"}', "{", '{"name": "\\ud800", "kind": "plant", "company": "demo-heating-1"}'])
def test_nothing_on_the_wire_breaks_it(bureau, raw):
    assert bureau.post("register/plants/", raw).status_code in (200, 201, 400, 422)
