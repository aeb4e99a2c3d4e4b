"""Who is told what, in how many messages."""

from datetime import timedelta

from notices import outbox
from notices.models import Message, Notice
from tests.notices.world import NOON, hold, make_endpoint, make_person, make_unit
from units.models import Kind, Role

MINUTE = timedelta(minutes=1)


def overdue(unit, number, *, audience="bureau", level=1, late=42 * MINUTE, at=NOON, company="甲热力") -> Notice:
    """A notice as the sweep writes it."""
    return Notice(
        key=f"climb:{number}:{level}:{audience}:{unit.pk}", unit=unit, audience=audience, kind="escalation", level=level,
        subject=f"WY-{number}", created_at=at,
        data={"deadline": number, "label": f"WY-{number}", "stage": "首次响应", "unit": company, "due_at": (at - late).isoformat(),
              "level": level, "proposal": ""},
    )  # fmt: skip


def inbox(user) -> list[Message]:
    return list(Message.objects.filter(user=user).order_by("id"))


def test_the_same_key_twice_is_one_notice(district):
    for words in ("一", "二"):
        outbox.post(district.company, words, key="dispatch:1", at=NOON)
    assert list(Notice.objects.values_list("subject", flat=True)) == ["一"]


def test_who_works_for_a_unit_is_told_and_nobody_else(district):
    outbox.post(district.company, "新交办：WY-1 不热", key="dispatch:1", audience="workers", kind="dispatch", link="/tickets/WY-1/", at=NOON)
    assert outbox.route(at=NOON) == 1
    (message,) = inbox(district.handler)
    assert (message.subject, message.link, message.read_at) == ("新交办：WY-1 不热", "/tickets/WY-1/", None)
    assert Message.objects.count() == 1


def test_routing_twice_tells_nothing_twice(district):
    outbox.post(district.company, "新交办", key="dispatch:1", audience="workers", at=NOON)
    assert [outbox.route(at=NOON), outbox.route(at=NOON)] == [1, 0]
    assert len(inbox(district.handler)) == 1


def test_many_late_at_once_are_one_message_for_each_recipient(district):
    outbox.post_many([overdue(district.bureau, number) for number in range(60)])
    outbox.route(at=NOON)
    (message,) = inbox(district.officer)
    assert message.notice_count == 60
    assert len(message.lines) == outbox.LINES_SHOWN
    assert message.subject == "超时督办 60 件"


def test_the_gravest_come_first(district):
    outbox.post_many([overdue(district.bureau, 1), overdue(district.bureau, 2, level=3), overdue(district.bureau, 3, level=2)])
    outbox.route(at=NOON)
    (message,) = inbox(district.officer)
    assert [line["level"] for line in message.lines] == [3, 2, 1]
    assert message.level == 3


def test_who_is_meant_in_two_ways_reads_it_once(district):
    """The bureau's principal also sits at its desk."""
    hold("bureau-head", district.bureau, district.officer, is_principal=True)
    outbox.post_many([overdue(district.bureau, 1, audience=audience) for audience in ("bureau", "bureau_principal")])
    outbox.route(at=NOON)
    (message,) = inbox(district.officer)
    assert message.notice_count == 1


def test_a_post_is_told_through_whoever_holds_it_at_that_moment(district):
    old, new = make_person("old", district.office, Role.OFFICER), make_person("new", district.office, Role.OFFICER)
    holding = hold("office-director", district.office, old)
    outbox.post_many([overdue(district.office, 1, audience="office_director", level=3)])
    outbox.route(at=NOON)
    holding.until = NOON + MINUTE
    holding.save()
    holding.post.holdings.create(name="新", user=new, since=NOON + MINUTE)
    outbox.post_many([overdue(district.office, 2, audience="office_director", level=3)])
    outbox.route(at=NOON + MINUTE)
    assert [len(inbox(old)), len(inbox(new))] == [1, 1]


def test_who_left_is_told_nothing_any_more(district):
    district.handler.is_active = False
    district.handler.save()
    colleague = make_person("colleague", district.company, Role.HANDLER)
    outbox.post(district.company, "新交办", key="dispatch:1", audience="workers", at=NOON)
    outbox.route(at=NOON)
    assert inbox(district.handler) == []
    assert len(inbox(colleague)) == 1


def test_an_empty_roster_is_skipped_to_the_next_one_up_and_raises_an_alarm(district):
    empty = make_unit("street-empty", "空街道", Kind.STREET)
    outbox.post_many([overdue(empty, 1, audience="street")])
    outbox.route(at=NOON)
    (heard,) = inbox(district.officer)
    assert "WY-1" in heard.body
    outbox.route(at=NOON)
    alarm = inbox(district.officer)[1]
    assert "空街道无人接收" in alarm.subject


def test_the_alarm_of_an_empty_roster_comes_once_a_day(district):
    empty = make_unit("street-empty", "空街道", Kind.STREET)
    for number in range(3):
        outbox.post_many([overdue(empty, number, audience="street")])
        outbox.route(at=NOON + number * MINUTE)
    assert Notice.objects.filter(kind="unheard").count() == 1


def test_a_vacant_post_is_passed_over_up_to_the_deputy_head(district):
    deputy = make_person("deputy", district.task_force, Role.OFFICER)
    hold("deputy-head-1", district.task_force, deputy)
    outbox.post_many([overdue(district.bureau, 1, audience="bureau_principal", level=2)])
    outbox.route(at=NOON)
    assert len(inbox(deputy)) == 1


def test_nobody_anywhere_stops_nobody_else(db):
    """Before a plan is loaded there is no bureau to alarm."""
    lonely, known = make_unit("a", "甲", Kind.HEATING), make_unit("b", "乙", Kind.HEATING)
    worker = make_person("worker", known, Role.HANDLER)
    for unit in (lonely, known):
        outbox.post(unit, "通知", key=f"n:{unit.code}", at=NOON)
    assert outbox.route(at=NOON) == 2
    assert len(inbox(worker)) == 1


def test_a_notice_that_lacks_what_it_should_say_does_not_stop_the_others(district):
    broken = overdue(district.bureau, 1)
    broken.data = {"deadline": 1}
    outbox.post_many([broken, overdue(district.bureau, 2)])
    assert outbox.route(at=NOON) == 2
    (message,) = inbox(district.officer)
    assert "WY-1" in message.body
    assert "超时 42 分钟：WY-2" in message.body


def test_an_address_hears_only_what_is_grave_enough_for_it(district):
    endpoint = make_endpoint(district.bureau, "https://robot.example/", least_level=2)
    outbox.post_many([overdue(district.bureau, 1), overdue(district.bureau, 2, level=2)])
    outbox.route(at=NOON)
    (message,) = endpoint.messages.all()
    assert message.notice_count == 1
    assert "WY-2" in message.body
    assert message.next_attempt_at == NOON


def test_an_address_that_is_switched_off_hears_nothing(district):
    endpoint = make_endpoint(district.company, "https://robot.example/", is_active=False)
    outbox.post(district.company, "新交办", key="dispatch:1", at=NOON)
    outbox.route(at=NOON)
    assert endpoint.messages.count() == 0


def test_routing_asks_the_same_number_of_questions_for_one_notice_and_for_many(district, django_assert_max_num_queries):
    outbox.post_many([overdue(district.bureau, number) for number in range(500)])
    with django_assert_max_num_queries(16):
        outbox.route(at=NOON)


def test_fifty_thousand_at_once_are_a_handful_of_messages(district):
    """A worker that was down for an hour: G4, at most 20 messages for each recipient."""
    for start in range(0, 50_000, 5_000):
        outbox.post_many([overdue(district.bureau, number) for number in range(start, start + 5_000)])
    assert outbox.route(at=NOON) == 50_000
    messages = inbox(district.officer)
    assert len(messages) <= 3
    assert sum(message.notice_count for message in messages) == 50_000


def test_a_flood_is_told_in_gulps_by_whoever_asks_every_second(district):
    """A sweep over a backlog commits batch by batch; the sender looks every second: still few messages."""
    for second in range(30):
        at = NOON + timedelta(seconds=second)
        outbox.post_many([overdue(district.bureau, second * 1000 + number, at=NOON) for number in range(1000)])
        outbox.route(at=at, in_gulps=True)
    outbox.route(at=NOON + timedelta(seconds=36), in_gulps=True)
    assert Notice.objects.filter(routed_at=None).count() == 0
    assert len(inbox(district.officer)) <= 8


def test_a_few_notices_are_never_kept_waiting(district):
    for second in range(3):
        outbox.post_many([overdue(district.bureau, second)])
        assert outbox.route(at=NOON + timedelta(seconds=second), in_gulps=True) == 1


def test_how_long_the_oldest_has_been_waiting_is_known(district):
    assert outbox.oldest_waiting(NOON) == 0
    outbox.post(district.company, "新交办", key="dispatch:1", at=NOON)
    assert outbox.oldest_waiting(NOON + MINUTE) == 60
    assert outbox.pending() == 1
    outbox.route(at=NOON + MINUTE)
    assert outbox.oldest_waiting(NOON + 2 * MINUTE) == 0
    assert outbox.pending() == 0


def test_phone_numbers_are_blotted_out_in_what_is_kept(district):
    outbox.post(district.company, "催办：电话 13812345678", key="nudge:1", body="身份证 610112198001011234", at=NOON)
    outbox.route(at=NOON)
    (message,) = inbox(district.handler)
    assert "13812345678" not in message.subject + message.body + str(message.lines)
    assert "198001011234" not in message.body
