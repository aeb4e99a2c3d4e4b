"""How well the words of complaints are read: prints the tables, and rewrites them in docs/routing-quality.md.

`python tests/complaints/report_quality.py` writes; `--check` only says, by exit code 1, that the page is out of date.
"""

import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from complaints.wording import classify  # noqa: E402 - a script finds its own house first

DATA = Path(__file__).resolve().parent / "data"
PAGE = ROOT / "docs" / "routing-quality.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SETS = {
    "sample": "Real texts (the sample handed over with the task)",
    "held_out": "Held-out half of our own texts",
    "development": "Development half of our own texts (the rules were tuned on it)",
}
CATEGORIES = ("heating_service", "property_service", "price_fee", "heat_theft", "construction", "other")
NAMES = {
    "heating_service": "供热服务", "property_service": "物业服务", "price_fee": "价格收费", "heat_theft": "偷热",
    "construction": "建设", "other": "其他",
}


def load(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() if line]


def measure(rows: list[dict]) -> dict:
    """Accuracy over `rows`, precision and recall per category as (right, of), errors, and accuracy per confidence."""
    read = [(row, classify(row["text"])) for row in rows]
    right = Counter(row["category"] for row, reading in read if reading.category == row["category"])
    given = Counter(reading.category for _, reading in read)
    true = Counter(row["category"] for row in rows)
    bands = Counter(), Counter()
    for row, reading in read:
        band = "≥ 0.9" if reading.confidence >= 0.9 else "0.7–0.9" if reading.confidence >= 0.7 else "< 0.7"
        bands[1][band] += 1
        bands[0][band] += reading.category == row["category"]
    return {
        "right": sum(right.values()), "rows": len(rows),
        "credited": sum(reading.category in (row["category"], *row["alt_categories"]) for row, reading in read),
        "precision": {code: (right[code], given[code]) for code in CATEGORIES},
        "recall": {code: (right[code], true[code]) for code in CATEGORIES},
        "errors": [(row, reading) for row, reading in read if reading.category != row["category"]],
        "bands": {band: (bands[0][band], bands[1][band]) for band in ("≥ 0.9", "0.7–0.9", "< 0.7")},
    }


def tables() -> str:
    lines = [
        "| set | texts | unambiguous right | all right | right or an accepted alternative |",
        "|---|---|---|---|---|",
    ]
    measured = {}
    for name, title in SETS.items():
        rows = load(name)
        clear, every = measure([row for row in rows if not row["ambiguous"]]), measure(rows)
        measured[name] = clear, every
        lines.append(
            f"| {title} | {len(rows)} | {_share(clear['right'], clear['rows'])} "
            f"| {_share(every['right'], every['rows'])} | {_share(every['credited'], every['rows'])} |"
        )
    for name, title in SETS.items():
        clear, every = measured[name]
        lines += [
            "", f"### {title}", "",
            "| category | precision, unambiguous | recall, unambiguous | precision, all | recall, all |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {NAMES[code]} `{code}` | {_share(*clear['precision'][code])} | {_share(*clear['recall'][code])} "
            f"| {_share(*every['precision'][code])} | {_share(*every['recall'][code])} |"
            for code in CATEGORIES
        ]
        lines += ["", "Right by confidence: " + ", ".join(
            f"{band}: {_share(*counts)}" for band, counts in every["bands"].items()) + ".", ""]
        for row, reading in every["errors"]:
            mark = "ambiguous, " if row["ambiguous"] else ""
            words = "、".join(dict.fromkeys(reason.words for reason in reading.reasons[:3])) or "no rule spoke"
            lines.append(
                f"- {row['id']} ({mark}{NAMES[row['category']]} read as {NAMES[reading.category]}, "
                f"{reading.confidence:.2f}, by {words.replace('|', '/')}): {row['text'][:60]}"
            )
    return "\n".join(lines)


def _share(right: int, total: int) -> str:
    return f"{right}/{total} = {100 * right / total:.1f} %" if total else "–"


def main() -> int:
    text = tables()
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN, 1)
    new = f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}"
    if "--check" in sys.argv:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
