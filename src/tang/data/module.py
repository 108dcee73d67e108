"""The base of the data modules: a loader for each split."""

from typing import Any

from pytorch_lightning import LightningDataModule

from tang.data.batches import BatchLoader
from tang.data.card import Card, NameCard
from tang.data.split import Split


class SplitDataModule(LightningDataModule):
    """Train, val and test examples in batches."""

    @property
    def card(self) -> Card | NameCard:
        """Counts of what was read, dropped and kept; at the first use ever the corpus is fetched and cleaned.

        Raises:
            InputError: the corpus can't be fetched, is faulty, or leaves a split empty.
        """
        raise NotImplementedError

    def loader(self, split: Split) -> BatchLoader:
        """This rank's shard of each batch of a split."""
        raise NotImplementedError

    def prepare_data(self) -> None:
        _ = self.card

    def train_dataloader(self) -> Any:
        return self.loader("train")

    def val_dataloader(self) -> Any:
        return self.loader("val")

    def test_dataloader(self) -> Any:
        return self.loader("test")
