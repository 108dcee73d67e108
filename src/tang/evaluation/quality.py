"""The quality of a set of poems of one form, by figures that mean something beside those of real poems and of chance.

A poem here is its text with marks, without line breaks, in the model's script. docs/verse.md defines the figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tang.data.prepare import Sequences
from tang.data.vocabulary import BOS, EOS, UNK, Vocabulary
from tang.evaluation.measures import (
    MIDDLE,
    Figure,
    Lines,
    distinct,
    fits,
    is_strictly_regular,
    parallelism,
    repeats,
    rhyme,
    self_similarity,
)
from tang.generation.overlap import Spans
from tang.generation.slots import END, INSIDE
from tang.prosody.critique import critique
from tang.prosody.rhymes import Tone, tones
from tang.text.forms import PUNCTUATION, Form, form_of, hanzi, regulated_form, split_lines
from tang.text.script import Script

Likelihood = Callable[[Sequences], tuple[np.ndarray, np.ndarray]]
"""The symbols (N,) of some sequences after their ``<bos>``, in any order, and −ln p (N,) of each."""


@dataclass(frozen=True)
class Judge:
    """What poems of one form are measured with."""

    form: Form
    script: Script
    vocabulary: Vocabulary
    spans: Spans
    """Of the training part."""
    embedding: np.ndarray
    """(V, E)."""
    likelihoods: Mapping[str, Likelihood]
    """By the models' names."""

    def figures(self, poems: Sequence[str], compared: int) -> dict[str, Figure]:
        """The figures of ``poems``; those that depend on how many there are, of the first ``compared``."""
        parts = [[hanzi(line) for line in split_lines(poem)] for poem in poems]
        is_shaped = [form_of(poem) == self.form for poem in poems]
        shaped = [lines for lines, has_form in zip(parts, is_shaped, strict=True) if has_form]
        return {
            "form": Figure.of(is_shaped),
            **self._prosody(shaped),
            "distinct-1": distinct(parts[:compared], 1),
            "distinct-2": distinct(parts[:compared], 2),
            "repetition": Figure.of(map(repeats, parts)),
            "self-similarity": self_similarity(parts[:compared]),
            **self._novelty(parts),
            "parallelism": self._parallelism(shaped),
            **self._likelihoods(poems),
        }

    def _prosody(self, poems: Sequence[Lines]) -> dict[str, Figure]:
        rhymes = [rhyme(lines, self.script) for lines in poems]
        places = [fits(lines, self.form, self.script) for lines in poems]
        critiques = [critique("，".join(lines), self.script) for lines in poems]
        return {
            "rhyme": Figure.of(None if tones is None else "平" in tones for tones in rhymes),
            "rhyme, any tone": Figure.of(None if tones is None else bool(tones) for tones in rhymes),
            "tones, places": Figure.of(place for of_poem in places for place in of_poem),
            "tones, poems": Figure.of(None if None in of_poem else all(of_poem) for of_poem in places),
            "regular": Figure.of(None if found.unknown else found.is_regular for found in critiques),
            "regular, strictly": Figure.of(is_strictly_regular(lines, self.form, self.script) for lines in poems),
        }

    def _novelty(self, poems: Sequence[Lines]) -> dict[str, Figure]:
        encode = self.vocabulary.encode
        longest = self.spans.longest([encode("".join(lines)) for lines in poems])
        return {
            "lines found": Figure.of(self.spans.has_line(encode(line)) for lines in poems for line in lines),
            "longest span": Figure.of(longest),
            "longest of all": Figure(float(longest.max()), len(longest)),
        }

    def _parallelism(self, poems: Sequence[Lines]) -> Figure:
        if self.form.lines != 8:
            return Figure(None, 0)
        ids = [[[self.vocabulary.encode(line) for line in lines[at : at + 2]] for at in MIDDLE] for lines in poems]
        couplets = np.array(ids).reshape(-1, len(MIDDLE), 2, self.form.chars)
        return parallelism(couplets, self.embedding, self._tones)

    @cached_property
    def _tones(self) -> np.ndarray:
        """(V,) 0 for 平, 1 for 仄, 2 where a character has both or no reading."""
        numbers: dict[frozenset[Tone], int] = {frozenset(["平"]): 0, frozenset(["仄"]): 1}
        return np.array([numbers.get(tones(symbol, self.script), 2) for symbol in self.vocabulary.symbols])

    def _likelihoods(self, poems: Sequence[str]) -> dict[str, Figure]:
        symbols = self.vocabulary.symbols
        is_hanzi = np.array([id == UNK or bool(hanzi(symbol)) for id, symbol in enumerate(symbols)])
        sequences = encoded(poems, self.vocabulary)
        found = {}
        for name, likelihood in self.likelihoods.items():
            targets, nll = likelihood(sequences)
            found[f"ln p, {name}"] = Figure.of(-nll[is_hanzi[targets]])
        return found


def encoded(poems: Sequence[str], vocabulary: Vocabulary) -> Sequences:
    """``poems`` as a model reads them, without the marks that it doesn't know."""
    unknown = {ord(mark): None for mark in PUNCTUATION if mark not in vocabulary}
    rows = [[BOS, *vocabulary.encode(poem.translate(unknown)), EOS] for poem in poems]
    return Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)]))


def held_out(sequences: Sequences, vocabulary: Vocabulary, form: Form) -> list[str]:
    """The poems of a part that have ``form``, and no character outside the vocabulary.

    Where the corpus is without marks, those with as many characters as ``form``, if it is one of the four
    regulated ones; they get the form's own marks.
    """
    has_marks = any(mark in vocabulary for mark in PUNCTUATION)
    texts = [vocabulary.decode(ids) for ids in map(sequences.__getitem__, range(len(sequences))) if UNK not in ids]
    if not has_marks:
        texts = [_marked(text, form) for text in texts if regulated_form(len(text)) == form]
    return [text for text in texts if form_of(text) == form]


def _marked(text: str, form: Form) -> str:
    lines = (text[begin : begin + form.chars] for begin in range(0, len(text), form.chars))
    return "".join(line + (END if number % 2 else INSIDE)[0] for number, line in enumerate(lines))


def shuffled(poems: Sequence[str], seed: int) -> list[str]:
    """Chance: all characters of ``poems`` dealt out anew over all their places; the marks stay."""
    order = np.random.default_rng(seed).permutation([character for poem in poems for character in hanzi(poem)])
    characters = iter(order.tolist())
    return ["".join(next(characters) if hanzi(symbol) else symbol for symbol in poem) for poem in poems]
