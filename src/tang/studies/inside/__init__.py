"""What a trained LSTM language model keeps, hears and forgets, on held-out poems."""

from collections.abc import Callable

import numpy as np
import torch

from tang import checkpoint
from tang.config.studies import Inside
from tang.console import tracked
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError
from tang.evaluation.parts import Recorded, replaced
from tang.evaluation.trigram import Trigram
from tang.recurrent.auto import resolve_auto
from tang.studies.findings import Findings
from tang.studies.inside.cells import Moments, cells
from tang.studies.inside.context import context
from tang.studies.inside.echoes import echoes
from tang.studies.inside.gates import Gates, gates
from tang.studies.inside.probe import Ends, probe
from tang.studies.inside.reading import TokenList, Tokens, counted, read_poems, read_tokens
from tang.studies.inside.surprise import surprise
from tang.tasks.poem_model import PoemModel

POEMS = (  # drawn through the cells; the first one also beside the trigram model
    "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。",
    "朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。",
    "国破山河在，城春草木深。感时花溅泪，恨别鸟惊心。烽火连三月，家书抵万金。白头搔更短，浑欲不胜簪。",
)


@torch.inference_mode()
def study(options: Inside, seed: int) -> Findings:
    """Read the val split with a trained model, and take the model apart."""
    model = checkpoint.load(checkpoint.find(options.ckpt, PoemModel, "study.ckpt"), PoemModel).eval()
    recurrent, vocabulary = model.network.recurrent, model.vocabulary
    if recurrent.cell_name != "lstm":
        raise InputError(
            f"study.ckpt={options.ckpt}: its cells are {recurrent.cell_name}; take a model of model.cell=lstm"
        )
    if model.data.punctuation == "drop":
        raise InputError(f"study.ckpt={options.ckpt}: knows no marks, which show the lines; take one that does")
    recurrent.backend = resolve_auto("cpu", "auto", "32-true", recurrent.cell_name).backend
    splits = model.data_module(**options.data.given()).prepared.splits
    val = splits["val"]
    part, few = val.part(0, options.poems), val.part(0, max(1, options.poems // 5))
    drawn = sequence(vocabulary, POEMS[0])
    tokens, layers, moments, ends = observed(model, val)
    trigram = Trigram.of(splits["train"], len(vocabulary))
    of_poem = read_tokens(model, read_poems(drawn)).nll, trigram.token_losses(drawn)[1]
    chapters: list[Callable[[], Findings]] = [
        lambda: surprise(tokens, trigram.token_losses(val)[1], POEMS[0], of_poem),
        lambda: gates(layers, tokens),
        lambda: cells(model, moments, val, POEMS, options, seed),
        lambda: probe(ends, seed),
        lambda: context(model, few),
        lambda: echoes(model, part),
    ]
    found = [chapter() for chapter in tracked(chapters, "Looking inside")]
    text = "\n\n".join([f"# Inside {options.ckpt}", *(chapter.text for chapter in found)])
    return Findings(text, {name: figure for chapter in found for name, figure in chapter.figures.items()})


@torch.inference_mode()
def observed(model: PoemModel, sequences: Sequences) -> tuple[Tokens, list[Gates], Moments, Ends]:
    """What happens while the model reads: tokens, each layer's gates, the last one's cells, the ends of lines."""
    recurrent = model.network.recurrent
    layers = [Gates(recurrent.output_size) for _ in range(recurrent.layers.num_layers)]
    tokens, moments, ends = TokenList(model.vocabulary), Moments(recurrent.output_size), Ends(model)
    recorded = Recorded(recurrent)
    with replaced(model.network, "recurrent", recorded):
        for poems in tracked(list(read_poems(sequences)), "Reading held-out poems"):
            tokens.add(poems, model.nll(poems.batch))
            for layer, record in zip(layers, recorded.records, strict=True):
                layer.add(record, poems.is_token)
            last = recorded.records[-1]
            in_line = poems.is_token & (poems.batch.targets != EOS)
            moments.add(last.cell, counted(model.vocabulary, poems), in_line)
            ends.add(poems, last)
    return tokens.tokens(), layers, moments, ends


def sequence(vocabulary: Vocabulary, poem: str) -> Sequences:
    """A poem as the only one of its corpus."""
    ids = np.array([BOS, *vocabulary.encode(poem), EOS])
    return Sequences(ids, np.array([0, len(ids)]))
