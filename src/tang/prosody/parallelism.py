"""Parallel lines (对仗): how alike the meanings are of the characters that face each other, by embeddings."""

from collections.abc import Sequence

import numpy as np

from tang.prosody.rhymes import Tone, tones
from tang.text.script import Script

TINY = 1e-6  # A product of two vectors' lengths below this is 0 but for rounding
_NUMBERS: dict[frozenset[Tone], int] = {frozenset(["平"]): 0, frozenset(["仄"]): 1}


def tone_numbers(symbols: Sequence[str], script: Script) -> np.ndarray:
    """(V,) 0 for characters in 平, 1 for those in 仄, 2 for those with readings of both, or none."""
    return np.array([_NUMBERS.get(tones(symbol, script), 2) for symbol in symbols])


def toneless(embedding: np.ndarray, counts: np.ndarray, tones: np.ndarray) -> np.ndarray:
    """(V, E) the embeddings, of length 1, less the mean of those of the same tone.

    Parallel lines oppose tones, and embeddings encode tones, which would hide parallel meaning.

    Args:
        counts: (V,) how often each character counts in the mean.
        tones: (V,) a number for each tone.
    """
    vectors: np.ndarray = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    for tone in np.unique(tones):
        has_tone = tones == tone
        vectors[has_tone] -= np.average(vectors[has_tone], axis=0, weights=counts[has_tone])
    return vectors


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(…) the cosines of vectors (…, E); 0 where one is 0."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    found: np.ndarray = np.divide((first * second).sum(-1), lengths, out=np.zeros(lengths.shape), where=lengths > TINY)
    return found
