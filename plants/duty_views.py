"""Pages of rosters, public numbers and training. Rosters stand in `units`; the season and the facilities are needed here."""

from datetime import date, datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_duration
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import civil, clock, workbook
from core.errors import PortalError
from core.fields import blame, status_of
from core.paging import page
from core.workbook import Public, Sheet
from deadlines import roster_watch
from deadlines import season as seasons
from plants import duty_selectors as facilities
from units import access, phones, shifts, training
from units import duty_selectors as duty
from units import selectors as unit_selectors
from units.duty_forms import EndPost, HandOver, NewPhone, NewPost, NewTraining, NewWorker, PublishPhone, PutOn, Reason, Swap
from units.models import COMPANIES, DutyPost, PhoneKind, TrainingKind
from units.shifts import PostPlan
from units.training import Course, Person

CLAUSES = {DutyPost.Kind.ON_SITE: "F6", DutyPost.Kind.REPAIR: "G5"}
WEEK = timedelta(days=7)


def _monday(request, at: datetime) -> date:
    """The Monday of the week asked for, else of this week."""
    try:
        day = date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        day = civil.day_of(at)
    if not 2000 < day.year < 2100:
        day = civil.day_of(at)
    return day - timedelta(days=day.weekday())


def _week(monday: date, at: datetime) -> dict:
    this = civil.day_of(at) - timedelta(days=civil.day_of(at).weekday())
    return {
        "monday": monday, "sunday": monday + timedelta(days=6), "before": monday - WEEK, "after": monday + WEEK, "is_this": monday == this,
        "days": [monday + timedelta(days=number) for number in range(7)], "today": civil.day_of(at),
    }  # fmt: skip


# ---------------------------------------------------------------- all rosters


@login_required
@require_safe
def board(request):
    """Unit × day with the hours uncovered, who is on duty today, and the gas facilities' on-site duty."""
    at = clock.now()
    monday = _monday(request, at)
    rows = _rows(request, monday, at)
    context = {
        "at": at, "week": _week(monday, at), "rows": rows, "today": duty.today(at), "sites": facilities.on_site(request.user, at=at),
        "kind": request.GET.get("kind", ""), "only": request.GET.get("only", ""), "kinds": _KINDS, "open_now": sum(row.is_open_now for row in rows),
        "incomplete": sum(not row.is_complete for row in rows), "sees_all": access.everywhere(request.user, access.SEE_WORK),
        "tab": "board", "has_units": duty.roster_units(request.user).exists(),
    }  # fmt: skip
    return render(request, "units/duty/board.html", context)


_KINDS = [("bureau", "区级部门"), ("street", "街道办事处"), ("heating", "集中供热企业"), ("gas", "燃气企业")]


def _rows(request, monday: date, at: datetime) -> list[duty.Row]:
    units = duty.roster_units(request.user)
    if request.GET.get("kind", "") in dict(_KINDS):
        units = units.filter(kind=request.GET["kind"])
    rows = duty.matrix(units, monday, at=at)
    return [row for row in rows if not row.is_complete] if request.GET.get("only") == "gaps" else rows


@login_required
@require_safe
def board_export(request):
    """The same matrix as a workbook, with the shifts behind it."""
    at = clock.now()
    monday = _monday(request, at)
    rows = _rows(request, monday, at)
    days = _week(monday, at)["days"]
    cells = [[row.unit.name, row.unit.get_kind_display(), row.posts, *(_said(cell) for cell in row.cells)] for row in rows]
    columns = [("单位", 30), ("类别", 14), ("岗位数", 8), *((f"{day:%m-%d}", 10) for day in days)]
    above = (f"值班到岗情况 {days[0]} 至 {days[-1]}", "数字为当日无人小时数；“齐”为全天有人；“未设岗”为尚无值班岗位（I12）")
    names = [("单位", 24), ("岗位", 24), ("值班人", 14), ("上班", 18), ("下班", 18), ("替谁", 14), ("未培训上岗理由", 30)]
    roster = Sheet("班次", names, _shift_rows(rows, monday))
    return workbook.response(f"值班表-{days[0]}", Sheet("到岗情况", columns, cells, above), roster)


def _said(cell: duty.Cell) -> str:
    if not cell.has_post:
        return "未设岗"
    return "齐" if not cell.uncovered else f"缺 {cell.hours} 小时"


def _shift_rows(rows: list[duty.Row], monday: date):
    for shift in duty.shifts_between([row.unit for row in rows], *_bounds(monday)):
        instead = shift.instead_of.name if shift.instead_of else ""
        yield [shift.post.unit.name, shift.post.name, shift.worker.name, shift.starts_at, shift.ends_at, instead, shift.untrained_reason]


def _bounds(monday: date) -> tuple[datetime, datetime]:
    return civil.day_bounds(monday)[0], civil.day_bounds(monday + timedelta(days=6))[1]


# ---------------------------------------------------------------- one roster


@login_required
@require_safe
def roster(request, code):
    """A unit's week, post by post: shifts, gaps, and the forms to fill them."""
    return _roster_page(request, duty.roster_unit(request.user, code))


@login_required
@require_safe
def roster_export(request, code):
    """A unit's week as a workbook: a line for each shift, and one for each stretch without enough people."""
    unit = duty.roster_unit(request.user, code)
    monday = _monday(request, clock.now())
    since, until = _bounds(monday)
    lines = duty.roster(unit, monday)
    rows = [
        [shift.post.name, shift.post.get_kind_display(), shift.post.clause, shift.starts_at, shift.ends_at, shift.worker.name, shift.instead_of.name if shift.instead_of else "",
         shift.untrained_reason, "" if shift.handed_over_at is None else shift.handover]
        for shift in duty.shifts_between([unit], since, until)
    ]  # fmt: skip
    columns = [("岗位", 24), ("类别", 12), ("依据", 8), ("上班", 18), ("下班", 18), ("值班人", 14), ("替谁", 14), ("未培训上岗理由", 30), ("交班事项", 40)]
    gaps = [[gap.post.name, gap.since, gap.until, gap.missing] for line in lines for day in line.days for gap in day.gaps]
    above = (f"{unit.name}值班表 {monday} 至 {monday + timedelta(days=6)}", "上一班的下班时刻即下一班的上班时刻；空档见第二张表（I12）")
    empty = Sheet("空档", [("岗位", 24), ("起", 18), ("止", 18), ("缺人", 8)], gaps)
    return workbook.response(f"{unit.short_name}值班表-{monday}", Sheet("班次", columns, rows, above), empty)


def _roster_page(request, unit, status: int = 200, **forms):
    at = clock.now()
    monday = _monday(request, at)
    may_edit = duty.may_edit(request.user, unit)
    lines = duty.roster(unit, monday)
    season = seasons.active(at)
    context = {
        "unit": unit, "at": at, "week": _week(monday, at), "lines": lines, "present": shifts.on_duty(unit, at), "may_edit": may_edit,
        "gaps": [gap for line in lines for day in line.days for gap in day.gaps if gap.until > at], "is_company": unit.kind in COMPANIES, "season": season,
        "people": _people(unit, at), "tab": "board", **(_roster_forms(unit, at, season) if may_edit else {}), **forms,
    }  # fmt: skip
    return render(request, "units/duty/roster.html", context, status=status)


def _people(unit, at: datetime) -> list:
    workers = list(duty.workers_of(unit).select_related("user"))
    ready = training.ready_ids([worker.pk for worker in workers], civil.day_of(at))
    return [{"worker": worker, "is_ready": worker.pk in ready} for worker in workers]


def _roster_forms(unit, at: datetime, season) -> dict:
    posts = duty.posts_of(unit, at, at + timedelta(days=60))
    start = civil.day_bounds(civil.day_of(at))[0] + timedelta(hours=8)
    begins = civil.day_bounds(season.starts_on)[0] if season else start
    ends = civil.day_bounds(season.ends_on)[1] if season else None
    return {
        "put_on_form": PutOn(posts=posts, workers=duty.workers_of(unit), initial={"starts_at": civil.localize(start), "ends_at": civil.localize(start + timedelta(hours=12))}),
        "post_form": NewPost(phones=duty.phones_of(unit), facilities=list(facilities.facilities_of(unit)), initial={"since": begins, "until": ends}),
        "worker_form": NewWorker(users=unit_selectors.accounts_of(unit)),
    }  # fmt: skip


@login_required
@require_POST
def put_on(request, code):
    """Put somebody on, for one day or several: all of them or none."""
    unit, at = duty.roster_unit_to_edit(request.user, code), clock.now()
    form = PutOn(request.POST, posts=duty.posts_of(unit, at - WEEK, at + timedelta(days=400)), workers=duty.workers_of(unit))
    if not form.is_valid():
        return _roster_page(request, unit, 422, put_on_form=form)
    said = form.cleaned_data
    try:
        with transaction.atomic():
            for number in range(said["days"]):
                more = timedelta(days=number)
                shifts.put_on(
                    said["post"], said["worker"], said["starts_at"] + more, said["ends_at"] + more, untrained_reason=said["untrained_reason"],
                    note=said["note"], actor=request.user, at=at,
                )  # fmt: skip
    except PortalError as fault:
        blame(form, fault)
        return _roster_page(request, unit, status_of(fault), put_on_form=form)
    messages.success(request, f"已排班：{said['worker']} {civil.spoken(said['starts_at'])} 起，{said['days']} 班")
    return _back_to(unit, civil.day_of(said["starts_at"]))


@login_required
@require_POST
def copy_week(request, code):
    """The week before, once more."""
    unit, at = duty.roster_unit_to_edit(request.user, code), clock.now()
    monday = _monday(request, at)
    copied = shifts.copy_week(unit, monday, actor=request.user, at=at)
    messages.success(request, f"已沿用上周 {copied.count} 班")
    for shift, why in copied.refused[:5]:
        messages.warning(request, f"{shift.worker} {civil.spoken(shift.starts_at + WEEK)}：{why}")
    if len(copied.refused) > 5:
        messages.warning(request, f"另有 {len(copied.refused) - 5} 班未能沿用")
    return _back_to(unit, monday)


@login_required
@require_POST
def add_post(request, code):
    """A post more to man."""
    unit, at = duty.roster_unit_to_edit(request.user, code), clock.now()
    form = NewPost(request.POST, phones=duty.phones_of(unit), facilities=list(facilities.facilities_of(unit)))
    if not form.is_valid():
        return _roster_page(request, unit, 422, post_form=form)
    said = form.cleaned_data
    kind = said["kind"]
    plan = PostPlan(
        said["name"], kind, said["since"], said["until"], said["needs"], CLAUSES.get(kind, "D1.10" if unit.code == access.BUREAU else "I12"),
        said.get("facility", "") if kind == DutyPost.Kind.ON_SITE else "", said["phone"],
    )  # fmt: skip
    try:
        post = shifts.add_post(unit, plan, actor=request.user, at=at)
    except PortalError as fault:
        blame(form, fault)
        return _roster_page(request, unit, status_of(fault), post_form=form)
    messages.success(request, f"已设岗：{post.name}，请排班")
    return _back_to(unit)


@login_required
@require_http_methods(["GET", "POST"])
def end_post(request, code, pk):
    """A post is given up."""
    unit, at = duty.roster_unit_to_edit(request.user, code), clock.now()
    post = duty.post_of(unit, pk)
    form = EndPost(request.POST or None, initial={"until": civil.localize(at)})
    if request.method == "POST" and form.is_valid():
        try:
            shifts.end_post(post, until=form.cleaned_data["until"], reason=form.cleaned_data["reason"], actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
        else:
            messages.success(request, f"已撤岗：{post.name}")
            return _back_to(unit)
    context = {"unit": unit, "title": f"撤岗 {post.name}", "form": form, "button": "撤岗", "why": "撤岗后不再要求有人值守，已排的班保留备查。", "tab": "board"}
    return render(request, "units/duty/form.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def add_worker(request, code):
    """Somebody more for the roster."""
    unit, at = duty.roster_unit_to_edit(request.user, code), clock.now()
    form = NewWorker(request.POST, users=unit_selectors.accounts_of(unit))
    if form.is_valid():
        said = form.cleaned_data
        try:
            training.engage(unit, Person(said["name"], said["job"], said["phone"]), user=said["user"], actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
        else:
            messages.success(request, f"已登记 {said['name']}")
            return _back_to(unit)
    return _roster_page(request, unit, 422, worker_form=form)


@login_required
@require_http_methods(["GET", "POST"])
def dismiss(request, pk):
    """Somebody leaves the roster."""
    worker, at = duty.worker_to_edit(request.user, pk), clock.now()
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        training.dismiss(worker, reason=form.cleaned_data["reason"], actor=request.user, at=at)
        messages.success(request, f"{worker} 不再排班，记录保留")
        return _back_to(worker.unit)
    context = {"unit": worker.unit, "title": f"{worker} 离岗", "form": form, "button": "离岗", "why": "以后不能再排班，培训和值班记录保留。", "tab": "training"}
    return render(request, "units/duty/form.html", context, status=422 if form.is_bound else 200)


def _back_to(unit, day: date | None = None):
    answer = redirect("plants:roster", code=unit.code)
    if day:
        answer["Location"] += f"?week={day.isoformat()}"
    return answer


# ---------------------------------------------------------------- one shift


@login_required
@require_safe
def shift_page(request, pk):
    """A shift: who, when, for whom, what was handed over."""
    return _shift_page(request, duty.shift_to_see(request.user, pk))


def _shift_page(request, shift, status: int = 200, **forms):
    at = clock.now()
    may_edit = duty.may_edit(request.user, shift.post.unit)
    is_open = not shift.is_void and shift.ends_at > at
    context = {
        "shift": shift, "unit": shift.post.unit, "at": at, "may_change": may_edit and is_open, "history": duty.history(shift), "tab": "board",
        "may_hand_over": may_edit and not shift.is_void and shift.starts_at <= at and shift.handed_over_at is None,
        "swap_form": Swap(workers=duty.workers_of(shift.post.unit)), "handover_form": HandOver(), "off_form": Reason(), "acts": _ACTS, **forms,
    }  # fmt: skip
    return render(request, "units/duty/shift.html", context, status=status)


_ACTS = {"put_on": "排班", "swap": "替班", "swapped": "调出", "hand_over": "交班", "take_off": "撤班"}


@login_required
@require_POST
def swap(request, pk):
    """Somebody else takes the shift."""
    shift, at = duty.shift_to_edit(request.user, pk), clock.now()
    form = Swap(request.POST, workers=duty.workers_of(shift.post.unit))
    if form.is_valid():
        try:
            new = shifts.swap(shift, actor=request.user, at=at, **form.cleaned_data)
        except PortalError as fault:
            blame(form, fault)
            return _shift_page(request, shift, status_of(fault), swap_form=form)
        messages.success(request, f"已由 {new.worker} 替班")
        return redirect("plants:shift", pk=new.pk)
    return _shift_page(request, shift, 422, swap_form=form)


@login_required
@require_POST
def hand_over(request, pk):
    """The shift is handed over."""
    shift, at = duty.shift_to_edit(request.user, pk), clock.now()
    form = HandOver(request.POST)
    if form.is_valid():
        try:
            shifts.hand_over(shift, text=form.cleaned_data["text"], actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
            return _shift_page(request, shift, status_of(fault), handover_form=form)
        messages.success(request, "已交班")
        return redirect("plants:shift", pk=pk)
    return _shift_page(request, shift, 422, handover_form=form)


@login_required
@require_POST
def take_off(request, pk):
    """The shift does not take place."""
    shift, at = duty.shift_to_edit(request.user, pk), clock.now()
    form = Reason(request.POST)
    if form.is_valid():
        try:
            shifts.take_off(shift, reason=form.cleaned_data["reason"], actor=request.user, at=at)
        except PortalError as fault:
            blame(form, fault)
            return _shift_page(request, shift, status_of(fault), off_form=form)
        messages.success(request, "已撤班，空出的时段请补齐")
        return _back_to(shift.post.unit, civil.day_of(shift.starts_at))
    return _shift_page(request, shift, 422, off_form=form)


# ---------------------------------------------------------------- numbers


@login_required
@require_safe
def phone_list(request):
    """The numbers that one keeps or watches over, with the day on which each was published."""
    return _phone_page(request)


def _phone_page(request, status: int = 200, form=None):
    at = clock.now()
    given = _asked_phones(request)
    rows = [
        {"phone": phone, "may_edit": duty.may_edit_phones(request.user, phone.unit)}
        for phone in duty.phones_to_see(request.user, **given, day=civil.day_of(at))
    ]
    units = duty.phone_units(request.user)
    context = {"at": at, "rows": rows, "form": form or (NewPhone(units=units) if units else None), "tab": "phones", "today": civil.day_of(at)}
    context |= {"given": given, "kinds": PhoneKind.choices, "states": duty.PHONE_STATES, "phone_units": duty.units_with_phones(request.user)}
    context["missing"] = duty.without_number(request.user, context["today"])
    return render(request, "units/duty/phones.html", context, status=status)


def _asked_phones(request) -> dict:
    return {name: request.GET.get(name, "")[:64] for name in ("unit", "kind", "state")}


@login_required
@require_POST
def add_phone(request):
    """A number more; it is public only once it is published."""
    form = NewPhone(request.POST, units=duty.phone_units(request.user))
    if not form.is_valid():
        return _phone_page(request, 422, form)
    said = form.cleaned_data
    try:
        phones.enter(said["unit"], said["kind"], said["number"], note=said["note"], actor=request.user, at=clock.now())
    except PortalError as fault:
        blame(form, fault)
        return _phone_page(request, status_of(fault), form)
    messages.success(request, f"已登记 {said['number']}，公开后居民可见")
    return redirect("plants:phones")


@login_required
@require_POST
def publish_phone(request, pk):
    """Residents see the number from a day on."""
    phone = duty.phone_to_edit(request.user, pk)
    form = PublishPhone(request.POST)
    if not form.is_valid():
        messages.error(request, "公开日期不正确")
        return redirect("plants:phones")
    phones.publish(phone, on=form.cleaned_data["on"], actor=request.user, at=clock.now())
    messages.success(request, f"{phone.number} 已公开")
    return redirect("plants:phones")


@login_required
@require_http_methods(["GET", "POST"])
def withdraw_phone(request, pk):
    """A number is used no more."""
    phone = duty.phone_to_edit(request.user, pk)
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            phones.withdraw(phone, reason=form.cleaned_data["reason"], actor=request.user, at=clock.now())
        except PortalError as fault:
            blame(form, fault)
        else:
            messages.success(request, f"{phone.number} 已停用")
            return redirect("plants:phones")
    context = {"unit": phone.unit, "title": f"停用 {phone.number}", "form": form, "button": "停用", "why": "停用后不再公示，也不再抽查。", "tab": "phones"}
    return render(request, "units/duty/form.html", context, status=422 if form.is_bound else 200)


@login_required
@require_safe
def phone_export(request):
    """The same list, narrowed as it is, as a workbook; published numbers stand in full."""
    at = clock.now()
    rows = [
        [phone.unit.name, phone.get_kind_display(), Public(phone.number), phone.note, phone.published_on, "在用" if phone.is_active else f"停用 {phone.withdrawn_on or ''}"]
        for phone in duty.phones_to_see(request.user, **_asked_phones(request), day=civil.day_of(at))
    ]
    columns = [("单位", 30), ("用途", 16), ("号码", 20), ("说明", 24), ("公开日期", 14), ("状态", 18)]
    return workbook.response("公开电话", Sheet("公开电话", columns, rows, ("供热服务公开电话", "依据：I13 向用户公开供热服务投诉监督电话")))


# ---------------------------------------------------------------- training


def _trained(request, at: datetime):
    asked = {name: request.GET.get(name, "") for name in ("unit", "kind", "state", "q")}
    return asked, duty.trained(request.user, **asked, day=civil.day_of(at))


@login_required
@require_safe
def training_list(request):
    """Who was trained for what, and who may not be rostered yet; the companies' courses of the calendar year."""
    return _training_page(request)


def _training_page(request, status: int = 200, form=None):
    at = clock.now()
    asked, people = _trained(request, at)
    units = duty.roster_units(request.user)
    mine = units.filter(pk__in=access.unit_ids(request.user, access.HANDLE_TICKETS))
    year = civil.day_of(at).year
    season = seasons.active(at)
    context = {
        "at": at, "asked": asked, "page": page(people, order=("id",), cursor=request.GET.get("cursor")), "units": units, "kinds": TrainingKind.choices,
        "may_edit": {unit.pk for unit in mine}, "form": form or (NewTraining(units=mine, initial=_until(at)) if mine else None), "year": year,
        "courses": duty.courses(request.user, year), "wanted": seasons.plan_of(season)["checklists"]["courses_per_calendar_year"] if season else None,
        "tab": "training", "today": civil.day_of(at), "companies": COMPANIES,
    }  # fmt: skip
    return render(request, "units/duty/training.html", context, status=status)


def _until(at: datetime) -> dict:
    today = civil.day_of(at)
    return {"trained_on": today, "valid_until": today + parse_duration(roster_watch.rules(at)["training_valid"])}


@login_required
@require_POST
def add_training(request):
    """A course, and who took part."""
    at = clock.now()
    units = duty.roster_units(request.user).filter(pk__in=access.unit_ids(request.user, access.HANDLE_TICKETS))
    form = NewTraining(request.POST, units=units)
    if not form.is_valid():
        return _training_page(request, 422, form)
    said = form.cleaned_data
    course = Course(said["kind"], said["topic"], said["trained_on"], said["valid_until"], said["hours"] or None, said["result"], said["is_passed"])
    try:
        new = training.record(said["unit"], said["people"], course, actor=request.user, at=at)
    except PortalError as fault:
        blame(form, fault)
        return _training_page(request, status_of(fault), form)
    messages.success(request, f"已登记 {len(new)} 人" + (f"，另 {len(said['people']) - len(new)} 人此前已登记" if len(new) < len(said["people"]) else ""))
    return redirect("plants:training")


@login_required
@require_safe
def training_export(request):
    """The same register as a workbook, one row for each training."""
    at = clock.now()
    _, people = _trained(request, at)
    rows = [
        [worker.unit.name, worker.name, worker.job, course.get_kind_display(), course.topic, course.trained_on, course.valid_until, course.hours, course.result, course.is_passed]
        for worker in people.order_by("unit__position", "name", "id")
        for course in worker.courses
    ]
    columns = [("单位", 26), ("姓名", 12), ("岗位", 14), ("类别", 14), ("内容", 34), ("日期", 12), ("有效期至", 12), ("学时", 8), ("考核", 14), ("合格", 8)]
    return workbook.response("培训记录", Sheet("培训记录", columns, rows, ("到人的培训记录（G6、G18、G19）",)))
