"""Poems under tones and rhyme, read by a table of the test's own."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import tang.prosody.rhymes
from tang.config.model import LanguageModelConfig
from tang.data.vocabulary import SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.constraint import Constraint
from tang.generation.constraints import Acrostic, NoRepeat, Regulated
from tang.generation.poem import Poem
from tang.generation.words import Contains
from tang.tasks.network import Network
from tang.text.forms import FORMS, Form
from tang.text.script import convert
from tests.generation.models import write


@cache
def table() -> dict[str, set[str]]:
    """Character → groups, from the file itself: lines of a group's name and its characters, variants left out."""
    found = defaultdict(set)
    for line in Path(tang.prosody.rhymes.__file__).with_name("pingshui.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and "=" not in line:
            name, characters = line.split(" ")
            for character, simplified in zip(characters, convert([characters], "simplified")[0], strict=True):
                found[character].add(name)
                found[simplified].add(name)
    return found


def tones(character: str) -> set[str]:
    return {"平" if "平" in group[:2] else "仄" for group in table()[character]}


def vocabulary(rhymes: int = 10, others: int = 3) -> Vocabulary:
    """So many characters of each 平 group and of each 仄 group, in simplified script."""
    chosen: dict[str, None] = {}
    of = defaultdict(list)
    for character, groups in table().items():
        if convert([character], "simplified")[0] == character:
            for group in groups:
                of[group].append(character)
    for group, characters in of.items():
        chosen |= dict.fromkeys(characters[: rhymes if "平" in group[:2] else others])
    return Vocabulary([*SPECIALS, *"，。？！", *chosen])


@cache
def model(size: int) -> Network:
    torch.manual_seed(1)
    network = Network(size, LanguageModelConfig(hidden_size=16)).eval()
    torch.nn.init.normal_(network.head.weight)
    return network


def poems(constraints: Sequence[Constraint], known: Vocabulary, starts: Sequence[str] = ("",), form: str = "七言绝句",
          n: int = 1, temperature: float = 1.0) -> list[Poem]:  # fmt: skip
    return write(model(len(known)), known, starts, FORMS[form], constraints, n=n, temperature=temperature)


def keeps_a_pattern(lines: Sequence[str]) -> bool:
    """Each second character's tone by 对 and 粘, and in each line 2, 4 and 6 by turns, ends 仄 but where they rhyme."""
    chars = len(lines[0])
    for start in "平仄":
        wanted = start
        fits = True
        for number, line in enumerate(lines):
            wanted = {"平": "仄", "仄": "平"}[wanted] if number % 2 else wanted
            tone = wanted
            for place in range(1, chars - 1, 2):
                fits &= tones(line[place]) == {tone}
                tone = {"平": "仄", "仄": "平"}[tone]
            end = tones(line[-1])
            fits &= end == {"平"} if number % 2 else end in ({"仄"}, {"平"}) if number == 0 else end == {"仄"}
        if fits:
            return True
    return False


@pytest.mark.parametrize("temperature", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("form", FORMS)
def test_strict_tones_with_rhyme_succeed_at_the_first_try(form: str, temperature: float) -> None:
    constraints = [NoRepeat(True), Regulated(rhyme="true", tones="strict")]
    written = poems(constraints, vocabulary(), form=form, n=40, temperature=temperature)
    assert len(written) == 40
    for poem in written:
        rhyming = [*poem.lines[1::2], *([poem.lines[0]] if tones(poem.lines[0][-1]) == {"平"} else [])]
        assert all(table()[line[-1]] == {poem.rhyme} for line in rhyming), "by no rare reading"
        assert keeps_a_pattern(poem.lines)
        characters = "".join(poem.lines)
        assert len(set(characters)) >= len(characters) - sum(a == b for a, b in pairwise(characters))
        assert poem.tries == 1
    if temperature == 100:
        assert len({poem.pattern for poem in written}) >= 3
        assert len({poem.rhyme for poem in written}) >= 8


def with_rhymes(group: str, number: int) -> Vocabulary:
    """With so many characters of a group."""
    symbols, left = [], number
    for symbol in vocabulary().symbols:
        is_in = symbol not in SPECIALS and group in table().get(symbol, ())
        left -= is_in
        if not is_in or left >= 0:
            symbols.append(symbol)
    return Vocabulary(symbols)


@pytest.mark.parametrize("no_repeat", [False, True])
def test_a_group_with_just_enough_characters_is_kept_for_the_rhymes(no_repeat: bool) -> None:
    known = with_rhymes("上平一东", 4)
    network = model(len(known))
    favorite = next(known.ids[symbol] for symbol in known.symbols[9:] if "上平一东" in table()[symbol])
    network.head.bias.data[favorite] = 5.0
    constraints = [*([NoRepeat(True)] if no_repeat else []), Regulated(rhyme="东")]
    written = poems(constraints, known, form="七言律诗", n=40)
    network.head.bias.data[favorite] = 0.0
    for poem in written:
        ends = [line[-1] for line in poem.lines[1::2]]
        assert len(set(ends)) == 4
        assert all("上平一东" in table()[end] for end in ends)
        assert poem.tries == 1


def test_a_group_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="rhyme=东: 4 lines are to rhyme, but of 上平一东 the model has 3 characters"):
        poems([Regulated(rhyme="东")], with_rhymes("上平一东", 3), form="七言律诗")


def test_a_given_couplet_decides_the_pattern_and_the_rhyme() -> None:
    common = vocabulary(rhymes=200)
    known = Vocabulary([*common.symbols, *(c for c in "白日依山尽黄河入海流" if c not in common)])
    (poem,) = poems([Regulated(rhyme="true", tones="strict")], known, ["白日依山尽，黄河入海流"], "五言绝句")
    assert poem.lines[:2] == ["白日依山尽", "黄河入海流"]
    assert (poem.pattern, poem.rhyme) == ("仄起首句不入韵", "下平十一尤")
    assert "下平十一尤" in table()[poem.lines[3][-1]]


def test_loose_tones_bind_the_even_places_and_the_end() -> None:
    known = vocabulary()
    written = poems([Regulated(tones="loose")], known, form="五言绝句", n=60, temperature=100)
    for poem in written:
        for number, line in enumerate(poem.lines):
            second, fourth = tones(line[1]), tones(line[3])
            assert {"平", "仄"} == second | fourth
            assert "平" in tones(line[-1]) or number % 2 == 0
    thirds = {(line[-2:], line[2]) for poem in written for line in poem.lines}
    assert {tone for _, third in thirds for tone in tones(third)} == {"平", "仄"}


@pytest.mark.parametrize(
    ("constraint", "form", "start", "message"),
    [
        (Regulated(rhyme="月"), Form(2, 4), "", "rhyme=月: is 仄 .入六月.; poems rhyme in 平"),
        (Regulated(rhyme="true"), Form(7, 2), "", "rhyme=true: 7×2 has too few lines to rhyme"),
        (Regulated(rhyme="true"), Form(2, 4), "东月东同风月月月",
         "rhyme=true: 月 is given for line 4, character 2, where a rhyme to 同 should stand, but it is 入六月"),
        (Regulated(tones="strict"), Form(7, 4), "东东东东东月东",
         "tones=strict: 东 is given for line 1, character 2 of 仄起.*, a nearest pattern, where 仄 should stand"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_the_nearest_pattern(
    constraint: Regulated, form: Form, start: str, message: str
) -> None:
    known = Vocabulary([*vocabulary().symbols, *(c for c in "东月风同" if c not in vocabulary())])
    with pytest.raises(InputError, match=message):
        write(model(len(known)), known, [start], form, [constraint])


def test_a_form_without_patterns_has_no_tones() -> None:
    with pytest.raises(InputError, match="6×4 has no tone pattern"):
        write(model(len(vocabulary())), vocabulary(), [""], Form(6, 4), [Regulated(tones="loose")])


@pytest.mark.parametrize("decode", ["sample", "beam"])
def test_all_constraints_combine(decode: str) -> None:
    known = vocabulary()
    odd, even = (next(c for c in known.symbols[9:] if tones(c) == {tone}) for tone in "仄平")
    others = [c for c in known.symbols[9:] if tones(c) == {"平"} and table()[c] & table()[even] and c != even]
    acrostic = odd + even + odd + others[0]
    constraints = [Acrostic([acrostic], "last"), NoRepeat(True), Regulated("true", "strict"), Contains([others[1]])]
    beam_size = 6 if decode == "beam" else None
    written = write(
        model(len(known)), known, [""], FORMS["五言律诗"], constraints, n=5, decode=decode, beam_size=beam_size
    )
    for poem in written:
        assert "".join(line[-1] for line in poem.lines[:4]) == acrostic
        assert keeps_a_pattern(poem.lines)
        assert set.intersection(*(table()[line[-1]] for line in poem.lines[1::2]))
        assert poem.missing == ([] if others[1] in "".join(poem.lines) else [others[1]])


def test_constrained_poems_do_not_depend_on_the_batch_size() -> None:
    known = with_rhymes("上平一东", 5)
    constraints = [NoRepeat(True), Regulated("true", "strict"), Contains([known.symbols[30]])]
    starts = [known.symbols[20], "", known.symbols[25]]
    together, by_four = (
        write(model(len(known)), known, starts, FORMS["五言绝句"], constraints, n=9, batch_size=size)
        for size in (64, 4)
    )
    assert [poem.text for poem in together] == [poem.text for poem in by_four]
