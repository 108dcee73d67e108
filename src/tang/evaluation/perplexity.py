"""The perplexity card: perplexities of a language model on a split, beside those of a trigram model."""

import json
import math
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tang.console import tracked
from tang.data.batches import Batch
from tang.data.poem_corpus import PoemCorpus
from tang.data.split import Split
from tang.data.vocabulary import EOS, PAD, UNK
from tang.errors import InputError
from tang.evaluation.places import PLACES, Places
from tang.evaluation.titles import title_share
from tang.evaluation.trigram import Trigram
from tang.generation.sampling import NOT_NUMBERS
from tang.kernels.hardware import BF16_MIXED
from tang.recurrent.auto import resolve_auto
from tang.tasks.poem_model import PoemModelBase
from tang.text.forms import PUNCTUATION

PADDED_LENGTH = 100  # Length in characters to which earlier reports padded or cut every poem


@dataclass(frozen=True)
class PerplexityCard:
    """Perplexities of a model on a split, each exp of a mean −ln p, and the numbers of tokens behind them."""

    split: str
    poems: int
    ppl: float  # Over characters, punctuation and the end of each poem
    ppl_hanzi: float  # Over Chinese characters, including those outside the vocabulary, which count as <unk>
    trigram_ppl: float  # ppl of a Kneser–Ney trigram model of the training split, see trigram
    trigram_ppl_hanzi: float
    tokens: int
    tokens_hanzi: int
    tokens_punctuation: int
    tokens_end: int
    tokens_unknown: int  # Those of tokens_hanzi outside the vocabulary
    nll: float  # Sum of −ln p over all tokens
    by_place: dict[str, tuple[float, int]]  # Place → ppl and tokens there; empty without marks, which show the lines
    ppl_titled: float | None  # ppl where each poem follows its title, if the model was trained with titles
    title_share: float | None  # Share of poems that are likelier after their own title than after another
    padding_counted: float  # Not a perplexity: exp(Σ −ln p ÷ (tokens + padding)), every poem padded or cut to 100

    def json(self, path: Path, **more: Any) -> str:
        """The card of the checkpoint ``path`` and ``more`` entries as one JSON object."""
        return json.dumps({"ckpt": str(path), **asdict(self), **more}, ensure_ascii=False, indent=1)

    def text(self, path: Path) -> str:
        """The card of the checkpoint ``path`` for the terminal."""
        places = "".join(
            f"\n    {name:<32}{ppl:8.2f}   over {tokens:,}" for name, (ppl, tokens) in self.by_place.items()
        )
        share = "" if self.title_share is None else f"   {self.title_share:.1%} likelier than with another's"
        titled = "" if self.ppl_titled is None else f"\n  with their titles     {self.ppl_titled:10.2f}{share}"
        return f"""\
{path}
{self.split} split, {self.poems:,} poems

  perplexity            {self.ppl:10.2f}   over {self.tokens:,} tokens: {self.tokens_hanzi:,} Chinese characters, \
{self.tokens_punctuation:,} marks, {self.tokens_end:,} ends
  Chinese characters    {self.ppl_hanzi:10.2f}   over {self.tokens_hanzi:,}, \
{self.tokens_unknown:,} of them outside the vocabulary{titled}{places}

  trigram model         {self.trigram_ppl:10.2f}   Kneser–Ney, counted in the training split
  Chinese characters    {self.trigram_ppl_hanzi:10.2f}

  with padding counted  {self.padding_counted:10.2f}   not a perplexity: every poem padded or cut to {PADDED_LENGTH},
{"":37}padding taken as certain; published figures are often this"""


def measure_perplexity(
    model: PoemModelBase, data: PoemCorpus, split: Split, precision: str = "32-true"
) -> PerplexityCard:
    """The perplexity card of ``model`` on a split of its corpus ``data``."""
    poems = data.prepared.splits[split]
    losses = token_losses(model, tracked(data.loader(split), f"Evaluating on {split}"), precision)
    targets, nll = losses.targets, losses.nll
    titled, share = None, None
    if model.data.titles:
        share = title_share(model, poems, data.config.batch_size)
        titled = token_losses(model, tracked(data.titled_loader(split), "Evaluating with titles"), precision).nll
    trigram = Trigram.of(data.prepared.splits["train"], len(model.vocabulary))
    trigram_targets, trigram_nll = trigram.token_losses(poems)
    is_mark = torch.tensor([symbol in PUNCTUATION for symbol in model.vocabulary.symbols])
    is_hanzi = model.is_hanzi.cpu()
    return PerplexityCard(
        split=split,
        poems=len(poems),
        ppl=nll.mean().exp().item(),
        ppl_hanzi=nll[is_hanzi[targets]].mean().exp().item(),
        trigram_ppl=float(np.exp(trigram_nll.mean())),
        trigram_ppl_hanzi=float(np.exp(trigram_nll[is_hanzi.numpy()[trigram_targets]].mean())),
        tokens=len(nll),
        tokens_hanzi=int(is_hanzi[targets].sum()),
        tokens_punctuation=int(is_mark[targets].sum()),
        tokens_end=int((targets == EOS).sum()),
        tokens_unknown=int((targets == UNK).sum()),
        nll=nll.sum().item(),
        by_place=_by_place(losses) if is_mark.any() else {},
        ppl_titled=None if titled is None else titled.mean().exp().item(),
        title_share=share,
        padding_counted=math.exp(nll[losses.positions < PADDED_LENGTH].sum().item() / (PADDED_LENGTH * len(poems))),
    )


class TokenLosses(NamedTuple):
    """All N tokens of some batches."""

    targets: Tensor  # (N,)
    positions: Tensor  # (N,) in their sequences, from 0
    places: Tensor  # (N,) index in PLACES
    nll: Tensor  # (N,) −ln p of each, float64


def _by_place(losses: TokenLosses) -> dict[str, tuple[float, int]]:
    found = {}
    for place, name in enumerate(PLACES):
        nll = losses.nll[losses.places == place]
        if len(nll):
            found[name] = nll.mean().exp().item(), len(nll)
    return found


@torch.inference_mode()
def token_losses(model: PoemModelBase, batches: Iterable[Batch], precision: str = "32-true") -> TokenLosses:
    """The tokens of all batches and what the model makes of them.

    The backend is the fastest on this machine at ``precision``: ``32-true``, ``64-true`` or ``bf16-mixed``.
    InputError if the model's logits are NaN.
    """
    choice = resolve_auto("auto", "auto", precision, model.network.recurrent.cell_name)
    model.network.recurrent.backend = choice.backend
    device = torch.device(choice.accelerator)
    torch.backends.cudnn.allow_tf32 = False  # cuDNN's LSTM would round its inputs to ten bits
    model = model.to(device, torch.float64 if precision == "64-true" else torch.float32).eval()
    autocast = torch.autocast(device.type, torch.bfloat16) if precision == BF16_MIXED else nullcontext()
    places = Places(model.vocabulary, device)
    found = []
    for batch in batches:
        batch = Batch(batch.inputs.to(device), batch.targets.to(device), batch.num_tokens)
        with autocast:
            nll = model.nll(batch)
        positions = torch.arange(nll.shape[1], device=device).expand_as(nll)
        is_token = batch.targets != PAD
        of_batch = (batch.targets, positions, places.of(batch), nll.double())
        found.append([values[is_token].cpu() for values in of_batch])
    losses = TokenLosses(*(torch.cat(values) for values in zip(*found, strict=True)))
    if losses.nll.isnan().any():
        raise InputError(NOT_NUMBERS)
    return losses
