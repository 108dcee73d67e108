"""Notes in brackets are cut, and put in one line, however they are nested."""

import pytest

from tang.text.notes import LONGEST, in_one_line, without_notes


@pytest.mark.parametrize(
    ("text", "kept", "unclosed"),
    [
        ("日（一作月（集作云））照", "日照", ""),
        ("日〖一作（月）〗照（注(二)）", "日照", ""),
        ("日（一作月", "日", "（一作月"),
        ("日）照", "日）照", ""),
    ],
)
def test_notes_go_with_the_notes_in_them(text: str, kept: str, unclosed: str) -> None:
    cut = without_notes(text)
    assert (cut.text, cut.unclosed) == (kept, unclosed)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("日照（一作月照，\n非（集本\n同））。\n月明", "日照（一作月照，非（集本同））。\n月明"),
        ("日照（一作\n\n月照）", "日照（一作\n\n月照）"),
        (f"日照（{'月' * LONGEST}\n）", f"日照（{'月' * LONGEST}\n）"),
    ],
)
def test_a_note_over_several_lines_is_in_one(text: str, joined: str) -> None:
    assert in_one_line(text) == joined
