"""`make bench`: fill, measure at 10,000 tickets and at the size asked for, print the ratios; `--write` keeps them in docs/performance.md."""

import argparse
import time

from bench.world import World

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
BASE = 10_000
CASES = ("pages", "searches", "sweep", "intake", "import", "export", "refresh", "lag", "helpdesk", "workers", "senders")


def main() -> int:
    """Run the cases; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--size", choices=SIZES, default="100k")
    parser.add_argument("--only", action="append", choices=CASES)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=20_000, help="导入多少行")
    parser.add_argument("--write", action="store_true", help="把结果写入 docs/performance.md")
    said = parser.parse_args()
    wanted, size, started = said.only or CASES, SIZES[said.size], time.monotonic()
    lines = []
    with World() as world:
        from bench import against, cases, filling, importing, report, scaling
        from core import clock
        from oversight import kept_days

        def settle():
            """What the calendar does by itself within minutes: days that are over are counted."""
            for _ in range(20):
                kept_days.generate(at=clock.now())

        def add(found):
            lines.extend(found)
            for line in found:
                print(report.said(line), flush=True)
            if said.write:
                report.write(lines, size=size, rounds=said.rounds, seconds=time.monotonic() - started)

        filling.fill(BASE, at=clock.now())
        settle()
        if "intake" in wanted:
            add(cases.intake(world, said.rounds))
        lists = cases.pages({**cases.PAGES, **cases.OWN}, rounds=said.rounds * 2) if "pages" in wanted else {}
        boards = cases.pages(cases.DASHBOARDS, rounds=said.rounds) if "pages" in wanted else {}
        if "sweep" in wanted:
            filling.run_clocks(at=clock.now())
            idle = cases.idle_sweep(said.rounds)
        if size > BASE:
            print(f"填到 {size:,} 件…", flush=True)
            filling.fill(size, at=clock.now())
            settle()
        if "pages" in wanted:
            add(cases.compare_sizes(lists, cases.pages({**cases.PAGES, **cases.OWN}, rounds=said.rounds * 2), "P7", 1.3, 8, "1 万件"))
            add(cases.compare_sizes(boards, cases.pages(cases.DASHBOARDS, rounds=said.rounds), "P9", 1.3, 12, "1 万件"))
            add(cases.rendering(said.rounds))
        if "searches" in wanted:
            add(cases.searches(said.rounds))
        if "refresh" in wanted:
            add(cases.refresh(said.rounds))
        if "export" in wanted:
            add(cases.exporting())
        if {"sweep", "lag", "helpdesk", "workers"} & set(wanted):
            running = filling.run_clocks(at=clock.now())
        if "sweep" in wanted:
            from bench.judging import judged

            full = cases.idle_sweep(said.rounds)
            line = judged("P2", f"扫描：无到期，{running:,} 条在计时", full["seconds"], idle["seconds"], twin_name="1 万条在计时", most=1.3, queries=full["queries"], most_queries=5)
            line.remark = f"读 {full['blocks']} 块"
            add([line])
            add(cases.sweeping(said.rounds))
        if "lag" in wanted:
            add(cases.lag(world, running))
        if "helpdesk" in wanted:
            add(against.helpdesk(world, said.rounds))
        if "workers" in wanted:
            add(scaling.workers(world))
        if "senders" in wanted:
            add(scaling.senders(world))
        if said.write and {"workers", "senders"} <= set(wanted):
            scaling.write(lines)
        if "import" in wanted:
            add(importing.importing(world, said.rows))
    print(f"共 {time.monotonic() - started:.0f} 秒。", flush=True)
    return int(any(line.is_met is False for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
