"""Which of several poems is the best."""

from collections.abc import Sequence
from dataclasses import replace

from tang.generation.poem import Poem
from tang.prosody.critique import critique
from tang.text.script import Script


def score(poem: Poem, script: Script) -> float:
    """ln p of a character in the mean, less the poem's faults to the line.

    A fault is a tone that slips from the nearest pattern taken loosely, a line that should rhyme with most others and
    doesn't, a character that comes twice, a word that was asked for and is missing. So a fault in every line weighs as
    much as characters e times less likely.
    """
    found = critique(poem.text, script)
    alone = 0 if found.rhyme else len(found.rhyming) - 1
    slips = len(found.loose.slips) if found.loose else 0
    faults = slips + len(found.off_rhyme) + alone + len(found.repeated) + len(poem.missing)
    return poem.log_likelihood / len(poem.text.replace("\n", "")) - faults / len(poem.lines)


def best_of(poems: Sequence[Poem], script: Script, number: int) -> list[Poem]:
    """The best of ``poems``, best first, with their scores."""
    scored = [replace(poem, score=score(poem, script)) for poem in poems]
    return sorted(scored, key=lambda poem: -(poem.score or 0.0))[:number]
