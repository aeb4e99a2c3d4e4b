"""码上暖: a resident scans, complains, follows the case and has the last word; nobody else learns of it."""

import io
import re

import pypdfium2
import pytest
import zxingcpp
from captcha.models import CaptchaStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from complaints.models import Callback, Code, Rating, State, Ticket
from complaints.residents import codes, following, gate, keys
from complaints.residents.code_views import address_of
from core import clock
from core.errors import Conflict, Forbidden, NotFound, TooMany
from core.models import Tally
from deadlines import engine
from notices.models import Notice
from plants.models import Community
from tests.story import HOUR, MINUTE, NOON, arrive, browser, call_back, dispatched, finish, fresh, respond, unit, user

pytestmark = pytest.mark.django_db
PHONE = "13912340001"


@pytest.fixture
def code() -> Code:
    """The code of a building of the first community."""
    return codes.issue("building", community=Community.objects.get(code="demo-community-1"), building="6号楼", actor=None, at=NOON)


def filled(page, **more) -> dict:
    """The form that a page shows, filled in as a person would, a while after it was opened."""
    text = page.content.decode()
    hidden = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', text) for name in ("client_id", "challenge", "c")}
    said = {name: found.group(1) for name, found in hidden.items() if found}
    return {
        **said, "opened": gate.stamp(clock.now() - MINUTE), "rooms": ["主卧", "次卧"], "since": "yesterday", "celsius": "15.5", "words": "老人在家，麻烦快一点",
        "unit_no": "2", "room_no": "302", "phone": PHONE, "name": "刘大爷", "when": "any", "agreed": "on", **more,
    }  # fmt: skip


def submitted(code: Code, *, client: Client | None = None, topic: str = "cold", **more):
    """A form sent; the answer, and the browser that sent it."""
    client = client or Client()
    path = f"/m/{code.token}/{topic}/"
    return client.post(path, filled(client.get(path), **more)), client


@pytest.mark.clause("G22", "G24", "G25")
def test_a_scan_becomes_a_ticket_with_its_clocks_and_the_resident_follows_it(code):
    answer, client = submitted(code)
    ticket = Ticket.objects.get(source="qr", external_no__startswith="M")
    assert answer.status_code == 302 and answer.url.startswith("/track/")
    assert (ticket.state, ticket.doer.code, ticket.community.code, ticket.building) == ("dispatched", "demo-heating-1", "demo-community-1", "6号楼")
    assert {one.stage for one in engine.of(ticket)} == {"response", "visit", "callback"}
    assert "主卧、次卧不热" in ticket.title and "15.5" in ticket.content and "302" in ticket.address
    page = client.get(answer.url).content.decode()
    assert ticket.number in page and "已派单：演示一热力" in page and "等待响应" in page
    assert PHONE not in page and "刘大爷" not in page and "302室" not in page
    assert ticket.number not in Client().get(f"/m/{code.token}/").content.decode() and "我的诉求" in client.get(f"/m/{code.token}/").content.decode()


def test_the_same_form_sent_again_is_the_same_ticket(code):
    client = Client()
    path = f"/m/{code.token}/cold/"
    form = filled(client.get(path))
    for _ in range(3):
        assert client.post(path, {**form, "opened": gate.stamp(clock.now() - MINUTE)}).status_code in (302, 422)
    assert Ticket.objects.filter(external_no=f"M{form['client_id']}").count() == 1


def test_what_is_missing_is_named_at_its_field_and_nothing_typed_is_lost(code):
    answer, _ = submitted(code, rooms=[], room_no="", phone="123", agreed="")
    page = answer.content.decode()
    assert answer.status_code == 422 and Ticket.objects.filter(source="qr").count() == 0
    for text in ("老人在家，麻烦快一点", "15.5", "请勾选同意"):
        assert text in page
    page = submitted(code, rooms=[], room_no="", phone="123")[0].content.decode()
    assert all(text in page for text in ("请选择哪里不热", "请填写门牌号", "请填写能接通的手机或座机号码"))


def test_an_enquiry_needs_no_door_and_owes_no_visit(code):
    answer, _ = submitted(code, topic="ask", words="供暖到几号结束", room_no="", unit_no="")
    ticket = Ticket.objects.get(source="qr")
    assert answer.status_code == 302 and ticket.kind == "enquiry"
    assert "visit" not in {one.stage for one in engine.of(ticket)}


def test_photos_are_kept_with_the_ticket_and_what_is_none_is_refused(code):
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(out, "PNG")
    answer, _ = submitted(code, photos=[SimpleUploadedFile("a.png", out.getvalue(), "image/png")])
    assert answer.status_code == 302 and following.attachments.of(Ticket.objects.get(source="qr")).count() == 1
    answer, _ = submitted(code, words="客厅也不热", photos=[SimpleUploadedFile("a.png", b"MZ not a picture", "image/png")])
    assert answer.status_code == 422 and Ticket.objects.filter(source="qr").count() == 1


def test_a_machine_is_kept_out_and_a_picture_is_asked_for_past_a_threshold_only(code):
    assert submitted(code, website="http://spam")[0].status_code == 422
    client = Client(REMOTE_ADDR="10.9.9.9")
    path = f"/m/{code.token}/cold/"
    assert client.post(path, filled(client.get(path), opened=gate.stamp(clock.now()))).status_code == 422
    assert submitted(code, client=Client(REMOTE_ADDR="10.9.9.10"), phone="13912340009")[0].status_code == 302
    once_more = Client(REMOTE_ADDR="10.9.9.10")
    submitted(code, client=once_more, phone="13912340009", words="客厅也不热")
    answer, _ = submitted(code, client=once_more, phone="13912340009", words="阳台的管子漏水")
    assert answer.status_code == 422 and "图中算式" in answer.content.decode() and "/captcha/image/" in answer.content.decode()


def test_no_address_posts_without_end_and_no_header_changes_whose_it_is(code):
    answers = [
        submitted(code, client=Client(REMOTE_ADDR="10.8.8.8", headers={"X-Forwarded-For": f"1.1.1.{number}"}))[0] for number in range(24)
    ]
    assert any(answer.status_code == 429 and int(answer["Retry-After"]) > 0 for answer in answers)
    assert all(answer.status_code < 500 for answer in answers)


def test_counts_and_pictures_are_forgotten_when_their_time_is_over(code):
    submitted(code)
    gate.challenge()
    assert Tally.objects.exists() and CaptchaStore.objects.exists()
    gate.forget(at=clock.now() + 25 * HOUR)
    assert not Tally.objects.exists() and not CaptchaStore.objects.exists()


# ---------------------------------------------------------------- codes


@pytest.mark.clause("G23")
def test_one_scheme_serves_four_kinds_of_place_and_one_code_is_replaced_without_the_rest(code):
    community = code.community
    others = [codes.issue("community", community=community, actor=None, at=NOON), codes.issue("company", company=unit("demo-heating-1"), actor=None, at=NOON),
              codes.issue("district", actor=None, at=NOON)]  # fmt: skip
    with pytest.raises(Conflict):
        codes.issue("building", community=community, building="6号楼", actor=None, at=NOON)
    new = codes.replace(code, reason="海报被撕", actor=user("heating1"), at=NOON)
    assert Client().get(f"/m/{code.token}/").status_code == 410
    for one in (new, *others):
        assert Client().get(f"/m/{one.token}/").status_code == 200
    assert len({one.token for one in (code, new, *others)}) == 5


def test_a_company_keeps_its_own_codes_only(code):
    with pytest.raises(Forbidden):
        codes.revoke(code, reason="x", actor=user("heating2"), at=NOON)
    assert not codes.kept_by(user("heating2")).filter(pk=code.pk).exists() and codes.kept_by(user("heating1")).filter(pk=code.pk).exists()
    assert codes.kept_by(user("bureau")).filter(pk=code.pk).exists()


@pytest.mark.parametrize("token", ["nope", "a" * 50, "t6hux262thkr2z"])
def test_what_was_never_a_code_is_not_found(token):
    assert Client().get(f"/m/{token}/").status_code == 404


def test_a_companys_code_leads_to_its_own_communities_only():
    code = codes.issue("company", company=unit("demo-heating-1"), actor=None, at=NOON)
    page = Client().get(f"/m/{code.token}/where/").content.decode()
    assert "演示和暖苑" in page and "演示煦园" not in page
    assert "演示煦园" not in Client().get(f"/m/{code.token}/?c=demo-community-2").content.decode()


def test_a_real_decoder_reads_the_printed_code_and_finds_the_page_even_with_a_corner_torn_off(code, settings):
    settings.PUBLIC_URL = "http://testserver"
    picture = Image.open(io.BytesIO(codes.png(address_of(code), scale=8)))
    assert zxingcpp.read_barcodes(picture)[0].text == f"http://testserver/m/{code.token}/"
    torn = picture.convert("L")
    torn.paste(255, (torn.width - 90, torn.height - 90, torn.width, torn.height))
    path = zxingcpp.read_barcodes(torn)[0].text.removeprefix("http://testserver")
    assert "6号楼" in Client().get(path).content.decode()


def test_codes_are_issued_by_the_dozen_printed_and_each_company_sees_its_own():
    company = browser("heating1")
    form = {"scope": "building", "community": "demo-community-1", "buildings": "17号楼\n18号楼\n\n18号楼"}
    assert company.post("/codes/", form).status_code == 302 and company.post("/codes/", form).status_code == 302
    found = list(Code.objects.filter(community__code="demo-community-1"))
    assert sorted(one.building for one in found) == ["17号楼", "18号楼"]
    assert "17号楼" in company.get("/codes/").content.decode() and "17号楼" not in browser("heating2").get("/codes/").content.decode()
    sheet = company.get("/codes/sheets/?kind=cards").content.decode()
    assert sheet.count("<svg") == 2 and "演示第一热力有限公司" in sheet
    assert company.get(f"/codes/{found[0].pk}/picture/").content.startswith(b"\x89PNG")
    assert browser("heating2").get(f"/codes/{found[0].pk}/picture/").status_code == 404
    assert browser("heating2").post("/codes/", form).status_code == 422
    assert browser("heating2").get("/codes/sheets/").content.decode().count("<svg") == 0
    answer = company.post(f"/codes/{found[0].pk}/replace/", {"reason": "被撕"})
    assert answer.status_code == 302 and Code.objects.get(pk=found[0].pk).revoked_at is not None


# ---------------------------------------------------------------- following


def case_of(code: Code) -> tuple[Ticket, str]:
    """A submitted ticket and the key to it."""
    answer, _ = submitted(code)
    return Ticket.objects.get(source="qr", external_no__startswith="M"), answer.url.split("/")[2]


def test_number_and_last_four_digits_open_a_case_and_every_miss_sounds_the_same(code):
    ticket, _ = case_of(code)
    client = Client()
    assert client.post("/track/", {"number": ticket.number, "tail": PHONE[-4:]}).status_code == 302
    misses = [
        client.post("/track/", {"number": number, "tail": tail}) for number, tail in ((ticket.number, "0000"), ("WY-20250101-000000", PHONE[-4:]), ("x", "1"))
    ]
    texts = {re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in misses}
    assert {answer.status_code for answer in misses} == {422} and len(texts) == 1
    with pytest.raises(NotFound):
        keys.by_key("A" * 24)


def test_guessing_at_one_number_closes_it_whoever_guesses(code):
    ticket, _ = case_of(code)
    at = clock.now()
    for tail in range(10):
        with pytest.raises(NotFound):
            following.by_number(ticket.number, f"9{tail:03d}", at=at)
    with pytest.raises(TooMany):
        following.by_number(ticket.number, PHONE[-4:], at=at)


def test_the_same_times_as_staff_see_and_lateness_is_said(code):
    ticket, _ = case_of(code)
    start = ticket.delivered_at
    late = following.steps(fresh(ticket), at=start + 20 * MINUTE)
    assert [step.state for step in late][:3] == ["ok", "ok", "over"] and "已超过承诺时间 5 分钟" in late[2].said
    respond(ticket, start + 16 * MINUTE)
    arrive(ticket, start + 30 * MINUTE)
    shown = following.steps(fresh(ticket), at=start + HOUR)
    assert (shown[2].state, shown[2].said, shown[3].state, shown[3].at) == ("late", "用时 16 分钟（承诺 15 分钟内）", "ok", start + 30 * MINUTE)


def test_not_helped_before_the_close_out_is_the_next_round_and_after_it_a_new_ticket(code):
    ticket, key = case_of(code)
    start = ticket.delivered_at
    respond(ticket, start + MINUTE)
    arrive(ticket, start + 20 * MINUTE)
    with pytest.raises(Conflict):
        following.still_cold(fresh(ticket), at=start + 25 * MINUTE)
    finish(ticket, start + 30 * MINUTE)
    assert following.still_cold(fresh(ticket), words="还是15度", at=start + HOUR).pk == ticket.pk
    assert (fresh(ticket).round, fresh(ticket).state) == (2, State.DISPATCHED)
    respond(ticket, start + 2 * HOUR)
    arrive(ticket, start + 2 * HOUR + MINUTE)
    finish(ticket, start + 3 * HOUR)
    call_back(ticket, start + 4 * HOUR)
    again = following.still_cold(fresh(ticket), at=start + 5 * HOUR)
    assert again.pk != ticket.pk and again.repeat_of_id == ticket.pk and fresh(ticket).state == State.CLOSED


def test_a_withdrawal_ends_the_work_and_mends_no_verdict(code):
    ticket, _ = case_of(code)
    late = ticket.delivered_at + 20 * MINUTE
    following.withdraw(fresh(ticket), reason="已自行解决", at=late)
    outcomes = {one.stage: one.outcome for one in engine.of(ticket)}
    assert fresh(ticket).state == State.CLOSED and outcomes == {"response": "late", "visit": "neutral", "callback": "neutral"}


def test_the_visit_that_the_resident_agrees_to_moves_the_hour(code):
    ticket, key = case_of(code)
    start = ticket.delivered_at
    respond(ticket, start + MINUTE)
    following.lifecycle.make_appointment(fresh(ticket), visit_at=start + 3 * HOUR, confirmed_by_resident=False, actor=user("heating1"), at=start + 2 * MINUTE)
    assert engine.of(ticket).get(stage="visit").due_at == start + HOUR
    following.confirm_appointment(fresh(ticket), at=start + 5 * MINUTE)
    assert engine.of(ticket).get(stage="visit").due_at == start + 3 * HOUR
    assert following.choices(fresh(ticket), at=start + 6 * MINUTE).confirm is None


def test_nobody_came_makes_the_recorded_arrival_doubtful_and_the_bureau_hears_of_it(code):
    ticket, _ = case_of(code)
    start = ticket.delivered_at
    respond(ticket, start + MINUTE)
    arrive(ticket, start + 10 * MINUTE)
    following.report_no_show(fresh(ticket), at=start + 20 * MINUTE)
    assert fresh(ticket).evidence.get().to_verify
    assert Notice.objects.filter(kind="contradiction", unit__code="urban-management").count() == 1
    with pytest.raises(TooMany):
        following.report_no_show(fresh(ticket), at=start + 21 * MINUTE)


def test_a_rating_against_the_companys_record_is_told_to_the_bureau(code):
    ticket, key = case_of(code)
    start = ticket.delivered_at
    respond(ticket, start + MINUTE)
    arrive(ticket, start + 10 * MINUTE)
    finish(ticket, start + 20 * MINUTE)
    call_back(ticket, start + 30 * MINUTE)
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=clock.now())
    answer = Client().post(f"/track/{key}/rate/", {"solved": "no", "satisfaction": "dissatisfied", "was_visited": "no", "was_called": "yes"})
    rating = Rating.objects.get()
    assert answer.status_code == 302 and rating.satisfaction == Callback.Satisfaction.DISSATISFIED
    assert rating.contradicts == ["企业登记已上门，住户称没有人来", "企业登记已解决，住户称没有解决", "企业登记为满意，住户不满意"]
    assert Notice.objects.filter(kind="contradiction").exists()
    assert Client().post(f"/track/{key}/rate/", {"solved": "yes", "satisfaction": "satisfied"}).status_code == 409


def test_more_words_and_reminders_move_no_clock(code):
    ticket, key = case_of(code)
    due = engine.of(ticket).get(stage="response").due_at
    assert Client().post(f"/track/{key}/supplement/", {"words": "客厅也不热了"}).status_code == 302
    assert Client().post(f"/track/{key}/nudge/").status_code == 302
    assert Client().post(f"/track/{key}/nudge/").status_code == 429
    assert "客厅也不热了" in fresh(ticket).content and engine.of(ticket).get(stage="response").due_at == due
    assert fresh(ticket).state == State.DISPATCHED


def test_staff_see_what_the_resident_did(code):
    ticket, key = case_of(code)
    Client().post(f"/track/{key}/supplement/", {"words": "客厅也不热了"})
    page = browser("heating1").get(f"/tickets/{ticket.number}/").content.decode()
    assert "扫码提交" in page and "诉求补充" in page


@pytest.mark.parametrize("path", ["supplement", "withdraw", "again", "rate", "nudge", "confirm", "noshow", "else"])
@pytest.mark.parametrize("body", [{}, {"words": "\x00"}, {"words": "文" * 5000}, {"reason": "\ud800".encode("utf-8", "surrogatepass")}, {"photos": "x"}])
def test_nothing_that_is_sent_to_a_case_makes_a_fault_of_ours(code, path, body):
    _, key = case_of(code)
    for method in ("get", "post"):
        assert getattr(Client(), method)(f"/track/{key}/{path}/", body).status_code < 500


@pytest.mark.clause("G23")
def test_posters_and_cards_are_one_pdf_file_whose_every_code_a_real_decoder_reads(settings):
    settings.PUBLIC_URL = "http://testserver"
    company = browser("heating1")
    company.post("/codes/", {"scope": "building", "community": "demo-community-1", "buildings": "\n".join(f"{number}号楼" for number in range(1, 13))})
    wanted = sorted(address_of(one) for one in Code.objects.filter(community__code="demo-community-1"))
    for kind, pages in (("posters", 12), ("cards", 2)):
        answer = company.get(f"/codes/paper/?kind={kind}")
        assert answer.headers["Content-Type"] == "application/pdf"
        paper = pypdfium2.PdfDocument(answer.content)
        assert len(paper) == pages
        read = sorted(found.text for page in paper for found in zxingcpp.read_barcodes(page.render(scale=3).to_pil()))
        assert read == wanted
        assert "演示第一热力有限公司" in paper[0].get_textpage().get_text_bounded()
    assert browser("heating2").get("/codes/paper/").status_code == 400


def test_the_same_household_again_while_its_case_is_open_follows_that_case_with_a_receipt_and_no_clocks(code):
    submitted(code)
    first = Ticket.objects.get(source="qr")
    answer, client = submitted(code, words="到现在没有人来，老人发烧了")
    again = Ticket.objects.exclude(pk=first.pk).get(source="qr")
    assert again.links_up.get().parent == first and again.state == "received" and not engine.open_of(again).exists()
    first.refresh_from_db()
    assert (first.call_count, first.is_urgent) == (2, True)
    company = browser("heating1")
    assert "老人发烧了" in company.get(f"/tickets/{first.number}/").content.decode()
    page = client.get(answer.url).content.decode()
    assert again.number in page and "已并入此前的诉求" in page
    assert not Notice.objects.filter(kind="arrival").exists()
    closed = first_closed(first)
    again.refresh_from_db()
    assert closed.state == again.state == "closed" and "已办结" in client.get(answer.url).content.decode()


def first_closed(ticket: Ticket) -> Ticket:
    """The company sees to it, to the caller's content."""
    at = clock.now()
    respond(ticket, at)
    arrive(ticket, at + MINUTE)
    finish(ticket, at + 2 * MINUTE)
    call_back(ticket, at + 3 * MINUTE)
    return fresh(ticket)


@pytest.mark.parametrize("other", [{"room_no": "1201"}, {"phone": "13912340009"}, {"topic": "leak", "words": "阀门滴水", "rooms": []}])
def test_another_flat_another_caller_or_another_matter_is_a_case_of_its_own(code, other):
    submitted(code)
    submitted(code, **other)
    assert [one.state for one in Ticket.objects.filter(source="qr")] == ["dispatched"] * 2


def test_nobody_finds_out_by_a_neighbours_number_that_somebody_complained_in_confidence(code):
    submitted(code)
    Ticket.objects.filter(source="qr").update(is_confidential=True)
    answer, client = submitted(code)
    assert not any(one.links_up.exists() for one in Ticket.objects.filter(source="qr"))
    assert "已并入" not in client.get(answer.url).content.decode()


def test_told_by_phone_to_12345_and_by_the_code_it_is_one_case_with_two_records(code):
    called = dispatched(at=clock.now(), complainant_phone=PHONE, building="6号楼")
    submitted(code)
    assert Ticket.objects.get(source="qr").links_up.get().parent == called
