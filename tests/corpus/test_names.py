import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tang.corpus import fetch
from tang.corpus.collections import NAMES
from tang.corpus.names import LETTERS, Name, NameSource, as_is, clean_names, in_ascii
from tang.errors import InputError


def test_there_are_57_letters() -> None:
    assert len(set(LETTERS)) == len(LETTERS) == 57


@pytest.mark.parametrize(
    ("printed", "letters"),
    [
        ("Ślusàrski", "Slusarski"),
        ("S\u0301lusàrski", "Slusarski"),
        ("O'Néàl", "O'Neal"),
        ("Großmann", "Gromann"),
        ("Au-Yong", "AuYong"),
        ("Sze ", "Sze"),
        ("Van der Löwe, Jr.", "Van der Lowe, Jr."),
        ("李", ""),
        ("' ", ""),
    ],
)
def test_accents_come_off_and_other_characters_go(printed: str, letters: str) -> None:
    assert in_ascii(printed) == letters


@pytest.mark.parametrize(
    ("printed", "letters"),
    [
        ("Ślusàrski", "Ślusàrski"),
        ("S\u0301lusarski", "Ślusarski"),
        ("Достоевский ", "Достоевский"),
        ("Παπαδόπουλος", "Παπαδόπουλος"),
        ("歐陽", "歐陽"),
        ("マイケル・ジャクソン", "マイケル・ジャクソン"),
        ("김민수", "김민수"),
        ("O'Neàl-Müller 3*", "O'Neàl-Müller"),
        ("- 7", ""),
    ],
)
def test_names_of_any_script_are_read_as_they_are(printed: str, letters: str) -> None:
    assert as_is(printed) == letters


HANZI_NAMES = {
    language: [chr(first + i) + "明" for i in range(20)] for language, first in (("张", 0x4E00), ("李", 0x5000))
}


def test_the_letters_are_those_of_the_names() -> None:
    cleaned = clean_names(HANZI_NAMES, ascii=False)
    assert len(cleaned.names) == 40
    assert len(cleaned.letters) == 41
    assert cleaned.letterless == {}


@pytest.mark.parametrize(
    ("lines", "ascii", "message"),
    [
        (HANZI_NAMES, True, r"张: 20 of 20 names aren't in Latin letters, which data\.ascii=true keeps alone"),
        ({"ru": ["Иванов", "Petrov Пётр Ильич", "Jr. Сидоров"], "en": ["Smith"]}, True, "ru: 3 of 3 names"),
        ({"en": ["Smith"], "de": [" ", ""]}, False, "de: no names in its file; give one a line"),
        ({"en": ["1", "2", "Smith"]}, False, "en: 2 of 3 names have no letters"),
    ],
)
def test_a_language_that_loses_most_of_its_names_is_refused(
    lines: dict[str, list[str]], ascii: bool, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        clean_names(lines, ascii)


def test_a_readme_is_no_language(tmp_path: Path) -> None:
    for name in ("README.txt", "LICENSE.txt", "en.txt", "ru.txt"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    assert NameSource(tmp_path, tmp_path).languages == ["en", "ru"]
    (tmp_path / "ru.txt").unlink()
    with pytest.raises(InputError, match="give a folder with two languages or more"):
        NameSource(tmp_path, tmp_path)


def test_a_language_is_a_text_file_or_a_folder_of_them(tmp_path: Path) -> None:
    files = {"en.TXT": "Smith", "ru/men/a.txt": "Pushkin", "ru/women.txt": "Akhmatova", "ru/README.txt": ""}
    for name, text in {**files, ".git/a.txt": ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    source = NameSource(tmp_path, tmp_path)
    assert source.languages == ["en", "ru"]
    assert source.read() == {"en": ["Smith"], "ru": ["Pushkin", "Akhmatova"]}
    before = source.fingerprint
    (tmp_path / "ru" / "women.txt").rename(tmp_path / "ru" / "men" / "b.txt")
    assert NameSource(tmp_path, tmp_path).fingerprint != before


def test_a_language_has_each_name_once() -> None:
    cleaned = clean_names({"Polish": ["Nowak", "Nowak ", "Żak", "Zak", "NOWAK"], "Czech": ["Novák", "Nowak"]})
    assert [(name.key, name.language) for name in cleaned.names] == [
        ("novak", "Czech"),
        ("nowak", "Czech"),
        ("nowak", "Polish"),
        ("zak", "Polish"),
    ]
    assert cleaned.read == 7
    assert cleaned.duplicates == {"as printed": 1, "in ASCII": 2}


def test_what_is_dropped_is_counted_and_accents_are_not() -> None:
    cleaned = clean_names({"German": ["Groß", "Heß", "Müller-Lüdenscheidt"]})
    assert cleaned.dropped == {"ß": 2, "-": 1}


def test_cleaning_does_not_depend_on_the_order_of_lines() -> None:
    lines = {"B": ["Ünal", "unal", "Unal", "Acar"], "A": ["Unal"]}
    reordered = {language: lines[language][::-1] for language in reversed(lines)}
    assert clean_names(lines) == clean_names(reordered)


def test_the_committed_registry_names_the_18_languages() -> None:
    languages = NameSource(Path("names")).languages
    assert languages == sorted(languages)
    assert len(languages) == 18
    assert {"Arabic", "Czech", "Vietnamese"} < set(languages)


def test_files_of_the_users_own_folder_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "Żak\nNowak\n".encode()
    files = {"Polish.txt": "sha256:" + hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr("tang.corpus.names.NAMES", replace(NAMES, files=files))
    (tmp_path / "Polish.txt").write_bytes(content)
    assert NameSource(tmp_path).read() == {"Polish": ["Żak", "Nowak"]}
    assert clean_names(NameSource(tmp_path).read()).names == [Name("Nowak", "Polish"), Name("Zak", "Polish")]


def test_missing_files_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "GITHUB", "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(InputError) as caught:
        NameSource(tmp_path / "names").read()
    message = str(caught.value)
    assert "\n" not in message
    named = ("18 of 18 files", "Arabic.txt", str(tmp_path / "names"), "data.dir=FOLDER", "spro/practical-pytorch")
    assert all(part in message for part in named)
