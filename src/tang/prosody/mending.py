"""What to mend in a poem: its gaps, and the characters that slip from the pattern or the rhyme of a regulated form."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tang.prosody.meter import Slip
from tang.prosody.rhymes import readings
from tang.text.characters import GAP_SIGN
from tang.text.script import Script


@dataclass(frozen=True)
class Mend:
    """A character that should be another one; line and place are counted from 1.

    Suggestions are a model's; without one there are none.
    """

    line: int
    place: int
    character: str
    wanted: list[str]  # 平 or 仄, or rhyme groups, 下平七阳, of which any will do
    suggestions: Mapping[str, float] = field(default_factory=dict)  # Character → ln p of the poem with it, best first


def to_mend(
    lines: Sequence[str],
    slips: Sequence[Slip],
    rhyme: Sequence[str],
    off_rhyme: Sequence[int],
    rhyming: Sequence[int],
    wanted: Sequence[str] | None,
) -> list[Mend]:
    """The gaps, slips and off rhymes of ``lines`` in their order, one for each place.

    Regulated poems rhyme in 平: of one that rhymes in 仄 the ends are slips, and no other rhyme would do.

    Args:
        rhyme: names of groups.
        off_rhyme, rhyming: lines of a regulated form; see :class:`~tang.prosody.critique.Critique`.
        wanted: the tones of each line in a regulated form, 中 where either may stand.
    """
    found = {(slip.line, slip.place): Mend(slip.line, slip.place, slip.character, [slip.wanted]) for slip in slips}
    for number, line in enumerate(lines, 1):
        for place in [place for place, character in enumerate(line, 1) if character == GAP_SIGN]:
            tone = wanted[number - 1][place - 1] if wanted else "中"
            found[number, place] = Mend(number, place, GAP_SIGN, ["平", "仄"] if tone == "中" else [tone])
    open_ends = [number for number in rhyming if lines[number - 1][-1] == GAP_SIGN]
    for number in [*off_rhyme, *open_ends] if rhyme and "平" in rhyme[0] else []:
        line = lines[number - 1]
        found[number, len(line)] = Mend(number, len(line), line[-1], list(rhyme))
    return [found[place] for place in sorted(found)]


def fits(character: str, wanted: Collection[str], script: Script) -> bool:
    """Whether ``character`` has readings, and each of them has a tone or a rhyme group in ``wanted``."""
    found = readings(character, script)
    return bool(found) and all(group.tone in wanted or str(group) in wanted for group in found)
