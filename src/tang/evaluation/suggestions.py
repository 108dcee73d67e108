"""Characters that a language model suggests for what is to mend in a poem."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

import torch
from torch import Tensor

from tang.config.scripts import MAX_SUGGESTIONS
from tang.data.batches import Batch
from tang.data.vocabulary import BOS, EOS
from tang.evaluation.likelihood import text_for
from tang.evaluation.losses import token_losses
from tang.generation.beam import search
from tang.prosody.critique import Critique
from tang.prosody.mending import fits
from tang.tasks.poem_model import PoemModelBase
from tang.text.characters import GAP_SIGN
from tang.text.forms import hanzi
from tang.text.script import convert

CANDIDATES = MAX_SUGGESTIONS  # Characters for each place with which the poem is scored
BEAM_SIZE = 64  # Prefixes kept in search of the likeliest characters for all gaps


@torch.inference_mode()
def with_suggestions(model: PoemModelBase, poem: Critique, count: int) -> Critique:
    """``poem`` with ``count`` suggestions for each place to mend: characters that fit by all their readings.

    None of them stands in the poem. Of those that the model finds likeliest after what comes before the place, they are
    the ones with which the whole poem is likeliest. In all other gaps stands what makes the likeliest poem.
    """
    if not poem.to_mend or count == 0:
        return poem
    symbols, text = model.vocabulary.symbols, text_for(model, poem)
    shown = symbols if poem.script == model.script else convert(symbols, poem.script)
    strangers = [id for id, character in enumerate(shown) if hanzi(character) and character not in poem.verse]
    ids = torch.tensor([BOS, *model.vocabulary.encode(text), EOS])
    of_characters = [slot for slot, symbol in enumerate(text, start=1) if hanzi(symbol)]
    begins = [0, *accumulate(len(line.text) for line in poem.lines)]
    slots = [of_characters[begins[mend.line - 1] + mend.place - 1] for mend in poem.to_mend]
    fitting = {
        slot: [id for id in strangers if fits(shown[id], mend.wanted, poem.script)]
        for mend, slot in zip(poem.to_mend, slots, strict=True)
    }
    if GAP_SIGN in text:
        ids[1:-1] = _without_gaps(model, text, ids[1:-1], strangers, fitting)
    features = model.network.read(ids[None].to(model.network.head.weight.device)).features
    logits = model.network.head(features[[slot - 1 for slot in slots], 0]).cpu()  # (places, V) after what comes before
    mended = []
    for mend, slot, of_symbols in zip(poem.to_mend, slots, logits, strict=True):
        of_place = torch.tensor(fitting[slot], dtype=torch.long)
        candidates = of_place[of_symbols[of_place].topk(min(CANDIDATES, len(of_place))).indices]
        scored = sorted(zip(_log_p(model, ids, slot, candidates), candidates.tolist(), strict=True), reverse=True)
        mended.append(replace(mend, suggestions={shown[id]: log_p for log_p, id in scored[:count]}))
    return replace(poem, to_mend=mended)


def _without_gaps(
    model: PoemModelBase, text: str, ids: Tensor, strangers: list[int], fitting: Mapping[int, list[int]]
) -> Tensor:
    """``ids`` (T,) of ``text`` with the likeliest characters found in its gaps, of those that fit their slot."""
    gaps = [place for place, symbol in enumerate(text) if symbol == GAP_SIGN]
    mask = torch.zeros(len(ids), len(model.vocabulary), dtype=torch.bool)
    for gap in gaps:
        mask[gap, fitting.get(gap + 1, strangers)] = True
    found = search(model.network, mask, ids.index_fill(0, torch.tensor(gaps, dtype=torch.long), -1), BEAM_SIZE)
    return ids if found.dead_end[0] >= 0 else found.ids[0]


def _log_p(model: PoemModelBase, ids: Tensor, slot: int, candidates: Tensor) -> list[float]:
    """ln p of the poem ``ids`` (T + 1,) with each of ``candidates`` (C,) in a slot."""
    if not len(candidates):
        return []
    poems = ids.repeat(len(candidates), 1)
    poems[:, slot] = candidates
    nll = token_losses(model, [Batch.of(poems, poems[:, 1:].numel())]).nll
    return nll.view(len(candidates), -1).sum(1).neg().tolist()
