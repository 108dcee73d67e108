"""The text of docs/derivation.md itself: its contents, and its links to the tests of this folder."""

import ast
import re
from pathlib import Path

from docs.standalone import anchor
from tests.derivation.conftest import TEXT

FENCE = re.compile(r"^```math\n(.*?)^```\n(.*?)(?=^```math|\Z)", re.DOTALL | re.MULTILINE)
TEST_LINE = re.compile(r"<sup>\[✓\]\[test_\w+\](?: \[✓\]\[test_\w+\])*</sup>")
DEFINITION = re.compile(r'^\[(test_\w+)\]: \.\./tests/derivation/(\w+\.py) "(\w+)"$', re.MULTILINE)


def files_of_tests() -> dict[str, str]:
    """The name of each test → its file's: all but those of the text itself and of its page."""
    modules = [path for path in Path(__file__).parent.glob("test_*.py") if path.stem not in ("test_text", "test_page")]
    nodes = [(path, node) for path in modules for node in ast.parse(path.read_text(encoding="utf-8")).body]
    functions = [(path, node.name) for path, node in nodes if isinstance(node, ast.FunctionDef)]
    return {name: path.name for path, name in functions if name.startswith("test_")}


def test_the_text_links_to_a_test_right_after_each_formula() -> None:
    blocks = FENCE.findall(TEXT)
    assert len(blocks) == TEXT.count("```math") > 0
    unlinked = [formula for formula, after in blocks if not TEST_LINE.fullmatch(after.lstrip("\n").split("\n")[0])]
    assert not unlinked


def test_the_text_links_to_the_tests_of_this_folder_all_of_them_and_no_others() -> None:
    tests = files_of_tests()
    assert set(re.findall(r"\[✓\]\[(test_\w+)\]", TEXT)) == tests.keys()
    assert sorted(DEFINITION.findall(TEXT)) == sorted((name, file, name) for name, file in tests.items())


def test_the_contents_are_the_headings() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert re.findall(r"^- \[(.+)\]\(#(.+)\)$", TEXT, re.MULTILINE) == [(each, anchor(each)) for each in headings]
