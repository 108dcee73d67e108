"""The perplexity card: perplexities of a language model on a split, beside those of a trigram model."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tang.console import tracked
from tang.data.poem_corpus import PoemCorpus
from tang.data.split import Split
from tang.data.vocabulary import EOS, UNK
from tang.evaluation.losses import TokenLosses, token_losses
from tang.evaluation.places import PLACES
from tang.evaluation.temperature import best_temperature
from tang.evaluation.titles import measure_titles
from tang.evaluation.trigram import Trigram
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
    temperature: float | None  # The best on the val split, if it was asked for
    ppl_at_temperature: float | None
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
        best = ""
        if self.temperature and self.ppl_at_temperature:
            best = f"\n  at temperature {self.temperature:<6.3f} {self.ppl_at_temperature:10.2f}   the best one for val"
        return f"""\
{path}
{self.split} split, {self.poems:,} poems

  perplexity            {self.ppl:10.2f}   over {self.tokens:,} tokens: {self.tokens_hanzi:,} Chinese characters, \
{self.tokens_punctuation:,} marks, {self.tokens_end:,} ends
  Chinese characters    {self.ppl_hanzi:10.2f}   over {self.tokens_hanzi:,}, \
{self.tokens_unknown:,} of them outside the vocabulary{titled}{best}{places}

  trigram model         {self.trigram_ppl:10.2f}   Kneser–Ney, counted in the training split
  Chinese characters    {self.trigram_ppl_hanzi:10.2f}

  with padding counted  {self.padding_counted:10.2f}   not a perplexity: every poem padded or cut to {PADDED_LENGTH},
{"":37}padding taken as certain; published figures are often this"""


def measure_perplexity(
    model: PoemModelBase, data: PoemCorpus, split: Split, precision: str = "32-true", fit_temperature: bool = False
) -> PerplexityCard:
    """The perplexity card of ``model`` on a split of its corpus ``data``."""
    poems = data.prepared.splits[split]
    losses = token_losses(model, tracked(data.loader(split), f"Evaluating on {split}"), precision)
    targets, nll = losses.targets, losses.nll
    titles = measure_titles(model, poems, data.config.batch_size, precision) if model.data.titles else None
    temperature = best_temperature(model, data.loader("val"), precision) if fit_temperature else None
    at_best = None
    if temperature:
        batches = tracked(data.loader(split), f"Evaluating on {split} at temperature {temperature:.2f}")
        at_best = token_losses(model, batches, precision, temperature).nll.mean().exp().item()
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
        ppl_titled=titles and titles.ppl,
        title_share=titles and titles.share,
        temperature=temperature,
        ppl_at_temperature=at_best,
        padding_counted=math.exp(nll[losses.positions < PADDED_LENGTH].sum().item() / (PADDED_LENGTH * len(poems))),
    )


def _by_place(losses: TokenLosses) -> dict[str, tuple[float, int]]:
    found = {}
    for place, name in enumerate(PLACES):
        nll = losses.nll[losses.places == place]
        if len(nll):
            found[name] = nll.mean().exp().item(), len(nll)
    return found
