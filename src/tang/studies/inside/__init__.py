"""What a trained LSTM language model keeps, hears and forgets, on held-out poems."""

import numpy as np
import torch

from tang import checkpoint
from tang.config.studies import Inside
from tang.console import tracked
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError
from tang.evaluation.trigram import Trigram
from tang.recurrent.auto import resolve_auto
from tang.studies.findings import Findings
from tang.studies.inside.cells import Moments, cells
from tang.studies.inside.context import context
from tang.studies.inside.echoes import echoes
from tang.studies.inside.gates import Gates, gates
from tang.studies.inside.parts import Recorded, replaced
from tang.studies.inside.probe import Ends, probe
from tang.studies.inside.reading import TokenList, places_and_lines, read_poems, read_tokens
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
    path = checkpoint.find(options.ckpt, PoemModel, "study.ckpt")
    model = checkpoint.load(path, PoemModel).eval()
    network, vocabulary = model.network, model.vocabulary
    if network.recurrent.cell_name != "lstm":
        raise InputError(
            f"study.ckpt={path}: its cell is {network.recurrent.cell_name}; take a model of model.cell=lstm"
        )
    if model.data.punctuation == "drop":
        raise InputError(f"study.ckpt={path}: knows no marks, which show the lines; take one of data.punctuation=keep")
    network.recurrent.backend = resolve_auto("cpu", "auto", "32-true", "lstm").backend
    splits = model.data_module(**options.data.given()).prepared.splits
    val = splits["val"]

    size, num_layers = network.recurrent.output_size, network.recurrent.layers.num_layers
    layers, moments, ends = [Gates(size) for _ in range(num_layers)], Moments(size), Ends(model)
    tokens = TokenList(vocabulary)
    recorded = Recorded(network.recurrent)
    with replaced(network, "recurrent", recorded):
        for poems in tracked(list(read_poems(val)), "held-out poems"):
            tokens.add(poems, model.nll(poems.batch))
            for layer, record in zip(layers, recorded.records, strict=True):
                layer.add(record, poems.is_token)
            moments.add(recorded.records[-1].cell, places_and_lines(vocabulary, poems.batch.inputs), poems.is_token)
            ends.add(poems, recorded.records[-1])
    found = tokens.tokens()
    trigram = Trigram.of(splits["train"], len(vocabulary))
    part, few = val.part(0, options.poems), val.part(0, max(1, options.poems // 5))
    of_poem = [
        read_tokens(model, read_poems(one(vocabulary, POEMS[0]))).nll,
        trigram.token_losses(one(vocabulary, POEMS[0]))[1],
    ]
    chapters = [
        surprise(found, trigram.token_losses(val)[1], POEMS[0], (of_poem[0][:-1], of_poem[1][:-1])),
        gates(layers, len(found.nll) / len(np.unique(found.poem * 1000 + found.line)), len(found.nll) / len(val)),
        cells(model, moments, val, list(POEMS), options, seed),
        probe(ends, seed),
        context(model, few),
        echoes(model, part, read_tokens(model, read_poems(part))),
    ]
    text = "\n\n".join([f"# Inside {path}", *(chapter.text for chapter in chapters)])
    return Findings(text, {name: figure for chapter in chapters for name, figure in chapter.figures.items()})


def one(vocabulary: Vocabulary, poem: str) -> Sequences:
    """A poem as the only one of its corpus."""
    ids = np.array([BOS, *vocabulary.encode(poem), EOS])
    return Sequences(ids, np.array([0, len(ids)]))
