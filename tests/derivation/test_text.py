"""The text of docs/derivation.md itself: it names the tests of this folder."""

import ast
import re
from pathlib import Path

from tests.derivation.conftest import TEXT

FENCE = re.compile(r"^```math\n(.*?)^```\n(.*?)(?=^```math|\Z)", re.DOTALL | re.MULTILINE)
TEST_LINE = re.compile(r"^Test: (`test_\w+`(?:, `test_\w+`)*)\.?$")


def names_of_tests() -> list[str]:
    """The names of the tests of this folder: all but those of the text itself."""
    modules = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    nodes = [node for module in modules for node in ast.parse(module.read_text(encoding="utf-8")).body]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def test_the_text_names_a_test_right_after_each_formula() -> None:
    blocks = FENCE.findall(TEXT)
    assert len(blocks) == TEXT.count("```math") > 0
    unnamed = [formula for formula, after in blocks if not TEST_LINE.match(after.lstrip("\n").split("\n")[0])]
    assert not unnamed


def test_the_text_names_the_tests_of_this_file_all_of_them_and_no_others() -> None:
    assert sorted(set(re.findall(r"`(test_\w+)`", TEXT))) == sorted(names_of_tests())
