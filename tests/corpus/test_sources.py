from pathlib import Path

import pytest

from tang.corpus.sources import FileSource
from tang.errors import InputError
from tests.conftest import verses


def test_text_and_json_hold_the_same_poems(poems_txt: Path, poems_json: Path) -> None:
    read = [[poem.text for poem in FileSource(path).read().poems] for path in (poems_txt, poems_json)]
    assert read == [verses(400), verses(400)]


def test_the_fingerprint_follows_the_content(poems_txt: Path) -> None:
    before = FileSource(poems_txt).fingerprint
    assert before == FileSource(poems_txt).fingerprint
    poems_txt.write_text("床前明月光。", encoding="utf-8")
    assert before != FileSource(poems_txt).fingerprint


def test_faulty_twins_and_other_json_are_left_out(poems_json: Path) -> None:
    (poems_json / "error").mkdir()
    (poems_json / "error" / "a.json").write_text("[", encoding="utf-8")
    (poems_json / "index.json").write_text('{"a": 1}', encoding="utf-8")
    assert len(FileSource(poems_json).read().poems) == 400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"paragraphs": ["a"]},\n {"paragraphs": ["b"]', r"x\.json: line 2, column \d+: broken JSON"),
        (b'{"paragraphs": ["a"]}\n{"paragraphs": ["b"}', r"x\.json: line 2, column \d+: broken JSON"),
        (b"[" * 100_000, r"x\.json: broken JSON \(nested too deeply\)"),
        ('["诗",\n"'.encode() + b'\xff"]', r"x\.json: line 2, byte 2: not UTF-8"),
    ],
)
def test_broken_json_is_refused_with_its_position(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        FileSource(path).read()


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.txt: is empty"):
        FileSource(path).read()


def test_bad_utf8_is_refused_with_its_position(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("床前明月光。\n疑是".encode() + "地上霜".encode("gbk"))
    with pytest.raises(InputError, match=r"x\.txt: line 2, byte 7: not UTF-8"):
        FileSource(path).read()


def test_a_missing_path_and_a_folder_without_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.path=.*nowhere: no such file or folder"):
        FileSource(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no \.txt, \.json or \.csv files"):
        FileSource(tmp_path)
