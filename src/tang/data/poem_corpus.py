"""The poems of a corpus, cleaned, split and in batches. Needs no Lightning."""

from functools import cached_property
from typing import cast

from tang.config.data import PoemsConfig
from tang.corpus.collections import CORPORA
from tang.corpus.sources import CollectionSource, FileSource, Source
from tang.data.batches import PoemLoader, half_titled
from tang.data.card import Card
from tang.data.gather import Shard
from tang.data.prepare import Prepared, already_prepared, prepare
from tang.data.split import Split
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError, expanded
from tang.text.layout import Layout
from tang.text.script import Script


class PoemCorpus:
    """Train, val and test poems in batches bucketed by length, to evaluate and to look up.

    ``vocabulary`` is that of an earlier model; by default it is built from the train split. An InputError if the
    config's ``path`` doesn't exist, is missing or superfluous.
    """

    def __init__(self, config: PoemsConfig, vocabulary: Vocabulary | None = None) -> None:
        if config.source in CORPORA and config.path is not None:
            path = f"data.path={config.path}"
            raise InputError(f"{path}: for your own poems give data=text too; this corpus is in data.dir")
        if config.source not in CORPORA and config.path is None:
            raise InputError("data=text needs data.path=FILE, a file of poems (text, JSON, CSV) or a folder of them")
        self.config = config
        self.source: Source
        if config.path is None:
            self.source = CollectionSource(CORPORA[config.source], expanded("data.dir", config.dir))
        else:
            self.source = FileSource(expanded("data.path", config.path), cast(Layout | None, config.layout))
        if config.train_also == config.source:
            raise InputError(f"data.train_also={config.train_also}: this is the corpus itself; give another or null")
        self.added: Source | None = None
        if config.train_also:
            self.added = CollectionSource(CORPORA[config.train_also], expanded("data.dir", config.dir))
        self.script = cast(Script, config.script)
        self._given_vocabulary = vocabulary

    @cached_property
    def prepared(self) -> Prepared:
        """The corpus under the config; fetched, cleaned and split at the first use ever, then read from the cache."""
        return prepare(self.source, self.config, self._given_vocabulary, self.added)

    def opened(self) -> Prepared | None:
        """The corpus if it was prepared before, else None: nothing is fetched or written."""
        assert self._given_vocabulary, "without a model's vocabulary it is not known what to open"
        return already_prepared(self.source, self.config, self._given_vocabulary, self.added)

    @property
    def card(self) -> Card:
        return self.prepared.card

    def loader(self, split: Split, shard: Shard = Shard()) -> PoemLoader:
        """The batches of a split, or a rank's ``shard`` of each; train poems half of the time after their titles."""
        sequences = self.prepared.splits[split]
        titled = half_titled(len(sequences), self.config.seed) if split == "train" and self.config.titles else None
        return PoemLoader(sequences, self.config.batch_size, self.config.seed, shard, titled)
