"""Applies a checked plan in one transaction: what is new, what changed, what stays. Loading twice changes nothing.

A changed limit becomes a new version and binds what opens afterwards; a moved milestone likewise. Verdicts stay.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import yaml
from django.db import connection, transaction
from django.db.models import Max

from core import civil, journal
from deadlines import promises
from deadlines.models import Milestone, Policy, PolicyDocument, Rung, Season
from heating import planfile
from heating.planfile import Plan
from units.models import Duty, Holding, Member, Post, Unit, UnitAlias
from units.naming import normal

SETTINGS = (
    "document", "to_decide", "milestones_ordered_by", "milestone_rules", "clocks", "sources", "categories", "residual", "rules", "rosters", "standards", "inspections", "visits", "register", "checklists",
    "reports", "documents", "obligations", "particulars", "residents",
)  # fmt: skip
# Q11: to whom a late bureau is reported instead of to itself, where the plan does not say.
WHEN_BUREAU_IS_LATE = "office_director"
# Any number, the same for all who load: two at once would each find the other's units missing.
LOADING = 20251104


class DryRun(Exception):
    """Undoes everything at the end of a trial."""


@dataclass
class Difference:
    """What loading changes, in sentences."""

    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """One more change."""
        self.lines.append(line)


def load(plan: Plan, *, text: str = "", actor=None, at: datetime, dry_run: bool = False) -> Difference:
    """Apply a plan; `text` is the document's own text. With `dry_run` nothing is kept."""
    difference = Difference()
    try:
        with transaction.atomic():
            _load(plan, text, difference, at)
            if difference.lines and not dry_run:
                season = Season.objects.get(code=plan["season"]["code"])
                journal.record(season, "load_plan", actor=actor, at=at, changes=difference.lines[:500], sha256=_digest(plan.source))
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return difference


def _load(plan: Plan, text: str, difference: Difference, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING])
    before = Season.objects.filter(code=plan["season"]["code"]).values_list("source", flat=True).first()
    before = yaml.safe_load(before) if before else {}
    units = _units(plan, difference)
    season = _season(plan, difference, at)
    _document(plan, season, text, difference)
    _posts(plan, units, before, difference, at)
    _members(plan, season, units, difference)
    _duties(plan, season, units, difference)
    _milestones(plan, season, difference)
    _policies(plan, difference)
    if difference.lines and season.source != plan.source:
        season.source = plan.source
        season.save(update_fields=["source"])


def _season(plan: Plan, difference: Difference, at: datetime) -> Season:
    said = plan["season"]
    values = {
        "name": said["name"], "starts_on": date.fromisoformat(said["starts_on"]), "ends_on": date.fromisoformat(said["ends_on"]),
        "is_demo": bool(said["demonstration"]), "settings": {name: plan[name] for name in SETTINGS},
    }  # fmt: skip
    season = Season.objects.filter(code=said["code"]).first()
    if season is None:
        difference.say(f"＋ 采暖季 {said['name']}")
        return Season.objects.create(code=said["code"], loaded_at=at, source=plan.source, **values)
    changed = [name for name, value in values.items() if getattr(season, name) != value]
    for name in changed:
        if name == "settings":
            parts = [part for part in SETTINGS if season.settings.get(part) != values["settings"].get(part)]
            difference.say(f"～ 采暖季 {season.code} 的规则：{'、'.join(parts)}")
        else:
            difference.say(f"～ 采暖季 {season.code}：{name} {getattr(season, name)} → {values[name]}")
    if changed:
        for name, value in values.items():
            setattr(season, name, value)
        # The other rooms remember a season's rules until this moment changes.
        season.loaded_at = at
        season.save()
    return season


def _document(plan: Plan, season: Season, text: str, difference: Difference) -> None:
    said = plan["document"]
    if not text:
        newest = PolicyDocument.objects.filter(number=said["number"]).order_by("-id").first()
        text = newest.text if newest else ""
    digest = _digest(text)
    values = {
        "title": said["title"], "issuer": said["issuer"], "issued_on": date.fromisoformat(said["issued_on"]), "basis": said["basis"] or "",
    }  # fmt: skip
    known = season.documents.filter(number=said["number"], sha256=digest).first()
    if known is None:
        difference.say(f"＋ 文件 {said['number']}")
        PolicyDocument.objects.create(season=season, number=said["number"], text=text, sha256=digest, **values)
    elif any(getattr(known, name) != value for name, value in values.items()):
        difference.say(f"～ 文件 {said['number']} 的题录")
        PolicyDocument.objects.filter(pk=known.pk).update(**values)


def _units(plan: Plan, difference: Difference) -> dict[str, Unit]:
    known, is_reordered = {unit.code: unit for unit in Unit.objects.all()}, False
    for position, said in enumerate(plan["units"], 1):
        values = {
            "name": said["name"], "short_name": said["short_name"], "kind": said["kind"], "division_code": said["division_code"] or "",
            "is_entrusted": said["entrusted"], "note": said["note"] or "", "position": position, "is_active": True,
        }  # fmt: skip
        unit = known.get(said["code"])
        if unit is None:
            known[said["code"]] = Unit.objects.create(code=said["code"], **values)
            difference.say(f"＋ 单位 {said['short_name']}（{said['code']}）")
            continue
        changed = [name for name, value in values.items() if getattr(unit, name) != value]
        if changed:
            if changed != ["position"]:
                difference.say(f"～ 单位 {said['short_name']}：{'、'.join(changed)}")
            elif not is_reordered:
                is_reordered = True
                difference.say("～ 单位的先后")
            for name in changed:
                setattr(unit, name, values[name])
            unit.save()
    for said in plan["units"]:
        unit, parent = known[said["code"]], known.get(said["parent"])
        if unit.parent_id != (parent.pk if parent else None):
            unit.parent = parent
            unit.save(update_fields=["parent"])
    _aliases(plan, known, difference)
    return known


def _aliases(plan: Plan, known: dict[str, Unit], difference: Difference) -> None:
    have = {alias.name: alias for alias in UnitAlias.objects.all()}
    for said in plan["units"]:
        unit = known[said["code"]]
        for name in dict.fromkeys(normal(alias) for alias in said["aliases"]):
            if name not in have:
                UnitAlias.objects.create(unit=unit, name=name)
                difference.say(f"＋ 别名 {name} → {unit.short_name}")
            elif have[name].unit_id != unit.pk:
                UnitAlias.objects.filter(pk=have[name].pk).update(unit=unit)
                difference.say(f"～ 别名 {name} → {unit.short_name}")


def _posts(plan: Plan, units: dict[str, Unit], before: dict, difference: Difference, at: datetime) -> None:
    known = {post.code: post for post in Post.objects.select_related("unit")}
    wanted = {said["code"]: bool(said["principal"]) for said in plan["posts"]}
    principals = {units[said["unit"]].pk for said in plan["posts"] if said["principal"]}
    is_reordered = False
    # Before one post becomes its unit's principal, another must have ceased to be.
    for post in known.values():
        if post.is_principal and (not wanted[post.code] if post.code in wanted else post.unit_id in principals):
            Post.objects.filter(pk=post.pk).update(is_principal=False)
            post.is_principal = False
            difference.say(f"～ 职务 {post}：不再是主要负责同志职务")
    for position, said in enumerate(plan["posts"], 1):
        values = {"unit_id": units[said["unit"]].pk, "title": said["title"], "is_principal": bool(said["principal"]), "position": position}
        post = known.get(said["code"])
        if post is None:
            known[said["code"]] = post = Post.objects.create(code=said["code"], **values)
            difference.say(f"＋ 职务 {post}")
        elif any(getattr(post, name) != value for name, value in values.items()):
            if any(getattr(post, name) != value for name, value in values.items() if name != "position"):
                difference.say(f"～ 职务 {post}")
            elif not is_reordered:
                is_reordered = True
                difference.say("～ 职务的先后")
            Post.objects.filter(pk=post.pk).update(**values)
    _holders(plan, known, before, difference, at)


def _holders(plan: Plan, posts: dict[str, Post], before: dict, difference: Difference, at: datetime) -> None:
    """Who has taken or left a post since the plan was written stays so: the portal knows. A name newly written in the plan counts."""
    named = {said["code"]: said.get("holder") for said in before.get("posts", [])}
    open_now = {holding.post_id: holding for holding in Holding.objects.filter(until=None)}
    ever = set(Holding.objects.values_list("post_id", flat=True))
    for said in plan["posts"]:
        post, holder = posts[said["code"]], said["holder"]
        now = open_now.get(post.pk)
        is_new = holder != named.get(said["code"], holder if post.pk in ever else None)
        if not holder or not is_new or (now and now.name == holder):
            continue
        if now:
            Holding.objects.filter(pk=now.pk).update(until=at)
        Holding.objects.create(post=post, name=holder, title=said["holder_title"] or "", since=at)
        difference.say(f"～ {post}：{now.name} → {holder}" if now else f"＋ {post}：{holder}")


def _members(plan: Plan, season: Season, units: dict[str, Unit], difference: Difference) -> None:
    said = plan["members"]
    wanted = set()
    for body in ("task_force", "coordination"):
        wanted |= {(body, units[code].pk, "", body == "coordination" and code == said["lead"]) for code in said[body]}
        wanted |= {(body, None, kind, False) for kind in said[f"{body}_kinds"]}
    have = {(seat.body, seat.unit_id, seat.kind, seat.is_lead): seat for seat in Member.objects.filter(season=season.code)}
    if set(have) == wanted:
        return
    if have:
        difference.say("～ 成员单位名单")
    Member.objects.filter(pk__in=[seat.pk for key, seat in have.items() if key not in wanted]).delete()
    Member.objects.bulk_create(
        Member(season=season.code, body=body, unit_id=unit, kind=kind, is_lead=lead) for body, unit, kind, lead in wanted - set(have)
    )


def _duties(plan: Plan, season: Season, units: dict[str, Unit], difference: Difference) -> None:
    have = {(duty.clause, duty.unit_id, duty.kind): duty for duty in Duty.objects.filter(season=season.code)}
    wanted, new = set(), []
    for position, said in enumerate(plan["duties"], 1):
        values = {
            "position": position, "title": said["title"], "quote": said["quote"], "meaning": said["meaning"] or "", "cadence": said["cadence"],
            "evidence": said["evidence"] or "", "supervised_by_id": units[said["supervised_by"]].pk if said["supervised_by"] else None,
            "is_registered": bool(said["registry"]),
        }  # fmt: skip
        for unit_id, kind in [(units[code].pk, "") for code in said["units"]] or [(None, said["kind"] or "")]:
            key = (said["clause"], unit_id, kind)
            wanted.add(key)
            duty = have.get(key)
            if duty is None:
                new.append(Duty(season=season.code, clause=said["clause"], unit_id=unit_id, kind=kind, **values))
            elif any(getattr(duty, name) != value for name, value in values.items()):
                Duty.objects.filter(pk=duty.pk).update(**values)
                difference.say(f"～ 职责 {said['clause']} {said['title']}")
    Duty.objects.bulk_create(new)
    if new:
        difference.say(f"＋ 职责 {len(new)} 条" if len(new) > 5 else f"＋ 职责 {'、'.join(duty.clause for duty in new)}")
    gone = [duty for key, duty in have.items() if key not in wanted]
    if gone:
        difference.say(f"－ 职责 {'、'.join(duty.clause for duty in gone)}")
        Duty.objects.filter(pk__in=[duty.pk for duty in gone]).delete()


def _milestones(plan: Plan, season: Season, difference: Difference) -> None:
    for said in plan["milestones"]:
        values = {
            "clause": said["clause"], "title": said["title"], "label": said["label"], "quote": said["quote"], "kind": said["kind"],
            "due_at": datetime.fromisoformat(said["due_at"]), "subjects": said["subjects"], "conditions": said["conditions"],
        }  # fmt: skip
        versions = list(season.milestones.filter(code=said["code"]).order_by("-version"))
        version = versions[0].version + 1 if versions else 1
        old = next((milestone for milestone in versions if milestone.is_current), None)
        if old is None:
            Milestone.objects.create(season=season, code=said["code"], version=version, **values)
            difference.say(f"＋ 节点 {said['title']} {civil.spoken(values['due_at'])}")
        elif old.due_at != values["due_at"]:
            Milestone.objects.filter(pk=old.pk).update(is_current=False)
            Milestone.objects.create(season=season, code=said["code"], version=version, **values)
            moved = f"{civil.spoken(old.due_at)} → {civil.spoken(values['due_at'])}"
            difference.say(f"～ 节点 {said['title']}：{moved}（第 {version} 版，旧版与旧结论保留）")
        elif any(getattr(old, name) != value for name, value in values.items()):
            Milestone.objects.filter(pk=old.pk).update(**values)
            difference.say(f"～ 节点 {said['title']} 的文字")
    for gone in season.milestones.filter(is_current=True).exclude(code__in=[said["code"] for said in plan["milestones"]]):
        Milestone.objects.filter(pk=gone.pk).update(is_current=False)
        difference.say(f"－ 节点 {gone.title}（旧结论保留）")


def _policies(plan: Plan, difference: Difference) -> None:
    ladders = {ladder["code"]: ladder["rungs"] for ladder in plan["ladders"]}
    current = {policy.code: policy for policy in Policy.objects.filter(is_current=True).prefetch_related("rungs")}
    instead = plan["when_bureau_is_late"] or WHEN_BUREAU_IS_LATE
    for said in plan["policies"]:
        allowance = planfile.duration(said["allowance"]) if said["allowance"] else None
        values = {"name": promises.respelled(said["name"], allowance), "stage": said["stage"], "allowance": allowance, "clause": said["clause"] or ""}
        rungs = [_rung(position, rung, instead) for position, rung in enumerate(ladders[said["ladder"]], 1)]
        old = current.get(said["code"])
        if old is not None and all(getattr(old, name) == value for name, value in values.items()) and _same_ladder(old, rungs):
            continue
        version = (Policy.objects.filter(code=said["code"]).aggregate(last=Max("version"))["last"] or 0) + 1
        if old is not None:
            Policy.objects.filter(pk=old.pk).update(is_current=False)
            before, after = _spoken(old.allowance), _spoken(allowance)
            what = f"{before} → {after}" if before != after else "督办阶梯"
            difference.say(f"～ 时限 {said['name']}：{what}（第 {version} 版，只约束此后开始的事项）")
        else:
            difference.say(f"＋ 时限 {said['name']} {_spoken(allowance)}")
        policy = Policy.objects.create(code=said["code"], version=version, **values)
        Rung.objects.bulk_create(Rung(policy=policy, **rung) for rung in rungs)
    for code in current.keys() - {said["code"] for said in plan["policies"]}:
        Policy.objects.filter(pk=current[code].pk).update(is_current=False)
        difference.say(f"－ 时限 {current[code].name}（已开始的事项仍按旧时限）")


def _rung(position: int, said: dict, instead: str) -> dict:
    audiences = list(dict.fromkeys(said["audience"]))
    of_bureau = [instead if audience in ("bureau", "bureau_principal") else audience for audience in audiences]
    return {
        "position": position,
        "fraction": Decimal(str(said["fraction"])).quantize(Decimal("0.0001")) if said["fraction"] is not None else None,
        "after": planfile.duration(said["after"]) if said["after"] is not None else None,
        "level": said["level"],
        "audiences": audiences,
        "audiences_if_bureau": list(dict.fromkeys(of_bureau)),
        "proposal": said["proposal"] or "",
    }


def _same_ladder(policy: Policy, rungs: list[dict]) -> bool:
    have = [{name: getattr(rung, name) for name in rungs[0]} for rung in policy.rungs.all()]
    return have == rungs


def _spoken(allowance: timedelta | None) -> str:
    return civil.spell(allowance) if allowance else "随件给定"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def dump(season: Season) -> str:
    """The plan of a season as a file: units, posts, limits, ladders and dates as they stand now, the rest as loaded.

    Loading it changes nothing.
    """
    data = yaml.safe_load(season.source)
    data["units"] = _dumped_units(data["units"])
    data["posts"] = _dumped_posts(data["posts"])
    current = Policy.objects.filter(is_current=True).prefetch_related("rungs").order_by("pk")
    data["ladders"] = [{"code": policy.code, "rungs": [_dumped_rung(rung) for rung in policy.rungs.all()]} for policy in current]
    data["policies"] = [
        {"code": policy.code, "name": policy.name, "stage": policy.stage, "allowance": _iso(policy.allowance), "clause": policy.clause or None,
         "ladder": policy.code}
        for policy in current
    ]  # fmt: skip
    dates = dict(season.milestones.filter(is_current=True).values_list("code", "due_at"))
    for row in data["milestones"]:
        row["due_at"] = civil.localize(dates[row["code"]]).isoformat()
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=160)


def _dumped_units(rows: list[dict]) -> list[dict]:
    """The plan's units as they stand now; aliases in the plan's spelling where it has one."""
    units = {unit.code: unit for unit in Unit.objects.select_related("parent").prefetch_related("aliases")}
    dumped = []
    for row in rows:
        unit = units[row["code"]]
        spelling = {normal(alias): alias for alias in row.get("aliases") or []}
        known = {alias.name for alias in unit.aliases.all()}
        names = [alias for name, alias in spelling.items() if name in known] + sorted(known - spelling.keys())
        said = {
            "code": unit.code, "name": unit.name, "short_name": unit.short_name, "kind": unit.kind, "division_code": unit.division_code,
            "parent": unit.parent.code if unit.parent else None, "entrusted": unit.is_entrusted, "note": unit.note, "aliases": names,
        }  # fmt: skip
        dumped.append({name: value for name, value in said.items() if value not in ("", None, [])})
    return dumped


def _dumped_posts(rows: list[dict]) -> list[dict]:
    """The plan's posts with who holds them now; a post that has fallen vacant is dumped without a holder."""
    posts = {post.code: post for post in Post.objects.select_related("unit")}
    held = {holding.post_id: holding for holding in Holding.objects.filter(until=None)}
    dumped = []
    for row in rows:
        post = posts[row["code"]]
        holding = held.get(post.pk)
        said = {
            "code": post.code, "unit": post.unit.code, "title": post.title, "principal": post.is_principal,
            "holder": holding.name if holding else None, "holder_title": holding.title if holding else None,
        }  # fmt: skip
        dumped.append({name: value for name, value in said.items() if value not in ("", None)})
    return dumped


def _dumped_rung(rung: Rung) -> dict:
    when = {"fraction": float(rung.fraction)} if rung.fraction is not None else {"after": _iso(rung.after)}
    return {**when, "level": rung.level, "audience": list(rung.audiences), **({"proposal": rung.proposal} if rung.proposal else {})}


def _iso(duration: timedelta | None) -> str | None:
    if duration is None:
        return None
    sign, seconds = ("-", -duration.total_seconds()) if duration < timedelta(0) else ("", duration.total_seconds())
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    said = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}{f'{rest}S' if rest or not (hours or minutes) else ''}"
    return f"{sign}PT{said}"
