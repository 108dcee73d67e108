"""The poems as a LightningDataModule."""

from tang.config.data import PoemsConfig
from tang.data.batches import PoemLoader
from tang.data.module import SplitDataModule
from tang.data.poem_corpus import PoemCorpus
from tang.data.split import Split
from tang.data.vocabulary import Vocabulary


class PoemDataModule(PoemCorpus, SplitDataModule):
    """The poems to train on; its arguments are :class:`~tang.data.poem_corpus.PoemCorpus`'s."""

    def __init__(self, config: PoemsConfig, vocabulary: Vocabulary | None = None) -> None:
        SplitDataModule.__init__(self)
        PoemCorpus.__init__(self, config, vocabulary)

    def loader(self, split: Split) -> PoemLoader:  # type: ignore[override]
        return PoemCorpus.loader(self, split, self.shard)
