"""Files that are no corpus, and corpora made to take all memory or time."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tang.config.data import PoemsConfig
from tang.corpus.clean import MAX_CHARACTERS, Cleaned, clean
from tang.corpus.names import MAX_LENGTH, NameSource
from tang.corpus.sources import FileSource
from tang.data.prepare import prepare
from tang.errors import MAX_MESSAGE, InputError, printable
from tang.text import files
from tests.corpus.attempts import attempt, peak_of


def write(path: Path, content: bytes = b"x") -> Path:
    path.write_bytes(content)
    return path


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x.json")
    return folder / "x.json"


def loop(folder: Path) -> Path:
    (folder / "x.json").symlink_to(folder / "x.json")
    return folder


def link_to_nothing(folder: Path) -> Path:
    (folder / "x.json").symlink_to(folder / "nothing")
    return folder


def loop_of_folders(folder: Path) -> Path:
    (folder / "again").symlink_to(folder)
    return folder


def huge(folder: Path) -> Path:
    os.truncate(write(folder / "x.txt"), 50 * 10**9)
    return folder / "x.txt"


def huge_together(folder: Path) -> Path:
    for number in range(3):
        os.truncate(write(folder / f"{number}.json"), 80 * 10**6)
    return folder


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (pipe, "x.json: not a file"),
        (lambda folder: pipe(folder).parent, "x.json: not a file"),
        (lambda folder: Path("/dev/zero"), "/dev/zero: not a file"),
        (loop, "x.json: Too many levels of symbolic links"),
        (lambda folder: loop(folder) / "x.json", "no such file or folder"),
        (link_to_nothing, "x.json: No such file or directory"),
        (loop_of_folders, "no .txt, .json or .csv files in this folder"),
        (lambda folder: folder / ("a" * 5000), "no such file or folder"),
        (lambda folder: folder / "a\0b", "no such file or folder"),
        (huge, "50,000 MB; a corpus may have 200"),
        (huge_together, "240 MB; a corpus may have 200"),
        (lambda folder: write(folder / "\x1b[31m\u202e\n.json"), r"\x1b[31m\u202e\n.json: line 1, column 1: broken"),
        (lambda folder: write(folder / os.fsdecode(b"\xff.json")), r"\udcff.json: line 1, column 1: broken"),
    ],
)
def test_what_is_no_corpus_is_refused(tmp_path: Path, make: Callable[[Path], Path], problem: str) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError) as caught:
        prepare(FileSource(path), PoemsConfig(cache=str(tmp_path / "cache")))
    message = str(caught.value)
    assert problem in message
    assert message.isprintable()
    assert len(message) <= MAX_MESSAGE


def test_folders_nested_very_deeply_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    depth = 2500  # too many for a recursion, and for a path's length
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    try:
        with pytest.raises(InputError, match=r"nested too deeply|File name too long|no \.txt"):
            FileSource(tmp_path)
    finally:  # pytest would fail to remove them
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")


def test_a_name_is_no_book(tmp_path: Path) -> None:
    write(tmp_path / "A.txt", b"a\nb\n")
    write(tmp_path / "B.txt", b"a\n" + b"b" * (MAX_LENGTH + 1) + b"\n")
    with pytest.raises(InputError, match=r"B\.txt: line 2: longer than 200 characters; a line is one name"):
        NameSource(tmp_path, tmp_path).read()


def test_a_file_that_grows_is_read_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_MEGABYTES", 1)
    path = write(tmp_path / "x.txt")
    source = FileSource(path)
    os.truncate(path, 10**9)
    with pytest.raises(InputError, match="more than 1 MB"):
        source.read()


def test_a_message_is_cut_and_says_the_same_twice() -> None:
    text = str(InputError("\x1b" * 10**6))
    assert text.startswith(r"\x1b\x1b")
    assert len(text) == MAX_MESSAGE
    assert str(InputError("a\nb")) == str(InputError(str(InputError("a\nb")))) == r"a\nb"
    assert printable("乾坤 ok，") == "乾坤 ok，"


@pytest.mark.parametrize(
    ("suffix", "head", "repeated"),
    [
        *(("txt", "", text) for text in ("\n", "a\n", "日\n", "(", "〖（", "日月山水风", "\u202e")),
        *(("json", "[", text) for text in ("[", "[],", '{"":0},', '{"paragraphs":[]},', "10,", "1", '"日",')),
        ("json", '[{"paragraphs":["', "\\ud800"),
        ("json", '[{"paragraphs":["\U00020000', "a"),
    ],
)
def test_memory_grows_as_the_corpus_does(tmp_path: Path, suffix: str, head: str, repeated: str) -> None:
    content = head + repeated * (100_000 // len(repeated.encode("utf-8")))
    ends = {"[": "0]", '[{"paragraphs":["': '"]}]', '[{"paragraphs":["\U00020000': '"]}]', "": ""}
    path = write(tmp_path / f"x.{suffix}", (content + ends[head]).encode("utf-8"))
    configs = [PoemsConfig(min_count=1, cache=str(tmp_path / f"cache{number}")) for number in range(9)]
    peak = peak_of(lambda number: attempt(lambda: prepare(FileSource(path), configs[number])))
    assert peak < 40 * path.stat().st_size + 1_000_000


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "(" * 4999 + ")" * 4999,
            "（〖" * 2499 + "）〗" * 2499,
            "〖（" * 4999,
            "[一" * 4999,
            "（）" * 4999,
            "(" * 9999,
        ),
        *("。" * 9999, "日，" * 4999, "。日" * 4999 + "□"),
    ],
)
def test_a_hostile_poem_takes_milliseconds(raw: str) -> None:
    started = time.process_time()
    for _ in range(10):
        clean(raw)
    assert time.process_time() - started < 1


def test_a_poem_that_is_too_long_is_dropped() -> None:
    assert clean("日" * MAX_CHARACTERS) == Cleaned("日" * MAX_CHARACTERS)
    assert clean("日" * (MAX_CHARACTERS + 1)).reason == "more than 10,000 characters"
