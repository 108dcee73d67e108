"""The poems as a LightningDataModule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import LightningDataModule

from tang.corpus.sources import FileSource, Source, TangSource
from tang.data.batches import PoemLoader
from tang.data.card import Card
from tang.data.gather import Share
from tang.data.prepare import Options, Prepared, prepare
from tang.data.split import Part
from tang.data.vocabulary import Vocabulary
from tang.errors import InputError
from tang.text.script import Script


class PoemDataModule(LightningDataModule):
    """Train, val and test poems in batches bucketed by length.

    Args:
        source: ``tang`` (the 全唐诗, in ``dir``, fetched if it isn't there) or ``text`` (``path``).
        dir: where the files of the 全唐诗 are, or go.
        path: a text file with one poem a line, or JSON shaped like chinese-poetry's (file or folder).
        cache: where prepared ids go.
        batch_size: poems in a batch, of all devices together; long ones go in smaller batches, see ``LengthBuckets``.
        seed: of the order of the training batches.
        vocabulary: the symbols of a model trained before; by default the training part's.
        The other arguments are explained in :class:`~tang.data.prepare.Options`.

    Raises:
        InputError: ``path`` is missing or wrong.
    """

    def __init__(
        self,
        source: Literal["tang", "text"] = "tang",
        dir: str = "data/tang",
        path: str | None = None,
        cache: str = "data/prepared",
        script: Script = "simplified",
        punctuation: Literal["keep", "drop"] = "keep",
        forms: Sequence[str] | None = None,
        max_length: int | None = None,
        stanzas: int | None = None,
        min_count: int = 2,
        max_train: int | None = None,
        max_val: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        vocabulary: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.options = Options(
            script, punctuation, tuple(forms) if forms else None, max_length, stanzas, min_count, max_train, max_val
        )
        self.source = _source(source, dir, path)
        self.cache = Path(cache)
        self.batch_size = batch_size
        self.seed = seed
        self._given_vocabulary = Vocabulary(vocabulary) if vocabulary is not None else None
        self._prepared: Prepared | None = None

    @property
    def prepared(self) -> Prepared:
        """The corpus under the options; fetched, cleaned and split at the first use ever, then from the cache."""
        if self._prepared is None:
            self._prepared = prepare(self.source, self.options, self.cache, self._given_vocabulary)
        return self._prepared

    @property
    def card(self) -> Card:
        """What was read, dropped and kept."""
        return self.prepared.card

    def prepare_data(self) -> None:
        """Lightning calls this once before training, validation and test."""
        _ = self.prepared  # the first use fetches and caches

    def loader(self, part: Part) -> PoemLoader:
        """The trainer's share of the batches of a part, in the order of epoch 0 until ``set_epoch`` is called."""
        return PoemLoader(self.prepared.parts[part], self.batch_size, self.seed, Share.of(self))

    def train_dataloader(self) -> Any:
        return self.loader("train")

    def val_dataloader(self) -> Any:
        return self.loader("val")

    def test_dataloader(self) -> Any:
        return self.loader("test")


def _source(source: str, dir: str, path: str | None) -> Source:
    if source == "tang":
        if path is not None:
            raise InputError(f"data.path={path}: for your own poems give data=text too; this corpus is in data.dir")
        return TangSource(Path(dir).expanduser())
    if path is None:
        raise InputError("data=text needs data.path=FILE, a text file with one poem a line or JSON files")
    return FileSource(Path(path).expanduser())
