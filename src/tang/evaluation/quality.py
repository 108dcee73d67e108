"""Quality of a set of poems of one form, by metrics to be compared with those of real and of shuffled poems.

A poem here is its text with marks, without line breaks, in the model's script. docs/verse.md defines the metrics.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, UNK, Vocabulary
from tang.evaluation import measures
from tang.evaluation.measures import Lines, Measurement
from tang.generation.overlap import Spans
from tang.generation.slots import END, INSIDE
from tang.prosody.critique import critique, repetitions
from tang.prosody.parallelism import tone_numbers
from tang.text.forms import PUNCTUATION, Form, form_of, hanzi, regulated_form, split_lines
from tang.text.script import Script

# Sequences → the ids (N,) of their tokens after <bos>, in any order, and −ln p (N,) of each
TokenLosses = Callable[[Sequences], tuple[np.ndarray, np.ndarray]]

NUMBER_FORMATS = {  # Those of the measurements that aren't printed with three decimals
    **dict.fromkeys(["form", "rhyme", "rhyme, any tone", "tones, places", "tones, poems", "regular"], ".1%"),
    **dict.fromkeys(["regular, strictly", "repetition", "lines found", "first try"], ".1%"),
    **{"longest span": ".2f", "longest of all": ".0f", "seconds": ".4f"},
}


@dataclass(frozen=True)
class QualityMetrics:
    """Measures sets of poems of one form."""

    form: Form
    script: Script
    vocabulary: Vocabulary
    spans: Spans  # Spans of the training split
    embedding: np.ndarray  # (V, E)
    losses: Mapping[str, TokenLosses]  # By the names of the models

    def measure(self, poems: Sequence[str], compared: int) -> dict[str, Measurement]:
        """All metrics of ``poems``; those that depend on the size of the set are over the first ``compared`` poems."""
        mean, script, encode = Measurement.mean, self.script, self.vocabulary.encode
        lines = [[hanzi(line) for line in split_lines(poem)] for poem in poems]
        has_form = [form_of(poem) == self.form for poem in poems]
        formed = [of_poem for of_poem, is_formed in zip(lines, has_form, strict=True) if is_formed]
        rhymes = [measures.rhyme_tones(of_poem, script) for of_poem in formed]
        matches = [measures.tone_matches(of_poem, self.form, script) for of_poem in formed]
        critiques = [critique("，".join(of_poem), script) for of_poem in formed]
        longest = self.spans.longest([encode("".join(of_poem)) for of_poem in lines])
        return {
            "form": mean(has_form),
            "rhyme": mean(None if shared is None else "平" in shared for shared in rhymes),
            "rhyme, any tone": mean(None if shared is None else bool(shared) for shared in rhymes),
            "tones, places": mean(match for of_poem in matches for match in of_poem),
            "tones, poems": mean(None if None in of_poem else all(of_poem) for of_poem in matches),
            "regular": mean(None if found.unknown else found.is_regular for found in critiques),
            "regular, strictly": mean(measures.is_strictly_regular(each, self.form, script) for each in formed),
            "distinct-1": measures.distinct(lines[:compared], 1),
            "distinct-2": measures.distinct(lines[:compared], 2),
            "repetition": mean(bool(repetitions(of_poem)[0]) for of_poem in lines),  # neighbors, 青青, count as one
            "self-similarity": measures.self_similarity(lines[:compared]),
            "lines found": mean(self.spans.has_line(encode(line)) for of_poem in lines for line in of_poem),
            "longest span": mean(longest),
            "longest of all": Measurement(float(longest.max()), len(longest)),
            "parallelism": self._parallelism(formed),
            **self._likelihoods(encoded(poems, self.vocabulary)),
        }

    def _parallelism(self, poems: Sequence[Lines]) -> Measurement:
        """Parallelism of the middle couplets of eight lines."""
        if self.form.lines != 8:
            return Measurement(None, 0)
        ids = [[self.vocabulary.encode(line) for line in lines[2:6]] for lines in poems]
        couplets = np.array(ids).reshape(-1, 2, 2, self.form.chars)
        return measures.parallelism(couplets, self.embedding, tone_numbers(self.vocabulary.symbols, self.script))

    def _likelihoods(self, sequences: Sequences) -> dict[str, Measurement]:
        """The mean ln p of a Chinese character under each model."""
        is_hanzi = np.array([id == UNK or bool(hanzi(symbol)) for id, symbol in enumerate(self.vocabulary.symbols)])
        found = {name: losses(sequences) for name, losses in self.losses.items()}
        return {f"ln p, {name}": Measurement.mean(-nll[is_hanzi[ids]]) for name, (ids, nll) in found.items()}


def encoded(poems: Sequence[str], vocabulary: Vocabulary) -> Sequences:
    """``poems`` in ids, without the marks that are not in ``vocabulary``."""
    unknown = {ord(mark): None for mark in PUNCTUATION if mark not in vocabulary}
    rows = [[BOS, *vocabulary.encode(poem.translate(unknown)), EOS] for poem in poems]
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def held_out(sequences: Sequences, vocabulary: Vocabulary, form: Form) -> list[str]:
    """The poems of a split that have ``form``, and no character outside the vocabulary.

    In a corpus without marks a poem has ``form`` if its number of characters says so, which works for the four
    regulated forms alone; it gets the form's default marks.
    """
    texts = [vocabulary.decode(ids) for ids in map(sequences.__getitem__, range(len(sequences))) if UNK not in ids]
    if not any(mark in vocabulary for mark in PUNCTUATION):
        ends = [(END if line % 2 else INSIDE)[0] for line in range(form.lines)]
        whole = [text for text in texts if regulated_form(len(text)) == form]
        texts = ["".join(text[i * form.chars :][: form.chars] + end for i, end in enumerate(ends)) for text in whole]
    return [text for text in texts if form_of(text) == form]


def shuffled(poems: Sequence[str], seed: int) -> list[str]:
    """All characters of ``poems`` in random order over all their positions, as a chance level; the marks stay."""
    order = np.random.default_rng(seed).permutation([character for poem in poems for character in hanzi(poem)])
    characters = iter(order.tolist())
    return ["".join(next(characters) if hanzi(symbol) else symbol for symbol in poem) for poem in poems]
