import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tang.corpus import fetch
from tang.corpus.collections import NAMES
from tang.corpus.names import LETTERS, Name, NameSource, clean_names, to_letters
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
    assert to_letters(printed) == letters


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
