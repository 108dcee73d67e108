"""The poems as a LightningDataModule."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tang.corpus.collections import CORPORA
from tang.corpus.sources import CollectionSource, FileSource, Source
from tang.data.batches import PoemLoader, SplitDataModule
from tang.data.card import Card
from tang.data.prepare import Options, Prepared, prepare
from tang.data.split import Split
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError


class PoemDataModule(SplitDataModule):
    """Train, val and test poems in batches bucketed by length.

    The arguments are keys of :class:`~tang.config.data.PoemsConfig`, which describes them, and ``vocabulary``, the
    symbols of an earlier model; by default they are those of the train split.

    Raises:
        InputError: ``path`` doesn't exist, is missing or superfluous.
    """

    def __init__(
        self,
        source: str = "tang",
        dir: str = "data/tang",
        path: str | None = None,
        cache: str = "data/prepared",
        batch_size: int = 64,
        seed: int = 0,
        vocabulary: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if source in CORPORA and path is not None:
            raise InputError(f"data.path={path}: for your own poems give data=text too; this corpus is in data.dir")
        if source not in CORPORA and path is None:
            raise InputError("data=text needs data.path=FILE, a text file with one poem a line or JSON files")
        self.source: Source
        if path is None:
            self.source = CollectionSource(CORPORA[source], Path(dir).expanduser())
        else:
            self.source = FileSource(Path(path).expanduser())
        self.options = Options(**options)
        self.cache = Path(cache)
        self.batch_size = batch_size
        self.seed = seed
        self._given_vocabulary = Vocabulary(vocabulary) if vocabulary is not None else None

    @cached_property
    def prepared(self) -> Prepared:
        """The corpus under the options; fetched, cleaned and split at the first use ever, then read from the cache."""
        return prepare(self.source, self.options, self.cache, self._given_vocabulary)

    @property
    def card(self) -> Card:
        return self.prepared.card

    def loader(self, split: Split) -> PoemLoader:
        return PoemLoader(self.prepared.splits[split], self.batch_size, self.seed, self.shard)
