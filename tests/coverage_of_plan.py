"""`make coverage-of-plan`: which clauses of the plan no test proves."""

import ast
import sys
from pathlib import Path

from heating import planfile

TESTS = Path(__file__).parent
PLAN = Path(planfile.__file__).parent / "plan" / "weiyang-2025-2026.yaml"
# Clauses on document, goals and organisation, which are nobody's duty and yet to be served.
FRAME = ["A1", "A2", "A3", "A4", "A5", *[f"B{number}" for number in range(1, 7)], *[f"C{number}" for number in range(1, 8)], "H0"]


def clauses() -> list[str]:
    """Every clause of the plan, in its order."""
    plan = planfile.read(PLAN.read_text(encoding="utf-8"))
    found = [*FRAME, *(duty["clause"] for duty in plan["duties"]), *(row["clause"] for row in plan["milestones"])]
    return list(dict.fromkeys(found))


def proved() -> dict[str, list[str]]:
    """Clause → the tests marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                # On the test itself, or on one of its parameters.
                for mark in (inner for decorator in node.decorator_list for inner in ast.walk(decorator)):
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.clause"):
                        for argument in mark.args:
                            found.setdefault(ast.literal_eval(argument), []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


def main() -> int:
    """Print what is proved and what is not."""
    known, tests = clauses(), proved()
    missing = [clause for clause in known if clause not in tests]
    print(f"有测试证明的条款：{len(known) - len(missing)} / {len(known)}")
    for clause in known:
        if clause in tests:
            print(f"  {clause:<7}{len(tests[clause])} 个测试")
    print("尚无测试证明：" + ("、".join(missing) if missing else "无"))
    unknown = sorted(set(tests) - set(known))
    if unknown:
        print("测试标注了方案里没有的条款：" + "、".join(unknown))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
