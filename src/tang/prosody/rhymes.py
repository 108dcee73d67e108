"""The rhyme book 平水韵: the rhyme groups and tones of a character.

The table, ``pingshui.txt``, is in traditional script. A character with several readings keeps them all.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from tang.errors import InputError
from tang.text.script import Script, convert

Tone = Literal["平", "仄"]
Readings = frozenset["Group"]

_LEVELS = ("上平", "下平", "上", "去", "入")  # 上平 before 上: the first that fits counts


class Group(NamedTuple):
    """One of the 106 groups."""

    name: str  # ordinal and name in simplified script, 一东; no two groups share it
    level: str  # 上平 or 下平, the two halves of the level tone; 上, 去 or 入

    @property
    def tone(self) -> Tone:
        return "平" if self.level.endswith("平") else "仄"

    def __str__(self) -> str:
        return self.level + self.name


def groups() -> tuple[Group, ...]:
    """The groups in the book's order."""
    return _table()[0]


@cache
def readings(character: str, script: Script) -> Readings:
    """The groups of ``character``; empty if the table doesn't have it.

    In simplified script they are the groups of all traditional characters that it stands for: 发 is 發 and 髮.
    """
    _, table, simplified = _table()
    # 乾 becomes 干, and yet stands in simplified text where a phrase keeps it: 乾坤.
    own = table.get(character) if script == "traditional" else simplified.get(character) or table.get(character)
    return own or simplified.get(convert([character], "simplified")[0], frozenset())


@cache
def tones(character: str, script: Script) -> frozenset[Tone]:
    """The tones of a character's readings: none, one or both."""
    return frozenset(group.tone for group in readings(character, script))


def common_groups(characters: Sequence[str], script: Script) -> Readings:
    """The groups that all ``characters`` share; none if one of them has no reading."""
    return frozenset(groups()).intersection(*(readings(character, script) for character in characters))


def level_group(name: str) -> Group:
    """The 平 group of a name, 上平十一真, 十一真 or 真, or of a character in it alone, 春; else an InputError."""
    level = [group for group in groups() if group.tone == "平"]
    simplified = convert([name.replace("聲", "").replace("声", "")], "simplified")[0]
    found = readings(name, "simplified") or readings(name, "traditional")
    named = [group for group in level if simplified in (str(group), group.name, group.name[-1])]
    named = named or [group for group in level if group in found]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(f"rhyme={name}: is in several groups; give one of {'，'.join(map(str, named))}")
    own = "，".join(str(group) for group in groups() if group in found or simplified in (str(group), group.name))
    problem = f"is 仄 ({own})" if own else "names no group"
    raise InputError(f"rhyme={name}: {problem}; poems rhyme in 平, in {'，'.join(group.name for group in level)}")


@cache
def _table() -> tuple[tuple[Group, ...], dict[str, Readings], dict[str, Readings]]:
    """The groups; the readings of each character of the table; and of each simplified one all that become it."""
    order: dict[Group, None] = {}
    table: defaultdict[str, Readings] = defaultdict(frozenset)
    for line in Path(__file__).with_name("pingshui.txt").read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):  # variants of characters that stand in rows above: 迺廼=乃
            for item in line.split():
                variants, character = item.split("=")
                for variant in variants:
                    table[variant] |= table[character]
        elif not line.startswith("#"):
            name, characters = line.split(" ")
            level = next(level for level in _LEVELS if name.startswith(level))
            group = Group(name.removeprefix(level), level)
            order[group] = None
            for character in characters:
                table[character] |= {group}
    simplified: defaultdict[str, Readings] = defaultdict(frozenset)
    for character, becomes in zip(table, convert(list(table), "simplified"), strict=True):
        simplified[becomes] |= table[character]
    return tuple(order), dict(table), dict(simplified)
