"""Public numbers: entered, published as of a day, withdrawn; the phone book is open to everybody and shows nothing else (I13)."""

from datetime import date

import pytest
from django.test import Client

from core import clock, journal
from core.errors import Conflict, Invalid
from tests import story
from tests.story import DAY, NOON
from units import phones
from units.models import Phone

pytestmark = pytest.mark.django_db


def entered(code: str = "demo-heating-1", kind: str = "service", number: str = "029-00000088", **more) -> Phone:
    return phones.enter(story.unit(code), kind, number, actor=None, at=NOON, **more)


@pytest.mark.clause("I13")
def test_a_number_is_public_from_its_day_on_until_it_is_withdrawn():
    phone = entered()
    assert not phones.published(NOON.date()).exists()
    phones.publish(phone, on=date(2025, 11, 15), actor=None, at=NOON)
    assert not phones.published(date(2025, 11, 14)).exists()
    assert phones.published(date(2025, 11, 15)).get() == phone
    phones.publish(phone, on=date(2025, 11, 20), actor=None, at=NOON)
    assert Phone.objects.get().published_on == date(2025, 11, 15)
    with pytest.raises(Invalid):
        phones.withdraw(phone, reason="", actor=None, at=NOON + DAY)
    phones.withdraw(phone, reason="改号", actor=None, at=NOON + DAY)
    assert not phones.published(date(2025, 11, 20)).exists()
    assert [entry.act for entry in journal.of(phone)] == ["enter", "publish", "withdraw"]
    with pytest.raises(Conflict):
        phones.publish(phone, actor=None, at=NOON + DAY)
    assert entered().pk != phone.pk  # the same number may come back


@pytest.mark.parametrize("number", ["029-8624 0000", "86240000", "029-86240000-8", "12345", "96777", "400-800-1234", "13800000000", "119"])
def test_numbers_as_people_write_them(number):
    assert entered(number=number).number == number


@pytest.mark.parametrize("number", ["", "abc", "029", "1.38E+10", "８６２４００００", "12", "029-86240000；", "'; DROP TABLE"])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(Invalid) as refusal:
        entered(number=number)
    assert "number" in refusal.value.fields


@pytest.mark.clause("I13")
def test_residents_read_the_book_without_signing_in():
    at = clock.now()
    for code, kind, number in [("demo-heating-1", "service", "029-00000088"), ("urban-management", "supervision", "029-00000001"), ("street-weiyanggong", "duty", "029-00000030")]:
        phones.publish(entered(code, kind, number), actor=None, at=at)
    entered("demo-heating-2", "service", "029-00000099")
    answer = Client().get("/phones/")
    text = answer.content.decode()
    assert answer.status_code == 200
    for shown in ("029-00000088", "029-00000001", "029-00000030", "12345", "供热企业", "街道办事处", "公布"):
        assert shown in text
    assert "029-00000099" not in text
    assert 'href="tel:029-00000088"' in text


@pytest.mark.clause("I13")
def test_before_anything_is_published_the_book_says_whom_to_call():
    text = Client().get("/phones/").content.decode()
    assert "12345" in text
    assert "尚未公布" in text


def test_a_unit_keeps_its_own_numbers_and_the_bureau_everybody_s():
    mine, other = entered(), entered("demo-heating-2", "service", "029-00000099")
    company = story.browser("heating1")
    page = company.get("/duty/phones/").content.decode()
    assert "029-00000088" in page
    assert "029-00000099" not in page
    assert company.post(f"/duty/phones/{mine.pk}/publish/").status_code == 302
    assert company.post(f"/duty/phones/{other.pk}/publish/").status_code == 404
    assert company.post("/duty/phones/add/", {"unit": "demo-heating-2", "kind": "service", "number": "86240000"}).status_code == 422
    assert company.post("/duty/phones/add/", {"unit": "demo-heating-1", "kind": "service", "number": "86240000"}).status_code == 302
    assert story.browser("bureau").post(f"/duty/phones/{other.pk}/publish/").status_code == 302
    assert story.browser("viewer").post(f"/duty/phones/{other.pk}/withdraw/", {"reason": "x"}).status_code == 403
    assert story.browser("admin").post(f"/duty/phones/{other.pk}/withdraw/", {"reason": "x"}).status_code == 404
    assert Phone.objects.filter(published_on=None).count() == 1


@pytest.mark.clause("I13")
def test_who_has_published_no_number_is_named_to_the_district_and_to_themselves_only():
    phones.publish(entered(), actor=None, at=clock.now())
    district = story.browser("bureau").get("/duty/phones/").content.decode()
    said = district[district.index("尚未公开电话") :].split("</div>")[0]
    assert "区财政局" in said
    assert "演示二热力" in said
    assert "演示一热力" not in said
    assert "尚未公开电话" not in story.browser("heating1").get("/duty/phones/").content.decode()
    other = story.browser("heating2").get("/duty/phones/").content.decode()
    assert "演示二热力" in other
    assert "演示三热力" not in other


def test_what_was_typed_wrongly_is_shown_again_with_the_reason():
    answer = story.browser("heating1").post("/duty/phones/add/", {"unit": "demo-heating-1", "kind": "service", "number": "一二三"})
    assert answer.status_code == 422
    assert "一二三" in answer.content.decode()
    assert "号码格式不正确" in answer.content.decode()
