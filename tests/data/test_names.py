import hashlib
import random
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tang.config.data import NamesConfig
from tang.corpus.collections import NAMES
from tang.corpus.names import LETTERS, Name
from tang.data.name_batches import NameBatch, encode
from tang.data.names import NamesDataModule
from tang.data.split import SPLITS, TENTHS, split_names
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tests.commands import ROOT

SIZES = {"Big": 900, "Middle": 120, "Small": 40, "Tiny": 12}


def word(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 12))).capitalize()


def random_names(seed: int) -> list[Name]:
    """So many names of each language; a fifth of each smaller one's are names of the big one too."""
    rng = random.Random(seed)
    words = {language: [word(rng) for _ in range(size)] for language, size in SIZES.items()}
    for language, size in SIZES.items():
        words[language][: size // 5] = words["Big"][: size // 5]
    return [Name(text, language) for language, texts in words.items() for text in texts]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection of the random names, each line of the smallest language twice."""
    files = {}
    for language in SIZES:
        lines = [name.text for name in random_names(0) if name.language == language] * (2 if language == "Tiny" else 1)
        content = "".join(f"{line}\n" for line in lines).encode()
        (tmp_path / f"{language}.txt").write_bytes(content)
        files[f"{language}.txt"] = "sha256:" + hashlib.sha256(content).hexdigest()
    monkeypatch.setattr("tang.corpus.names.NAMES", replace(NAMES, files=files))
    return tmp_path


def test_a_batch_holds_letters_lengths_and_languages() -> None:
    names = [Name("ab", "Dutch"), Name("Z", "Czech"), Name("o'B;", "Irish")]
    batch = NameBatch.of(names, ["Czech", "Dutch", "Irish"])
    assert batch.inputs.tolist() == [[1, 2, PAD, PAD], [52, PAD, PAD, PAD], [15, 57, 28, 56]]
    assert batch.lengths.tolist() == [2, 1, 4]
    assert batch.targets.tolist() == [1, 0, 2]
    assert batch.num_tokens == 7


def test_a_selection_is_no_wider_than_it_needs() -> None:
    names = [Name("ab", "Dutch"), Name("Z", "Czech"), Name("o'B;", "Irish")]
    batch = NameBatch.of(names, ["Czech", "Dutch", "Irish"]).select(np.array([1, 0]))
    assert batch.inputs.tolist() == [[52, PAD], [1, 2]]
    assert (batch.lengths.tolist(), batch.targets.tolist(), batch.num_tokens) == ([1, 2], [0, 1], 3)


def test_every_letter_has_an_id_of_its_own() -> None:
    inputs, lengths = encode([LETTERS])
    assert inputs.tolist() == [list(range(1, 58))]
    assert lengths.tolist() == [57]


@pytest.mark.parametrize("seed", range(5))
def test_each_language_is_split_80_10_10(seed: int) -> None:
    splits = split_names(random_names(seed))
    for language, size in SIZES.items():
        for split in SPLITS:
            count = sum(name.language == language for name in splits[split])
            assert count == pytest.approx(size * TENTHS[split] / 10, abs=2)
            assert count >= 1


@pytest.mark.parametrize("seed", range(5))
def test_shared_names_stand_in_every_split(seed: int) -> None:
    names = random_names(seed)
    languages = Counter(name.key for name in names)
    shared = {split: {name.key for name in split_names(names)[split] if languages[name.key] > 1} for split in SPLITS}
    assert len(shared["val"]) == pytest.approx(0.1 * sum(map(len, shared.values())), abs=2)
    assert len(shared["test"]) == pytest.approx(0.1 * sum(map(len, shared.values())), abs=2)


def test_no_name_stands_in_two_splits_whatever_its_case() -> None:
    names = random_names(0)
    names += [Name(name.text.upper(), "Capitals") for name in names[::7]]
    splits = split_names(names)
    assert sorted(name for split in SPLITS for name in splits[split]) == sorted(names)
    keys = [key for split in SPLITS for key in {name.key for name in splits[split]}]
    assert len(keys) == len(set(keys))


def test_the_split_does_not_depend_on_the_order_of_names() -> None:
    names = random_names(0)
    assert split_names(names) == split_names(random.Random(1).sample(names, len(names)))


def test_the_card_counts(folder: Path) -> None:
    card = NamesDataModule(NamesConfig(dir=str(folder))).card
    pairs = {(name.key, name.language) for name in random_names(0)}
    assert card.cleaned.read == sum(SIZES.values()) + SIZES["Tiny"]
    assert len(card.cleaned.names) == len(pairs) == card.cleaned.read - sum(card.cleaned.duplicates.values())
    assert card.cleaned.duplicates["as printed"] >= SIZES["Tiny"]
    assert card.shared == sum(count > 1 for count in Counter(key for key, _ in pairs).values())
    assert {language: sum(counts.values()) for language, counts in card.languages.items()} == Counter(
        language for _, language in pairs
    )
    tiny = card.languages["Tiny"]
    assert f"| Tiny | {tiny['train']} | {tiny['val']} | {tiny['test']} |" in card.markdown()
    assert f"{card.shared:,}" in card.text()


@pytest.mark.parametrize("balanced", [False, True])
def test_an_epoch_has_every_held_out_name_once(folder: Path, balanced: bool) -> None:
    data = NamesDataModule(NamesConfig(dir=str(folder), batch_size=16, balanced=balanced))
    for split in ("val", "test"):
        drawn = [tuple(row) for batch in data.loader(split) for row in padded(batch)]
        whole = NameBatch.of(data.splits[split], data.languages)
        assert sorted(drawn) == sorted(tuple(row) for row in padded(whole))


def padded(batch: NameBatch) -> list[list[int]]:
    """The letters of each name up to a width that all have room in, and its language."""
    wide = torch.nn.functional.pad(batch.inputs, (0, 20 - batch.inputs.shape[1]))
    return torch.cat([wide, batch.targets[:, None]], 1).tolist()


def test_training_follows_the_names_unless_it_is_balanced(folder: Path) -> None:
    def share_of_tiny(balanced: bool) -> float:
        loader = NamesDataModule(NamesConfig(dir=str(folder), balanced=balanced)).loader("train")
        targets = torch.cat([batch.targets for batch in loader])
        assert len(targets) == len(data.splits["train"])
        return float((targets == data.languages.index("Tiny")).double().mean())

    data = NamesDataModule(NamesConfig(dir=str(folder)))
    assert share_of_tiny(False) == pytest.approx(data.card.languages["Tiny"]["train"] / len(data.splits["train"]))
    assert share_of_tiny(True) == pytest.approx(1 / len(SIZES), abs=0.06)


@pytest.mark.parametrize("balanced", [False, True])
def test_a_resumed_epoch_goes_on_with_the_names_that_came_next(folder: Path, balanced: bool) -> None:
    data = NamesDataModule(NamesConfig(dir=str(folder), batch_size=16, balanced=balanced, seed=1))
    stopped, resumed, whole = data.loader("train"), data.loader("train"), data.loader("train")
    for loader in (stopped, whole):
        loader.set_epoch(2)
    before = list(islice(stopped, 5))
    resumed.load_state_dict(stopped.state_dict())
    pieces, everything = [*before, *resumed], list(whole)
    assert len(everything) == len(whole)
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(pieces, everything, strict=True))


def test_names_go_where_the_trainer_computes(folder: Path) -> None:
    data, device = NamesDataModule(NamesConfig(dir=str(folder))), torch.device("meta")
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        strategy=SimpleNamespace(root_device=device), global_rank=0, world_size=1
    )
    batch = next(iter(data.loader("val")))
    assert batch.inputs.device == batch.lengths.device == batch.targets.device == device


@pytest.mark.slow
def test_the_real_names_have_the_documented_figures() -> None:
    data = NamesDataModule(NamesConfig(dir=str(ROOT / "data" / "names")))
    try:
        data.prepare_data()
    except InputError as error:
        pytest.skip(f"offline: {error}")
    card = data.card
    assert (card.cleaned.read, len(card.cleaned.names), card.shared) == (20_050, 17_992, 480)
    assert card.cleaned.duplicates == {"as printed": 2_038, "in ASCII": 20}
    assert sum(card.languages["Arabic"].values()) == 108
    assert {split: len(data.splits[split]) for split in SPLITS} == {"train": 14_383, "val": 1_805, "test": 1_804}
    for counts in card.languages.values():
        for split in SPLITS:
            assert counts[split] == pytest.approx(sum(counts.values()) * TENTHS[split] / 10, abs=1.5)


def test_your_own_languages_are_the_files_of_a_folder(tmp_path: Path) -> None:
    for name, first in (("乙", "b"), ("甲", "a")):
        text = "\n".join(first + "aeiou"[i % 5] * (i // 5 + 1) for i in range(20)) + "\n李\n"
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    data = NamesDataModule(NamesConfig(path=str(tmp_path)))
    assert data.languages == ["乙", "甲"]
    assert len(data.card.cleaned.names) == 42, "in whatever letters"
    folded = NamesDataModule(NamesConfig(path=str(tmp_path), ascii=True))
    assert len(folded.card.cleaned.names) == 40
    assert folded.card.rows["lost their letters"] == "乙 1, 甲 1"
    before = data.source.fingerprint
    (tmp_path / "甲.txt").write_text("x\n", encoding="utf-8")
    assert NamesDataModule(NamesConfig(path=str(tmp_path))).source.fingerprint != before


def test_a_folder_that_is_none_or_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.path=nowhere: no such folder; give a folder"):
        NamesDataModule(NamesConfig(path="nowhere"))
    (tmp_path / "A.txt").write_text("x\ny\n", encoding="utf-8")
    with pytest.raises(InputError, match="give a folder with two languages or more"):
        NamesDataModule(NamesConfig(path=str(tmp_path)))
    (tmp_path / "B.txt").write_text("z\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"the test split is empty: of A 2, B 1; give each language ten names or more"):
        _ = NamesDataModule(NamesConfig(path=str(tmp_path))).splits
    (tmp_path / "B.txt").write_bytes(b"z\n\xff\n")
    with pytest.raises(InputError, match=r"B\.txt: line 2, byte 1: not UTF-8"):
        _ = NamesDataModule(NamesConfig(path=str(tmp_path))).splits
