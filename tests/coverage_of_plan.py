"""`make coverage-of-plan`: which clauses of the plan no test proves, and which wait for the room above (supervision, incidents, opinion).

What the plan file marks `awaits` is open by intent: until its own pages stand, it is owed and verified in the duty matrix.
Nothing else may be open. The command fails when a clause is unproved, when a mark names no clause of the plan, or when
something that waits does not stand in the duty matrix.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from heating import planfile

TESTS = Path(__file__).parent
PLAN = Path(planfile.__file__).parent / "plan" / "weiyang-2025-2026.yaml"
# Clauses on document, goals and organisation, which are nobody's duty and yet to be served.
FRAME = ["A1", "A2", "A3", "A4", "A5", *[f"B{number}" for number in range(1, 7)], *[f"C{number}" for number in range(1, 8)], "H0"]


def clauses(plan: dict) -> list[str]:
    """Every clause of the plan, in its order."""
    found = [*FRAME, *(duty["clause"] for duty in plan["duties"]), *(row["clause"] for row in plan["milestones"])]
    return list(dict.fromkeys(found))


def awaiting(plan: dict) -> dict[str, dict]:
    """Clause → its duty, of what waits for pages of its own (`awaits` in the plan's obligations)."""
    duties = {duty["clause"]: duty for duty in reversed(plan["duties"])}
    return {row["clause"]: duties[row["clause"]] for row in plan["obligations"]["clauses"] if row["awaits"]}


def unowed(waiting: dict[str, dict]) -> list[str]:
    """What waits and yet is owed by nobody in the meantime: it must stand in the duty matrix with its obligation."""
    return [clause for clause, duty in waiting.items() if not duty["registry"]]


def proved() -> dict[str, list[str]]:
    """Clause → the tests marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for clause, name in marks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(clause, []).append(f"{path.relative_to(TESTS)}::{name}")
    return found


def marks(module: ast.Module) -> Iterator[tuple[str, str]]:
    """(clause, test) of a module: on a test, on one of its parameters, or, for all of its tests, in `pytestmark`."""
    shared = [clause for node in module.body if _is_pytestmark(node) for clause in _named(node)]
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for clause in [*shared, *(clause for decorator in node.decorator_list for clause in _named(decorator))]:
                yield clause, node.name


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _named(node: ast.AST) -> Iterator[str]:
    for mark in ast.walk(node):
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.clause"):
            yield from (ast.literal_eval(argument) for argument in mark.args)


def main() -> int:
    """Print what is proved, what waits, and what is wrong with it."""
    plan = planfile.read(PLAN.read_text(encoding="utf-8"))
    known, tests, waiting = clauses(plan), proved(), awaiting(plan)
    missing = [clause for clause in known if clause not in tests]
    print(f"有测试证明的条款：{len(known) - len(missing)} / {len(known)}")
    for clause in known:
        if clause in tests:
            names = list(dict.fromkeys(tests[clause]))
            print(f"  {clause:<7}{len(names):>2} 个测试{'（待专门页面，职责台账代行）' if clause in waiting else ''}  {names[0]}")
    print("尚无测试证明：" + ("、".join(missing) if missing else "无"))
    print(f"待监督一层专门页面、现由职责台账按期催办并核验的：{len(waiting)} 条")
    for clause, duty in waiting.items():
        print(f"  {clause:<7}{duty['title']}：{duty['evidence']}")
    wrong = unowed(waiting)
    if wrong:
        print("列为待建而未列入职责台账的：" + "、".join(wrong))
    unknown = sorted(set(tests) - set(known))
    if unknown:
        print("测试标注了方案里没有的条款：" + "、".join(unknown))
    return 1 if missing or unknown or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
