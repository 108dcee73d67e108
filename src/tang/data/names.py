"""The names → languages data as a LightningDataModule."""

from collections import Counter
from functools import cached_property

from tang.config.data import NamesConfig
from tang.corpus.names import Name, Names, NameSource, clean_names
from tang.data.batches import BatchLoader, balanced_draws, length_buckets
from tang.data.card import NameCard
from tang.data.module import SplitDataModule
from tang.data.name_batches import NameBatch
from tang.data.split import Split, split_names
from tang.errors import InputError, expanded


class NamesDataModule(SplitDataModule):
    """Train, val and test names in batches bucketed by length."""

    def __init__(self, config: NamesConfig) -> None:
        super().__init__()
        self.config = config
        own = None if config.path is None else expanded("data.path", config.path)
        self.source = NameSource(expanded("data.dir", config.dir), own)
        self.languages = self.source.languages

    @cached_property
    def names(self) -> Names:
        """All names; missing files are fetched."""
        own = self.config.path is not None
        return clean_names(self.source.read(), not own if self.config.ascii is None else self.config.ascii)

    @cached_property
    def splits(self) -> dict[Split, list[Name]]:
        """The names of each split."""
        splits = split_names(self.names.names)
        for split, names in splits.items():
            if not names:
                sizes = Counter(name.language for name in self.names.names).most_common()
                counts = ", ".join(f"{language} {count}" for language, count in sizes)
                raise InputError(f"the {split} split is empty: of {counts}; give each language ten names or more")
        return splits

    @property
    def card(self) -> NameCard:
        return NameCard(self.names, self.splits)

    def loader(self, split: Split) -> BatchLoader[NameBatch]:
        whole, shard = NameBatch.of(self.splits[split], self.languages, self.names.letters), self.shard
        lengths = whole.lengths.numpy()
        batch_size, seed = self.config.batch_size, self.config.seed
        if self.config.balanced and split == "train":
            batcher = balanced_draws(whole.targets.numpy(), lengths, batch_size, seed)
        else:
            batcher = length_buckets(lengths, batch_size, seed)
        return BatchLoader(batcher, lambda indices: whole.select(indices, shard))
