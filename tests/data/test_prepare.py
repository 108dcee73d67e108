import json
from dataclasses import replace
from pathlib import Path

import pytest

from tang.config.data import PoemsConfig
from tang.corpus.sources import FileSource
from tang.data.prepare import Prepared, already_prepared, prepare
from tang.data.split import SPLITS
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.errors import InputError
from tang.text.forms import form_of
from tang.text.script import convert
from tests.conftest import verse, verses


def texts(prepared: Prepared, split: str) -> list[str]:
    sequences = prepared.splits[split]  # type: ignore[index]
    return [prepared.vocabulary.decode(sequences[index].tolist()) for index in range(len(sequences))]


def made(poems: Path, tmp_path: Path, **options: object) -> Prepared:
    return prepare(FileSource(poems), PoemsConfig(min_count=1, cache=str(tmp_path / "cache"), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"punctuation": "drop"}, {"max_length": 20}])
def test_a_form_is_that_of_the_poem_as_printed(poems_txt: Path, tmp_path: Path, options: dict[str, object]) -> None:
    assert made(poems_txt, tmp_path, **options).card.shapes == made(poems_txt, tmp_path).card.shapes


def test_the_corpus_is_not_prepared_again_for_its_own_vocabulary(
    poems_txt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(poems_txt, tmp_path)
    monkeypatch.setattr(FileSource, "read", lambda self: pytest.fail("the corpus was read again"))
    config = PoemsConfig(min_count=1, cache=str(tmp_path / "cache"))
    again = prepare(FileSource(poems_txt), config, first.vocabulary)
    assert texts(again, "test") == texts(first, "test")


def test_only_what_is_prepared_is_opened(poems_txt: Path, tmp_path: Path) -> None:
    source, config = FileSource(poems_txt), PoemsConfig(min_count=1, cache=str(tmp_path / "cache"))
    few = Vocabulary([*SPECIALS, "日"])
    assert already_prepared(source, config, few) is None
    assert not (tmp_path / "cache").exists()
    first = prepare(source, config)
    assert already_prepared(source, config, few) is None
    for vocabulary in (first.vocabulary, few):
        expected = prepare(source, config, vocabulary)
        found = already_prepared(source, config, vocabulary)
        assert found
        assert texts(found, "test") == texts(expected, "test")


def test_a_cache_that_cannot_be_is_refused(poems_txt: Path) -> None:
    with pytest.raises(InputError, match=r"data\.cache=.*: (Not a directory|File exists)"):
        prepare(FileSource(poems_txt), PoemsConfig(cache=str(poems_txt / "cache")))


def test_every_poem_is_in_one_split_and_reads_as_printed(poems_txt: Path, tmp_path: Path) -> None:
    prepared = made(poems_txt, tmp_path)
    together = [text for split in SPLITS for text in texts(prepared, split)]
    assert sorted(together) == sorted(set(poems_txt.read_text(encoding="utf-8").split()))
    for split in SPLITS:
        sequence = prepared.splits[split][0]
        assert (sequence[0], sequence[-1]) == (BOS, EOS)


def test_the_split_is_the_same_whatever_the_options(poems_txt: Path, tmp_path: Path) -> None:
    whole = made(poems_txt, tmp_path)
    for options in ({"punctuation": "drop"}, {"script": "traditional"}, {"forms": ("五言绝句",)}, {"stanzas": 4}):
        other = made(poems_txt, tmp_path, **options)
        for split in SPLITS:
            poems = "\n".join(texts(whole, split))
            if "punctuation" in options:
                poems = poems.replace("，", "").replace("。", "")
            if "script" not in options:
                assert all(piece in poems for piece in texts(other, split))
            else:
                assert convert(texts(other, split), "simplified") == texts(whole, split)


def test_forms_choose_among_the_stanzas(poems_txt: Path, tmp_path: Path) -> None:
    quatrains = made(poems_txt, tmp_path, forms=("五言绝句",))
    stanzas = made(poems_txt, tmp_path, forms=("五言绝句",), stanzas=4)
    assert {str(form_of(text)) for text in texts(stanzas, "train")} == {"五言绝句"}
    # Of five poems one is a 五言绝句, one has two such stanzas and one has three.
    assert stanzas.card.pieces["train"] > 5 * quatrains.card.pieces["train"]


def test_a_poem_that_is_cut_has_no_end(poems_txt: Path, tmp_path: Path) -> None:
    prepared = made(poems_txt, tmp_path, max_length=24)
    sequences = prepared.splits["train"]
    ends = {text: sequences[index][-1] == EOS for index, text in enumerate(texts(prepared, "train"))}
    assert {len(text) for text in ends} == {24}
    whole = {text for text in texts(made(poems_txt, tmp_path), "train") if len(text) == 24}
    assert all(has_end == (text in whole) for text, has_end in ends.items())
    assert any(ends.values())
    assert not all(ends.values())


def test_subsets_are_of_the_same_splits(poems_txt: Path, tmp_path: Path) -> None:
    whole, subset = made(poems_txt, tmp_path), made(poems_txt, tmp_path, max_train=50, max_val=3)
    assert texts(subset, "train") == texts(whole, "train")[:50]
    assert texts(subset, "val") == texts(whole, "val")[:3]
    assert texts(subset, "test") == texts(whole, "test")


def test_the_vocabulary_is_the_train_splits(poems_txt: Path, tmp_path: Path) -> None:
    prepared = made(poems_txt, tmp_path, max_train=3)
    assert prepared.vocabulary.symbols == Vocabulary.build(texts(prepared, "train")).symbols
    assert prepared.card.unknown["train"] == 0
    assert prepared.card.unknown["val"] > 0


def test_a_given_vocabulary_is_kept(poems_txt: Path, tmp_path: Path) -> None:
    given = Vocabulary.build(["日月"])
    prepared = prepare(FileSource(poems_txt), PoemsConfig(cache=str(tmp_path)), given)
    assert prepared.vocabulary.symbols == given.symbols


def test_the_card_counts(poems_txt: Path, tmp_path: Path) -> None:
    with poems_txt.open("a", encoding="utf-8") as file:
        file.write("日月。\n□日月山水风。\n日月山水风。\n日月山水风（注），\n")
    card = made(poems_txt, tmp_path).card
    assert card.read == 404
    assert card.dropped.counts == {"fewer than 5 characters": 1, "missing characters": 1, "duplicate": 1}
    assert card.poems == sum(card.pieces.values()) == 401
    assert card.shapes["五言律诗"] == 80
    assert card.lengths["longest"] == 72
    assert "| poems read | 404 |" in card.markdown()


def test_a_second_start_reads_no_poem(poems_txt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made(poems_txt, tmp_path)
    monkeypatch.setattr(FileSource, "read", lambda self: pytest.fail("the corpus was read again"))
    second = made(poems_txt, tmp_path)
    assert texts(first, "train") == texts(second, "train")
    assert first.card == second.card


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    poems = tmp_path / "few.txt"
    poems.write_text("床前明月光，疑是地上霜。\n\n春眠不觉晓，处处闻啼鸟。\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"split is empty: 2 clean poems give"):
        made(poems, tmp_path)
    assert list(tmp_path.iterdir()) == [poems], "nothing is left"


@pytest.mark.parametrize(
    ("texts", "options", "advice"),
    [
        ([f"床前明月光，疑是地上霜。{verse(i)}" for i in range(200)], {}, "stay together, and these form 1 groups"),
        ([verse(i) for i in range(200)], {"forms": ["七言绝句"]}, r"data\.forms=\[七言绝句\] leaves too few"),
        ([verse(i) for i in range(3)], {}, "give a few hundred poems or more"),
    ],
)
def test_an_empty_split_has_a_reason(tmp_path: Path, texts: list[str], options: dict[str, object], advice: str) -> None:
    poems = tmp_path / "诗.txt"
    poems.write_text("\n".join(texts), encoding="utf-8")
    with pytest.raises(InputError, match=advice):
        made(poems, tmp_path, **options)


def test_a_corpus_without_usable_poems_is_refused(tmp_path: Path) -> None:
    poems = tmp_path / "latin.txt"
    poems.write_text("carmina\nmulta\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"latin\.txt: no poems in it: not in Chinese characters \(Latin\)"):
        made(poems, tmp_path)
    poems.write_text("日月。\n\n□日月山水风。\n", encoding="utf-8")
    expected = r"latin\.txt: no usable poems among .* \(fewer than 5 characters: 1, missing characters: 1\)"
    with pytest.raises(InputError, match=expected):
        made(poems, tmp_path)


def titled(tmp_path: Path, name: str, poems: list[str]) -> Path:
    path = tmp_path / name
    entries = [{"title": f"題{poem[0]}", "paragraphs": [poem]} for poem in poems]
    path.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
    return path


def test_titles_are_stored_beside_the_poems_which_stay_as_they_are(tmp_path: Path) -> None:
    poems = titled(tmp_path, "poems.json", verses(400))
    plain, prepared = made(poems, tmp_path), made(poems, tmp_path, titles=True)
    assert plain.splits["train"].titles is None
    for split in SPLITS:
        assert texts(prepared, split) == texts(plain, split)
        titles = prepared.splits[split].titles
        assert titles is not None
        shown = [prepared.vocabulary.decode(titles[index].tolist()) for index in range(len(titles))]
        assert shown == [f"□{text[0]}" for text in texts(prepared, split)], "题 is in no poem"


def test_added_poems_are_trained_on_in_the_vocabulary_of_the_others(tmp_path: Path) -> None:
    own, more = verses(400), [verse(1000 + seed) + "鱼。" for seed in range(300)]
    others = titled(tmp_path, "more.json", [*more, own[0]])
    alone = made(titled(tmp_path, "own.json", own), tmp_path)
    config = PoemsConfig(min_count=1, cache=str(tmp_path / "cache"), titles=True)
    prepared = prepare(FileSource(tmp_path / "own.json"), config, added=FileSource(others))
    assert prepared.vocabulary.symbols == alone.vocabulary.symbols
    for split in ("val", "test"):
        assert texts(prepared, split) == texts(alone, split)
    assert set(texts(alone, "train")) < set(texts(prepared, "train"))
    assert prepared.card.added == len(prepared.splits["train"]) - len(alone.splits["train"]) > 250
    assert f"({prepared.card.added:,} of train are added)" in prepared.card.text()
    assert prepared.card.dropped.counts["also in the corpus they are added to"] == 1
    assert {text[-2:] for text in texts(prepared, "train")} >= {"□。"}, "a character that the others lack"
    few = prepare(FileSource(tmp_path / "own.json"), replace(config, max_train=40), added=FileSource(others))
    assert 5 < few.card.added < 35, "a subset of all, not the first"
