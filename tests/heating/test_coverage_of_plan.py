"""The command that names unproved clauses counts honestly, and leaves open only what waits for the room above."""

import ast

from heating import planfile
from tests import coverage_of_plan as coverage

PLAN = planfile.read(coverage.PLAN.read_text(encoding="utf-8"))


def test_a_mark_counts_on_a_test_on_a_parameter_and_for_a_whole_module_and_nowhere_else():
    module = ast.parse(
        'pytestmark = [pytest.mark.django_db, pytest.mark.clause("D1.7")]\n'
        '@pytest.mark.clause("I7", "I8")\ndef test_one(): ...\n'
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.clause("D4"))])\ndef test_two(x): ...\n'
        '@pytest.mark.guard("G12", "F14")\ndef test_of_another_list(): ...\n'
        '@pytest.mark.clause("E7")\ndef helper(): ...\n'
    )
    assert set(coverage.marks(module)) == {
        ("D1.7", "test_one"), ("I7", "test_one"), ("I8", "test_one"), ("D1.7", "test_two"), ("D4", "test_two"), ("D1.7", "test_of_another_list"),
    }  # fmt: skip


def test_every_clause_is_proved_every_mark_is_a_clause_and_only_the_room_above_is_open(capsys):
    assert coverage.main() == 0
    printed = capsys.readouterr().out
    assert "有测试证明的条款：154 / 154" in printed and "尚无测试证明：无" in printed
    waiting = coverage.awaiting(PLAN)
    # Incidents (D7.5, G7), opinion (D19.1, D19.2, I6), supervision (I10) and accountability (I11).
    assert set(waiting) == {"D7.5", "D19.1", "D19.2", "G7", "I6", "I10", "I11"}
    for clause, duty in waiting.items():
        assert f"{clause:<7}{duty['title']}：{duty['evidence']}" in printed


def test_what_waits_and_is_owed_by_nobody_is_a_fault(monkeypatch, capsys):
    duty = coverage.awaiting(PLAN)["I11"]
    monkeypatch.setattr(coverage, "awaiting", lambda plan: {"I11": {**duty, "registry": False}})
    assert coverage.main() == 1 and "列为待建而未列入职责台账的：I11" in capsys.readouterr().out


def test_an_unproved_clause_and_a_mark_that_is_none_are_faults(monkeypatch, capsys):
    tests = coverage.proved()
    monkeypatch.setattr(coverage, "proved", lambda: {**{clause: names for clause, names in tests.items() if clause != "G8"}, "S28": ["x"]})
    assert coverage.main() == 1
    printed = capsys.readouterr().out
    assert "尚无测试证明：G8" in printed and "方案里没有的条款：S28" in printed
