"""Loads a plan: `manage.py load_plan FILE [--dry-run] [--if-none]`. Names line and field of every fault, shows the difference, all or nothing."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from core import clock
from deadlines import season as seasons
from heating import almanac, planfile, planload


class Command(BaseCommand):
    help = "校验并载入工作方案；重复载入不改变什么"

    def add_arguments(self, parser):
        parser.add_argument("file", help="方案文件（YAML）")
        parser.add_argument("--dry-run", action="store_true", help="只校验并显示差异，不保存")
        parser.add_argument("--if-none", action="store_true", help="已载入过任何方案时什么也不做：供每次启动时使用")

    def handle(self, *args, file, dry_run, if_none, **options):
        if if_none and seasons.active(clock.now()) is not None:
            return
        path = Path(file)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"无法读取 {file}：{fault}") from fault
        try:
            plan = planfile.read(text)
        except planfile.PlanFaults as faults:
            raise CommandError("方案有误，未作任何改动：\n" + "\n".join(map(str, faults.faults))) from faults
        document = _document(path, plan)
        wrong = planfile.misquotes(plan, document) if document else []
        if wrong:
            raise CommandError("方案有误，未作任何改动：\n" + "\n".join(map(str, wrong)))
        difference = planload.load(plan, text=document, at=clock.now(), dry_run=dry_run)
        if not dry_run:
            almanac.keep(clock.now())
        if options["verbosity"]:
            for line in difference.lines:
                self.stdout.write(line)
            done = "没有差异" if not difference.lines else f"{'将有' if dry_run else '已作'} {len(difference.lines)} 处改动"
            self.stdout.write(f"{plan['season']['name']}：{done}")


def _document(path: Path, plan) -> str:
    """The document's own text, beside the plan file; nothing outside its folder is read."""
    name = plan["document"]["text_file"]
    if not name or Path(name).name != name:
        return ""
    beside = path.parent / name
    try:
        return beside.read_text(encoding="utf-8") if beside.is_file() else ""
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandError(f"无法读取 {name}：{fault}") from fault
