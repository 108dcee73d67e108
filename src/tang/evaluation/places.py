"""Where in a poem a token stands: what is to be predicted differs most between the ends of lines and their insides."""

import torch
from torch import Tensor

from tang.data.batches import Batch
from tang.data.vocabulary import EOS, PAD, Vocabulary
from tang.text.forms import PUNCTUATION

PLACES = (
    "ends of even lines, which rhyme",
    "ends of odd lines",
    "within line 1",
    "within line 2",
    "within lines 3 and 4",
    "within later lines",
    "marks",
    "ends of poems",
)


class Places:
    """Tells the places of tokens, for a vocabulary with marks."""

    def __init__(self, vocabulary: Vocabulary, device: torch.device) -> None:
        self.begins_line = torch.tensor(vocabulary.begins_line, device=device)
        self.is_mark = torch.tensor([symbol in PUNCTUATION for symbol in vocabulary.symbols], device=device)

    def of(self, batch: Batch) -> Tensor:
        """(B, T) the index in :data:`PLACES` of each target; of padding any."""
        inputs, targets = batch.inputs, batch.targets
        line = self.begins_line[inputs].cumsum(1)
        following = torch.cat((targets[:, 1:], torch.full_like(targets[:, :1], PAD)), 1)
        is_last = self.begins_line[following] & ~self.is_mark[targets]
        within = 2 + (line > 1).long() + (line > 2).long() + (line > 4).long()
        found = torch.where(is_last, line % 2, within)
        found = found.masked_fill(self.is_mark[targets], PLACES.index("marks"))
        return found.masked_fill(targets == EOS, PLACES.index("ends of poems"))
