"""The base of the data modules."""

from pytorch_lightning import LightningDataModule

from tang.data.batches import BatchLoader
from tang.data.card import Card, NameCard
from tang.data.gather import Shard
from tang.data.split import Split


class SplitDataModule(LightningDataModule):
    """The base of the data modules: a loader for each split."""

    @property
    def card(self) -> Card | NameCard:
        """Counts of what was read, dropped and kept; at the first use ever the corpus is fetched and cleaned.

        An InputError if the corpus can't be fetched, is faulty, or leaves a split empty.
        """
        raise NotImplementedError

    @property
    def shard(self) -> Shard:
        """This rank's slice of each batch, on the trainer's device; whole batches on the CPU without a trainer."""
        if self.trainer is None:
            return Shard()
        return Shard(self.trainer.strategy.root_device, self.trainer.global_rank, self.trainer.world_size)

    def loader(self, split: Split) -> BatchLoader:
        """This rank's shard of each batch of a split."""
        raise NotImplementedError

    def prepare_data(self) -> None:
        _ = self.card

    def train_dataloader(self) -> BatchLoader:
        return self.loader("train")

    def val_dataloader(self) -> BatchLoader:
        return self.loader("val")

    def test_dataloader(self) -> BatchLoader:
        return self.loader("test")
