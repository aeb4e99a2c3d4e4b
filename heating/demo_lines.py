"""Lines of the demonstration's reports (deadlines/particulars.py): what anybody may see and nobody takes for real."""

from datetime import date, timedelta

from deadlines.particulars import Particulars

STOCK = (("补水泵密封件", 6, "套"), ("DN200 抢修卡箍", 8, "个"), ("应急照明灯", 12, "台"), ("便携式燃气检漏仪", 4, "台"), ("潜水泵", 3, "台"))


def of(asked: Particulars, *, day: date, drawn: int) -> list[dict]:
    """Some lines for a clause on a day; `drawn` decides which of them fall short."""
    before = (day - timedelta(days=1 + drawn % 3)).isoformat()
    week_ago, week_ahead = (day - timedelta(days=9)).isoformat(), (day + timedelta(days=7)).isoformat()
    lines = {
        "D1.9": [{"company": "演示三热力", "source": "WT-演示", "basis": "《西安市集中供热条例》", "filed-on": week_ago, "decision": "责令改正", "state": "已立案"}],
        "D3.9": [{"company": "演示物业", "community": "演示和暖苑", "declared": 41200, "measured": 43650, "ordered-on": week_ago, "due-on": week_ahead, "outcome": "已补报一部分"}],
        "D3.10": [{"company": "演示物业", "due-on": week_ago, "evidence": "两次复测仍少报，照片附后", "with": "区市场监管局", "recorded-on": before}],
        "D11.2": [{"batch": "第一批", "persons": 312, "due": 234000, "paid": 234000 - drawn % 2 * 1500, "paid-on": before}, {"batch": "第二批", "persons": 96, "due": 72000, "paid": 72000, "paid-on": before}],
        "D12": [{"held-on": before, "place": "演示和暖苑门口", "people": 14, "demand": "整栋楼室温不足", "unit": "演示一热力", "outcome": "当场约定抢修时间，已散"}],
    }  # fmt: skip
    if asked.clause in lines:
        return lines[asked.clause]
    return [
        {"item": item, "least": least, "stock": least + (drawn >> number) % 7 - 1, "measure": measure, "counted-on": before, "place": "演示抢修库"}
        for number, (item, least, measure) in enumerate(STOCK)
    ]
