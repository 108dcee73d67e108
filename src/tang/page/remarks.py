"""What a critique finds, at its place in the poem, with a word that says why."""

from collections.abc import Iterator
from typing import NamedTuple

from tang.prosody.critique import Critique

WHY = {
    "slip": "Level and oblique take turns in a regulated line; its second, fourth, sixth and last are bound.",
    "出韵": "The lines that rhyme all end in one group of the rhyme book.",
    "孤平": "A level character stands alone between oblique ones.",
    "三平尾": "A line shouldn't end in three level characters.",
    "三仄尾": "A line had better not end in three oblique characters; many good poems have some.",
    "失对": "The second characters of a couplet's two lines should have opposite tones.",
    "失粘": "The second characters of a couplet and of the line above it should agree, which ties couplets together.",
}
TONES = {"平": "level (平)", "仄": "oblique (仄)"}
OTHER = {"平": "仄", "仄": "平"}


class Remark(NamedTuple):
    """A remark on a line, or on a character of it; both are counted from 1."""

    line: int
    place: int | None
    kind: str  # slip, 出韵, 孤平, …
    text: str  # what is there and what should be
    why: str


def remarks(found: Critique) -> list[dict[str, str | int | None]]:
    """The remarks on a poem in the order of its lines, as the page reads them."""
    return [remark._asdict() for remark in sorted(_remarks(found), key=lambda remark: (remark.line, remark.place or 0))]


def _remarks(found: Critique) -> Iterator[Remark]:
    off_rhyme = {(number, len(found.lines[number - 1].text)) for number in found.off_rhyme}
    for slip in found.loose.slips if found.loose else []:
        if (slip.line, slip.place) in off_rhyme:  # told below, by the group that it should be in
            continue
        text = f"{slip.character} is {TONES[OTHER[slip.wanted]]}; it should be {TONES[slip.wanted]}"
        yield Remark(slip.line, slip.place, "slip", text, WHY["slip"])
    for number in found.off_rhyme:
        line = found.lines[number - 1]
        text = f"{line.text[-1]} is in {'，'.join(line.groups)}; the others rhyme in {'，'.join(found.rhyme)}"
        yield Remark(number, len(line.text), "出韵", text, WHY["出韵"])
    for number, line in enumerate(found.lines, 1):
        for fault in line.faults:
            yield Remark(number, None, fault, f"{fault} in {line.text}", WHY[fault])
    for broken in found.breaks:
        pair = "，".join(line.text for line in found.lines[broken.line - 2 : broken.line])
        yield Remark(broken.line, None, broken.kind, f"{broken.kind} in {pair}", WHY[broken.kind])
