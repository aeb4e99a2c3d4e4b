"""Writes next season's draft: `manage.py carry_plan FILE --season 2026-2027 [--output FILE]`."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from heating import planfile


class Command(BaseCommand):
    help = "把方案顺延到下一采暖季，写出草案并列出须重新确定的事项"

    def add_arguments(self, parser):
        parser.add_argument("file")
        parser.add_argument("--season", required=True, help="如 2026-2027")
        parser.add_argument("--output", default="", help="草案写到哪个文件，缺省打印")

    def handle(self, *args, file, season, output, **options):
        try:
            draft = planfile.carry(Path(file).read_text(encoding="utf-8"), season)
        except planfile.PlanFaults as faults:
            raise CommandError("方案有误：\n" + "\n".join(map(str, faults.faults))) from faults
        except (ValueError, OSError) as fault:
            raise CommandError(str(fault)) from fault
        if output:
            Path(output).write_text(draft, encoding="utf-8")
            self.stdout.write(f"草案已写到 {output}")
        else:
            self.stdout.write(draft)
        self.stderr.write("须重新确定：")
        for line in planfile.read(draft)["to_decide"]:
            self.stderr.write(f"  - {line}")
