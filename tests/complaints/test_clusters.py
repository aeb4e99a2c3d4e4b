"""Many households with one trouble are one cluster beside their own tickets, found by the callers' own times."""

import pytest

from complaints import clusters, lifecycle
from complaints.models import Cluster, ClusterMember, State
from core import journal
from core.errors import Conflict, Forbidden, Invalid
from deadlines import engine
from notices.models import Notice
from plants.models import Community
from tests.story import DAY, HOUR, MINUTE, NOON, browser, dispatched, fresh, received, unit, user

pytestmark = pytest.mark.django_db


def call(number: int, *, at=NOON, building: str = "6号楼", community: str = "demo-community-1", **more):
    """One household's complaint, dispatched."""
    return dispatched(at=at, building=building, community=community, complainant_phone=f"138{number:08d}", category="heating_service", **more)


@pytest.mark.clause("G16", "E9")
def test_five_households_of_a_building_within_two_hours_are_one_cluster_and_four_are_none():
    for number in range(4):
        call(number, at=NOON + number * MINUTE)
    assert clusters.detect(at=NOON + 10 * MINUTE) == []
    last = call(4, at=NOON + 20 * MINUTE, building="6 栋")
    one = clusters.detect(at=NOON + 21 * MINUTE)[0]
    assert (one.owner.code, one.street.code, one.building_key, one.opened_at) == ("demo-heating-1", "street-weiyanggong", "6", last.called_at)
    assert ClusterMember.objects.filter(cluster=one).count() == 5
    assert clusters.detect(at=NOON + 22 * MINUTE) == []
    told = Notice.objects.filter(kind="cluster")
    assert sorted(notice.unit.code for notice in told) == ["demo-heating-1", "street-weiyanggong", "urban-management"]


def test_one_household_that_calls_five_times_is_no_cluster():
    for number in range(5):
        call(7, at=NOON + number * MINUTE)
    assert clusters.detect(at=NOON + HOUR) == []


def test_two_hours_are_two_hours_by_the_callers_times_however_late_somebody_looks():
    for number in range(4):
        call(number, at=NOON)
    call(5, at=NOON + 2 * HOUR + MINUTE)
    assert clusters.detect(at=NOON + 3 * HOUR) == []
    other = [call(number, at=NOON + number * MINUTE, building="8号楼") for number in range(10, 15)]
    one = clusters.detect(at=NOON + 9 * HOUR)[0]
    assert (one.building_key, one.opened_at, one.detected_at) == ("8", other[-1].called_at, NOON + 9 * HOUR)


def test_ten_households_of_a_community_take_in_the_clusters_of_its_buildings_and_later_calls_join():
    for number in range(5):
        call(number)
    building = clusters.detect(at=NOON + MINUTE)[0]
    for number in range(5, 10):
        call(number, building=f"{number + 10}号楼", at=NOON + 5 * MINUTE)
    whole = clusters.detect(at=NOON + 6 * MINUTE)[0]
    assert (whole.building_key, ClusterMember.objects.filter(cluster=whole, left_at=None).count()) == ("", 10)
    assert Cluster.objects.get(pk=building.pk).state == Cluster.State.ABSORBED
    later = call(20, building="30号楼", at=NOON + HOUR)
    clusters.detect(at=NOON + HOUR + MINUTE)
    assert later.clusters.get().cluster == whole
    assert Cluster.objects.filter(state="open").count() == 1


def test_the_tickets_keep_their_clocks_and_the_end_of_the_cluster_ends_none():
    tickets = [call(number) for number in range(5)]
    one = clusters.detect(at=NOON + MINUTE)[0]
    with pytest.raises(Invalid):
        clusters.close(one, finding=" ", actor=user("heating1"), at=NOON + HOUR)
    clusters.close(one, finding="楼前阀门损坏，已更换", actor=user("heating1"), at=NOON + HOUR)
    for ticket in tickets:
        assert fresh(ticket).state == State.DISPATCHED and engine.open_of(ticket).count() == 3
    assert "楼前阀门损坏" in journal.of(one).last().reason
    call(30, at=NOON + 2 * HOUR)
    assert clusters.detect(at=NOON + 2 * HOUR + MINUTE) == []


def test_a_ticket_taken_out_stays_out_until_somebody_puts_it_in_again():
    tickets = [call(number) for number in range(5)]
    one = clusters.detect(at=NOON + MINUTE)[0]
    clusters.take_out(one, tickets[0], reason="是户内阀门", actor=user("heating1"), at=NOON + HOUR)
    clusters.detect(at=NOON + HOUR + MINUTE)
    assert ClusterMember.objects.filter(cluster=one, left_at=None).count() == 4
    with pytest.raises(Conflict):
        clusters.take_out(one, tickets[0], reason="再来一次", actor=user("heating1"), at=NOON + HOUR)
    clusters.put_in(one, tickets[0], actor=user("bureau"), at=NOON + 2 * HOUR)
    assert ClusterMember.objects.filter(cluster=one, left_at=None).count() == 5


def test_a_company_and_a_street_see_their_own_and_nobody_elses_by_any_door():
    for number in range(5):
        call(number)
    one = clusters.detect(at=NOON + MINUTE)[0]
    for login in ("heating1", "street", "bureau"):
        assert one.number in browser(login).get("/clusters/").content.decode() and browser(login).get(f"/clusters/{one.number}/").status_code == 200
    for login in ("heating2", "property2"):
        client = browser(login)
        assert one.number not in client.get("/clusters/?state=all").content.decode() and client.get(f"/clusters/{one.number}/").status_code == 404
        assert client.post(f"/clusters/{one.number}/close/", {"finding": "x"}).status_code == 404
    with pytest.raises(Forbidden):
        clusters.close(one, finding="x", actor=user("street"), at=NOON)
    assert browser("heating1").get("/clusters/?format=xlsx").content[:2] == b"PK"


def test_the_owner_acts_on_the_page_and_the_residents_read_the_notice():
    for number in range(5):
        call(number)
    one = clusters.detect(at=NOON + MINUTE)[0]
    client = browser("heating1")
    assert client.post(f"/clusters/{one.number}/notice/", {"text": "6号楼前阀门正在更换，预计 18:00 恢复"}).status_code == 302
    place = Community.objects.get(code="demo-community-1")
    assert clusters.public_texts(place, "6号楼") == ["6号楼前阀门正在更换，预计 18:00 恢复"] and clusters.public_texts(place, "7号楼") == []
    assert client.post(f"/clusters/{one.number}/hand_over/", {"owner": "demo-property-1", "reason": "x"}).status_code == 403
    assert browser("bureau").post(f"/clusters/{one.number}/hand_over/", {"owner": "housing-construction", "reason": "二次网归物业"}).status_code == 302
    assert Cluster.objects.get().owner == unit("housing-construction")


def test_enquiries_and_what_was_void_make_no_cluster():
    for number in range(5):
        received(at=NOON, building="6号楼", complainant_phone=f"139{number:08d}", kind="enquiry", content="请问几号停暖")
    for number in range(10, 15):
        lifecycle.make_void(call(number), reason="测试", actor=user("dispatcher"), at=NOON)
    assert clusters.detect(at=NOON + MINUTE) == []


def test_the_search_asks_as_much_for_sixty_calls_as_for_six(django_assert_max_num_queries):
    for number in range(6):
        call(number)
    clusters.detect(at=NOON + MINUTE)
    with django_assert_max_num_queries(9):
        clusters.detect(at=NOON + 2 * MINUTE)


def test_buildings_that_keep_coming_back_are_listed_by_the_weeks_in_which_they_did():
    for week in range(3):
        for number in range(2):
            call(number + 10 * week, at=NOON + 7 * week * DAY)
    call(99, building="9号楼")
    found = browser("bureau").get("/clusters/buildings/").content.decode()
    assert "6号楼" in found and "9号楼" not in found
    season = clusters.seasons.active(NOON)
    assert [(place.weeks, place.tickets, place.households) for place in clusters.persistent(user("bureau"), season)] == [(3, 6, 6)]
    assert clusters.persistent(user("heating2"), season) == []


@pytest.mark.clause("D18.5")
def test_no_list_of_buildings_tells_a_company_where_somebody_complained_in_confidence():
    for number in range(3):
        call(number, building="7号楼", is_confidential=True)
        dispatched(at=NOON, building="8号楼", complainant_phone=f"137{number:08d}", category="heat_theft", content="有人偷热")
    season = clusters.seasons.active(NOON)
    for place in ("7号楼", "8号楼"):
        assert place in browser("bureau").get("/clusters/buildings/").content.decode()
        assert place not in browser("heating1").get("/clusters/buildings/").content.decode()
    assert clusters.persistent(user("heating1"), season) == []


def test_a_week_begins_on_monday_at_midnight_here_and_what_is_no_trouble_with_heating_is_not_counted():
    monday = NOON + 3 * DAY - 12 * HOUR  # 2025-11-17 00:00
    for number, at in enumerate((monday + MINUTE, monday + 7 * HOUR, monday + 9 * HOUR)):
        received(at=at + 5 * MINUTE, building="6号楼", complainant_phone=f"138{number:08d}", category="heating_service")
    for number in range(10, 14):
        received(at=NOON, building="9号楼", complainant_phone=f"139{number:08d}", kind="enquiry", content="请问几号停暖")
    found = clusters.persistent(user("bureau"), clusters.seasons.active(NOON))
    assert [(place.building, place.tickets, place.weeks) for place in found] == [("6号楼", 3, 1)]
