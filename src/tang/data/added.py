"""Poems of another corpus for the train split, without those that would give held-out poems away."""

from collections.abc import Sequence
from itertools import pairwise

from tang.corpus.clean import CleanCorpus, CleanPoem
from tang.data.split import Assignment
from tang.text.tally import Tally

LINE = 5  # Shorter lines stand in many poems


def addable(
    added: CleanCorpus, poems: Sequence[CleanPoem], splits: Sequence[Assignment], shared_lines: bool
) -> CleanCorpus:
    """The poems of ``added`` that may be trained on beside ``poems``, split as ``splits`` say.

    Left out are those with the characters of one of ``poems``, and those that share two consecutive lines with a val or
    test poem; unless ``shared_lines``, also those that share one line of five or more characters with it.
    """
    held_out = [poem for poem, assignment in zip(poems, splits, strict=True) if assignment.split != "train"]
    keys = {poem.key for poem in poems}
    lines = {line for poem in held_out for line in poem.lines if len(line) >= LINE}
    couplets = {couplet for poem in held_out for couplet in pairwise(poem.lines)}
    kept: list[CleanPoem] = []
    dropped = Tally()
    for poem in added.poems:
        own = poem.lines
        if poem.key in keys:
            dropped.add("also in the corpus they are added to", poem.text)
        elif not couplets.isdisjoint(pairwise(own)):
            dropped.add("share a couplet with a val or test poem", poem.text)
        elif not shared_lines and not lines.isdisjoint(own):
            dropped.add("share a line with a val or test poem", poem.text)
        else:
            kept.append(poem)
    dropped.update(added.dropped)
    return CleanCorpus(kept, dropped, added.removed)
