"""Ranking candidates: the best of several poems."""

from collections.abc import Sequence
from dataclasses import replace

from tang.generation.poem import Poem
from tang.prosody.critique import critique
from tang.text.script import Script


def score(poem: Poem, script: Script) -> float:
    """Mean ln p of the poem's symbols less its faults per line.

    A fault is a tone that slips from the nearest pattern taken loosely, a line that should rhyme with most others and
    doesn't, a character that comes twice, a word that was asked for and is missing. So one fault in every line weighs
    as much as symbols e times less likely.
    """
    found = critique(poem.text, script)
    unrhymed = len(found.off_rhyme) if found.rhyme else len(found.rhyming) - 1
    slips = len(found.loose.slips) if found.loose else 0
    faults = slips + unrhymed + len(found.repeated) + len(poem.missing)
    return poem.log_likelihood / len(poem.text.replace("\n", "")) - faults / len(poem.lines)


def best_of(poems: Sequence[Poem], script: Script, number: int) -> list[Poem]:
    """The ``number`` best of ``poems``, best first, with their scores."""
    scored = [replace(poem, score=score(poem, script)) for poem in poems]
    return sorted(scored, key=lambda poem: -(poem.score or 0.0))[:number]
