"""Keys of the config group ``data``."""

from dataclasses import dataclass

from omegaconf import MISSING

from tang.config.keys import FORM_NAMES, SEED, at_least, key, one_of
from tang.corpus.collections import CORPORA
from tang.text.layout import LAYOUTS


@dataclass
class DataConfig:
    """Keys of every data module."""

    _target_: str = MISSING
    batch_size: int = key(64, "global batch size; smaller for long poems", at_least(1))
    seed: int = key(0, "seed of the order of the training batches", SEED)


@dataclass
class PoemsConfig(DataConfig):
    """Keys of :class:`tang.data.poems.PoemDataModule`."""

    _target_: str = "tang.data.poems.PoemDataModule"
    source: str = key("tang", "corpus; text: your own poems, data.path", one_of(*CORPORA, "text"))
    dir: str = key("data/tang", "folder of the corpora's files, downloaded there when missing")
    train_also: str | None = key(
        None, "corpus whose poems are added to the training poems, in their vocabulary", one_of(*CORPORA)
    )
    shared_lines: bool = key(False, "add poems too that share a line, though no couplet, with a val or test poem")
    titles: bool = key(False, "a poem follows its title in half of the epochs: write with sample.py title=")
    path: str | None = key(None, "your own poems: a file (text, JSON, CSV) or a folder of such files")
    layout: str | None = key(None, "how the poems stand in a text file; null: found out", one_of(*LAYOUTS))
    cache: str = key("data/prepared", "folder of prepared ids, made once for each set of options")
    script: str = key("simplified", "script that poems are converted to", one_of("simplified", "traditional"))
    punctuation: str = key("keep", "whether the model reads and writes punctuation", one_of("keep", "drop"))
    forms: list[str] | None = key(None, "keep poems of these forms only; null: all poems", FORM_NAMES)
    max_length: int | None = key(None, "cut poems after so many characters", at_least(2))
    stanzas: int | None = key(None, "cut poems into stanzas of so many lines, before forms are chosen", at_least(1))
    min_count: int = key(2, "characters that occur less often become <unk>", at_least(1))
    max_train: int | None = key(None, "train on a random subset of so many poems", at_least(1))
    max_val: int | None = key(None, "validate on a random subset of so many poems", at_least(1))


@dataclass
class NamesConfig(DataConfig):
    """Keys of :class:`tang.data.names.NamesDataModule`."""

    _target_: str = "tang.data.names.NamesDataModule"
    dir: str = key("data/names", "folder of the 18 languages' files, downloaded there when missing")
    path: str | None = key(None, "your own names: a folder of files LANGUAGE.txt or folders LANGUAGE, one name a line")
    ascii: bool | None = key(None, "true: names in Latin letters without accents; null: for the 18 languages alone")
    balanced: bool = key(False, "draw training names with replacement, each language equally likely")
