"""A person's inbox, as they see it."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

from core import clock
from notices.models import Message
from tests.notices.world import NOON

HTMX = {"HTTP_HX_REQUEST": "true"}
LONG_AGO = NOON - timedelta(days=300)


def tell(user, number=0, **more) -> Message:
    defaults = {
        "key": f"u{user.pk}:{number}", "subject": f"新交办 {number}", "body": "请办理", "link": "/escalations/", "created_at": NOON,
        "lines": [{"key": "n1", "text": f"新交办 {number}", "link": "/escalations/", "level": 0}],
    }  # fmt: skip
    return Message.objects.create(user=user, **{**defaults, **more})


def part(html) -> BeautifulSoup:
    """The inbox without what differs from request to request."""
    found = BeautifulSoup(html, "html.parser").find(id="inbox")
    for name in ("csrfmiddlewaretoken", "upto"):
        for field in found.find_all(attrs={"name": name}):
            field.decompose()
    return found


@pytest.fixture
def reader(client, district):
    client.force_login(district.handler)
    return client


def test_the_first_look_is_at_what_is_unread(reader, district):
    tell(district.handler, 1)
    tell(district.handler, 2, read_at=NOON)
    page = part(reader.get(reverse("notices:inbox")).content)
    assert [row.a.get_text() for row in page.tbody.find_all("tr")] == ["未读：新交办 1"]
    page = part(reader.get(reverse("notices:inbox") + "?show=all").content)
    assert len(page.tbody.find_all("tr")) == 2


def test_where_everything_is_read_all_is_shown(reader, district):
    tell(district.handler, 1, read_at=NOON)
    assert len(part(reader.get(reverse("notices:inbox")).content).tbody.find_all("tr")) == 1


def test_an_empty_inbox_says_what_would_be_there(reader):
    assert "还没有消息" in reader.get(reverse("notices:inbox")).content.decode()


def test_opening_a_message_marks_it_read_and_leads_where_it_points(reader, district):
    message = tell(district.handler)
    answer = reader.get(reverse("notices:message", args=[message.pk]))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/escalations/")
    message.refresh_from_db()
    assert message.read_at is not None


def test_a_message_of_many_lines_is_a_page_of_its_own(reader, district):
    lines = [{"key": str(n), "text": f"超时：WY-{n}", "link": f"/tickets/WY-{n}/", "level": 1} for n in range(2)]
    message = tell(district.handler, lines=lines, notice_count=60)
    page = reader.get(reverse("notices:message", args=[message.pk])).content.decode()
    assert 'href="/tickets/WY-1/"' in page
    assert "另有 58 件" in page


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_message_never_leads_out_of_the_portal(reader, district, link):
    message = tell(district.handler, link=link, lines=[{"key": "1", "text": "x", "link": link, "level": 0}])
    answer = reader.get(reverse("notices:message", args=[message.pk]))
    assert answer.status_code == 200
    assert "evil" not in answer.content.decode()
    assert "javascript:" not in answer.content.decode()


def test_nobody_reads_another_s_messages(reader, district):
    foreign = tell(district.other)
    for answer in (
        reader.get(reverse("notices:message", args=[foreign.pk])),
        reader.post(reverse("notices:read", args=[foreign.pk])),
        reader.get(reverse("notices:message", args=[2**70])),
    ):
        assert answer.status_code == 404
    assert "新交办" not in reader.get(reverse("notices:inbox")).content.decode().partition("<tbody")[2]
    foreign.refresh_from_db()
    assert foreign.read_at is None


def test_marking_one_read_is_the_same_with_and_without_scripts(reader, district):
    tell(district.handler, 1)
    two = tell(district.handler, 2)
    swapped = reader.post(reverse("notices:read", args=[two.pk]), {"show": "unread"}, **HTMX)
    assert swapped.headers["HX-Trigger"] == "wy:read"
    two.refresh_from_db()
    assert two.read_at is not None
    plain = reader.post(reverse("notices:read", args=[two.pk]), {"show": "unread"})
    assert (plain.status_code, plain.headers["Location"]) == (302, "/inbox/?show=unread")
    assert part(swapped.content) == part(reader.get("/inbox/?show=unread").content)


def test_marking_all_read_spares_what_came_in_since_the_page_was_made(reader, district):
    old, new = tell(district.handler, 1), tell(district.handler, 2, created_at=NOON + timedelta(minutes=5))
    reader.post(reverse("notices:read_all"), {"upto": (NOON + timedelta(minutes=1)).isoformat()})
    old.refresh_from_db()
    new.refresh_from_db()
    assert old.read_at is not None
    assert new.read_at is None


def test_a_mark_that_is_no_time_is_refused(reader):
    assert reader.post(reverse("notices:read_all"), {"upto": "gestern"}).status_code == 400


def test_pages_follow_each_other_without_gap(reader, district):
    Message.objects.bulk_create(
        Message(key=f"p:{n}", user=district.handler, subject=f"消息 {n:03d}", body="", created_at=NOON + timedelta(seconds=n // 3), lines=[])
        for n in range(75)
    )
    seen, address = [], "/inbox/?show=all"
    while address:
        page = part(reader.get(address).content)
        seen += [row.a.get_text() for row in page.tbody.find_all("tr")]
        following = page.find("a", rel="next")
        address = f"/inbox/{following['href']}" if following else None
    assert seen == [f"未读：消息 {n:03d}" for n in reversed(range(75))]


def test_a_cursor_that_is_not_ours_is_refused(reader):
    assert reader.get("/inbox/?cursor=abc").status_code == 400


def test_thirty_messages_or_three_ask_the_same_number_of_questions(reader, district, django_assert_num_queries):
    reader.get("/inbox/")  # the first page of a session writes it
    counts = []
    for amount in (3, 27):
        for n in range(amount):
            tell(district.handler, f"{amount}-{n}")
        with django_assert_num_queries(20, exact=False) as captured:
            reader.get("/inbox/?show=all")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_bell_counts_and_keeps_nobody_signed_in(reader, district):
    tell(district.handler)
    reader.get("/inbox/")
    session = reader.session
    session["seen_at"] = clock.now().timestamp() - 600
    session.save()
    before = reader.session["seen_at"]
    answer = reader.get(reverse("notices:unread"), HTTP_X_REFRESH="1", **HTMX)
    bell = BeautifulSoup(answer.content, "html.parser").find(id="bell")
    assert bell["aria-label"] == "消息，1 条未读"
    assert reader.session["seen_at"] == before


def test_a_visitor_reaches_no_message(client, district):
    message = tell(district.handler)
    for address in ("/inbox/", f"/inbox/{message.pk}/", "/inbox/unread/", "/inbox/endpoints/", "/inbox/undelivered/"):
        assert client.get(address).headers["Location"].startswith("/login/")
