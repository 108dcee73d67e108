"""The perplexity card: what a model's figures are, and what they are not."""

import json
import logging
import math
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.split import Split
from tang.data.vocabulary import EOS, PAD, UNK
from tang.errors import InputError
from tang.evaluation.trigram import Trigram
from tang.evaluation.trigram import targets as trigram_targets
from tang.generation.sampling import NOT_NUMBERS
from tang.recurrent.hardware import LOW, choose
from tang.tasks.language_model import LanguageModel
from tang.text.forms import PUNCTUATION

T = TypeVar("T")

log = logging.getLogger(__name__)

PADDED_LENGTH = 100
"""To this length the reports padded or cut every poem."""


@dataclass(frozen=True)
class PerplexityCard:
    """Perplexities of a model on a part of its corpus; each is exp of a mean −ln p."""

    split: str
    poems: int
    ppl: float
    """Over characters, punctuation and the end of each poem."""
    ppl_hanzi: float
    """Over Chinese characters alone, those outside the vocabulary as ``<unk>`` included."""
    trigram_ppl: float
    """The same of a Kneser–Ney trigram model that counted the training part, see :mod:`tang.evaluation.trigram`."""
    trigram_ppl_hanzi: float
    tokens: int
    tokens_hanzi: int
    tokens_punctuation: int
    tokens_end: int
    tokens_unknown: int
    """Of ``tokens_hanzi``, those outside the vocabulary."""
    nll: float
    """Σ −ln p over all ``tokens``."""
    padding_counted: float
    """Not a perplexity: exp(Σ −ln p ÷ (tokens + padding)), every poem padded or cut to 100."""

    def json(self, path: Path, **more: Any) -> str:
        """One JSON object, with whatever else is to be in it."""
        return json.dumps({"ckpt": str(path), **asdict(self), **more}, ensure_ascii=False, indent=1)

    def text(self, path: Path) -> str:
        """For the terminal."""
        kinds = f"{self.tokens_hanzi:,} Chinese characters, {self.tokens_punctuation:,} marks, {self.tokens_end:,} ends"
        return "\n".join(
            [
                f"{path}",
                f"{self.split} part, {self.poems:,} poems",
                "",
                f"  perplexity            {self.ppl:10.2f}   over {self.tokens:,} tokens: {kinds}",
                f"  Chinese characters    {self.ppl_hanzi:10.2f}   over {self.tokens_hanzi:,}, "
                f"{self.tokens_unknown:,} of them outside the vocabulary",
                "",
                f"  trigram model         {self.trigram_ppl:10.2f}   Kneser–Ney, counted in the training part",
                f"  Chinese characters    {self.trigram_ppl_hanzi:10.2f}",
                "",
                f"  with padding counted  {self.padding_counted:10.2f}   not a perplexity: every poem padded or cut to "
                f"{PADDED_LENGTH},",
                f"{'':37}padding taken as certain; published figures are often this",
            ]
        )


def evaluate(model: LanguageModel, data: PoemDataModule, split: Split, precision: str = "32-true") -> PerplexityCard:
    """The card of ``model`` on a part of its corpus.

    Args:
        model: loaded from a checkpoint.
        data: its corpus.
        split: which part.
        precision: ``32-true``, ``64-true`` or ``bf16-mixed``.
    """
    poems = data.prepared.splits[split]
    batches = tracked(data.loader(split), f"Evaluating on {split}")
    targets, positions, nll = losses(model, batches, precision)
    trigram_nll = Trigram.of(data.prepared.splits["train"], len(model.vocabulary)).nll(poems)

    symbols = model.vocabulary.symbols
    is_mark = torch.tensor([symbol in PUNCTUATION for symbol in symbols])[targets]
    is_hanzi = model.is_hanzi.cpu()[targets]
    return PerplexityCard(
        split=split,
        poems=len(poems),
        ppl=nll.mean().exp().item(),
        ppl_hanzi=nll[is_hanzi].mean().exp().item(),
        trigram_ppl=float(np.exp(trigram_nll.mean())),
        trigram_ppl_hanzi=float(np.exp(trigram_nll[model.is_hanzi.cpu().numpy()[trigram_targets(poems)]].mean())),
        tokens=len(nll),
        tokens_hanzi=int(is_hanzi.sum()),
        tokens_punctuation=int(is_mark.sum()),
        tokens_end=int((targets == EOS).sum()),
        tokens_unknown=int((targets == UNK).sum()),
        nll=nll.sum().item(),
        padding_counted=math.exp(nll[positions < PADDED_LENGTH].sum().item() / (PADDED_LENGTH * len(poems))),
    )


def tracked(items: Iterable[T], title: str, total: int | None = None) -> Iterable[T]:
    """``items`` with a progress bar on stderr, if that is a terminal."""
    console = Console(stderr=True)
    return track(items, title, total, console=console, transient=True, disable=not console.is_terminal)


@torch.inference_mode()
def losses(model: LanguageModel, batches: Iterable[Batch], precision: str = "32-true") -> tuple[Tensor, Tensor, Tensor]:
    """Of all batches, in their order: targets (N,), their positions in their poems (N,), −ln p (N,) in float64.

    The backend is that which suits this machine and ``precision``, whichever the model was trained with.

    Raises:
        InputError: the model's scores aren't numbers.
    """
    choice = choose("auto", "auto", precision, model.network.recurrent.cell)
    model.network.recurrent.backend = choice.backend
    device = torch.device(choice.accelerator)
    torch.backends.cudnn.allow_tf32 = False  # cuDNN's LSTM would round its inputs to ten bits
    model = model.to(device, torch.float64 if precision == "64-true" else torch.float32).eval()
    lower = torch.autocast(device.type, torch.bfloat16) if precision == LOW else nullcontext()
    tokens = []
    for batch in batches:
        batch = Batch(batch.inputs.to(device), batch.targets.to(device), batch.num_tokens)
        with lower:
            nll = model.nll(batch)
        positions = torch.arange(nll.shape[1], device=device).expand_as(nll)
        is_token = batch.targets != PAD
        tokens.append((batch.targets[is_token].cpu(), positions[is_token].cpu(), nll[is_token].double().cpu()))
    targets, positions, nlls = (torch.cat(parts) for parts in zip(*tokens, strict=True))
    if nlls.isnan().any():
        raise InputError(NOT_NUMBERS)
    return targets, positions, nlls
