"""Pages of clusters: which there are, one with its tickets, and the buildings that keep coming back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from complaints import access as ticket_access
from complaints import clusters
from complaints.models import Cluster
from complaints.presenting_rows import rows_of
from core import clock
from core.errors import Invalid, NotFound
from core.paging import page
from core.workbook import Sheet, response
from deadlines import season as seasons
from units import access, selectors

STATES = (("open", "处置中"), ("closed", "已结束"), ("all", "全部"))


@login_required
@require_safe
def cluster_list(request):
    """The clusters that one may know of, the newest first."""
    at = clock.now()
    found, state = _found(request)
    if request.GET.get("format") == "xlsx":
        return _export(list(found[:2000]), at)
    shown = page(found, order=("-opened_at", "-id"), cursor=request.GET.get("cursor"), size=30)
    counts = clusters.counted(shown.rows, at=at)
    rows = [{"one": one, "count": counts.get(one.pk, {"tickets": 0, "households": 0, "open": 0, "late": 0})} for one in shown.rows]
    return render(request, "complaints/clusters/list.html", {"page": shown, "rows": rows, "state": state, "states": STATES, "q": request.GET.get("q", ""), "at": at})


def _found(request):
    state = request.GET.get("state", "open")
    found = clusters.visible_to(request.user)
    if state == "open":
        found = found.filter(state=Cluster.State.OPEN)
    elif state == "closed":
        found = found.exclude(state=Cluster.State.OPEN)
    q = request.GET.get("q", "").strip()[:30]
    if q:
        found = found.filter(community__name__icontains=q)
    return found, state


def _export(found, at):
    counts = clusters.counted(found, at=at)
    rows = [
        [one.number, str(one.community), one.building, str(one.owner), str(one.street or ""), one.get_state_display(), one.opened_at, one.detected_at, one.closed_at,
         counts.get(one.pk, {}).get("tickets", 0), counts.get(one.pk, {}).get("households", 0), counts.get(one.pk, {}).get("open", 0), one.finding]
        for one in found
    ]  # fmt: skip
    columns = [("编号", 16), ("小区", 20), ("楼栋", 10), ("牵头单位", 18), ("街道", 14), ("状态", 10), ("形成", 18), ("发现", 18), ("结束", 18), ("工单", 8), ("户数", 8), ("未办结", 8), ("处置情况", 40)]
    return response("集中诉求", Sheet("集中诉求", columns, rows))


@login_required
@require_safe
def cluster_page(request, number):
    """One cluster: its tickets with their own clocks, the notice to residents, and who leads."""
    at = clock.now()
    one = clusters.cluster_to_see(request.user, number)
    tickets = list(clusters.tickets_of(request.user, one).select_related("community", "street", "doer", "lead")[:200])
    context = {
        "one": one, "at": at, "rows": rows_of(request.user, tickets, at=at), "count": clusters.counted([one], at=at).get(one.pk, {}),
        "may_handle": clusters.may_handle(request.user, one) and one.state == Cluster.State.OPEN,
        "may_hand_over": access.everywhere(request.user, access.SUPERVISE) and one.state == Cluster.State.OPEN,
        "units": selectors.active_units() if access.everywhere(request.user, access.SUPERVISE) else (),
    }  # fmt: skip
    return render(request, "complaints/clusters/one.html", context)


@login_required
@require_POST
def act(request, number, name):
    """Write the notice, hand over, take out, put in, close."""
    at, user = clock.now(), request.user
    one = clusters.cluster_to_see(user, number)
    said = request.POST
    if name == "notice":
        clusters.write_notice(one, text=said.get("text", ""), actor=user, at=at)
    elif name == "hand_over":
        clusters.hand_over(one, owner=selectors.unit_by_code(said.get("owner", ""), field="owner"), reason=said.get("reason", ""), actor=user, at=at)
    elif name in ("take_out", "put_in"):
        ticket = ticket_access.ticket_to_see(user, said.get("ticket", "").strip()[:24])
        if name == "put_in":
            if ticket.community_id != one.community_id:
                raise Invalid("这件工单不在同一小区", field="ticket")
            clusters.put_in(one, ticket, actor=user, at=at)
        else:
            clusters.take_out(one, ticket, reason=said.get("reason", ""), actor=user, at=at)
    elif name == "close":
        clusters.close(one, finding=said.get("finding", ""), actor=user, at=at)
    else:
        raise NotFound
    messages.success(request, "已保存")
    return redirect("clusters:one", number=one.number)


@login_required
@require_safe
def building_list(request):
    """The buildings with the most complaints of the season."""
    at = clock.now()
    season = seasons.active(at)
    places = clusters.persistent(request.user, season) if season else []
    if request.GET.get("format") == "xlsx":
        columns = [("小区", 22), ("楼栋", 12), ("供热企业", 18), ("街道", 14), ("工单", 8), ("户数", 8), ("重办", 8), ("涉及周数", 10)]
        rows = [[one.community, one.building, one.company, one.street, one.tickets, one.households, one.again, one.weeks] for one in places]
        return response("诉求集中楼栋", Sheet("诉求集中楼栋", columns, rows))
    return render(request, "complaints/clusters/buildings.html", {"places": places, "season": season})


urls = [
    path("clusters/", cluster_list, name="list"),
    path("clusters/buildings/", building_list, name="buildings"),
    path("clusters/<str:number>/", cluster_page, name="one"),
    path("clusters/<str:number>/<slug:name>/", act, name="act"),
]
