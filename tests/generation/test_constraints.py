from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from tang.config.model import LanguageModelConfig
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from tang.errors import InputError
from tang.generation.constraint import Constraint
from tang.generation.constraints import Acrostic, NoCopy, NoRepeat
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.words import Avoid, Contains
from tang.tasks.network import Network
from tang.text.forms import FORMS, PUNCTUATION, Form
from tests.generation.models import write

KNOWN = Vocabulary([*SPECIALS, *PUNCTUATION, *"春夏秋冬风花雪月日山水云天地人心江河"])
QUATRAIN = FORMS["五言绝句"]


def model(favorite: str = "", by: float = 0.0) -> Network:
    torch.manual_seed(2)
    network = Network(len(KNOWN), LanguageModelConfig(hidden_size=16)).eval()
    with torch.no_grad():
        for character in favorite:
            network.head.bias[KNOWN.ids[character]] = by
    return network


def poems(constraints: Sequence[Constraint], network: Network | None = None, starts: Sequence[str] = ("",), n: int = 20,
          form: Form = QUATRAIN, **options: Any) -> list[Poem]:  # fmt: skip
    return write(network or model(), KNOWN, starts, form, constraints, n=n, **options)


def test_an_acrostic_begins_or_ends_the_lines() -> None:
    for poem in poems([Acrostic(["春夏秋冬"])]):
        assert [line[0] for line in poem.lines] == [*"春夏秋冬"]
    for poem in poems([Acrostic(["春夏"], "last")], starts=["日"]):
        assert [line[-1] for line in poem.lines[:2]] == [*"春夏"]
        assert poem.lines[0][0] == "日"


def test_words_to_avoid_stand_in_no_poem() -> None:
    likely = model("月", 3.0)
    free = poems([], likely, n=40)
    words = {word for poem in free for line in poem.lines for word in (line[0], line[1:3], line[2:5])}
    avoided = sorted(words)[::7][:12]
    assert any(word in line for word in avoided for poem in free for line in poem.lines)
    for constraints in ([Avoid(avoided)], [Acrostic([avoided[0][0] * 2]), Avoid(avoided)]):
        for poem in poems(constraints, likely, n=40):
            given = 1 if len(constraints) > 1 else 0
            assert not [word for word in avoided for line in poem.lines if word in line[given:]]


def test_a_word_is_avoided_from_both_sides_of_a_given_character() -> None:
    for poem in poems([Acrostic(["春", "夏"][:1], "last"), Avoid(["月春"])], model("月", 8.0), n=30):
        assert poem.lines[0].endswith("春")
        assert not poem.lines[0].endswith("月春")


def test_several_acrostics_are_as_many_poems() -> None:
    written = poems([Acrostic(["春夏", "秋冬"])], n=2)
    assert ["".join(line[0] for line in poem.lines[:2]) for poem in written] == ["春夏", "春夏", "秋冬", "秋冬"]


def test_an_acrostic_that_is_too_long_for_the_models_form_gets_a_longer_one() -> None:
    for acrostic, form in (("春夏秋冬", "七言绝句"), ("春夏秋冬风", "七言律诗"), ("春夏秋冬风" * 2, "7×10")):
        (poem,) = write(model(), KNOWN, [""], None, [Acrostic([acrostic])])
        assert poem.form == form
        assert "".join(line[0] for line in poem.lines)[: len(acrostic)] == acrostic


@pytest.mark.parametrize("decode", ["sample", "beam"])
def test_what_is_given_need_not_be_known_to_the_model(decode: str) -> None:
    strangers = set("张伟璟喆") - set(KNOWN.symbols)
    assert strangers == set("张伟璟喆")
    constraints = [Acrostic(["张偉"]), Contains(["月璟"]), NoRepeat(True)]
    n = 1 if decode == "beam" else 20
    for poem in poems(constraints, model("月", 1.0), ["张喆"], n=n, decode=decode):
        assert poem.lines[0][:2] == "张喆"
        assert poem.lines[1][0] == "伟", "in the model's script"
        assert poem.missing == []
        assert "月璟" in "".join(poem.lines)
        counts = {character: "".join(poem.lines).count(character) for character in strangers}
        assert counts == dict.fromkeys(strangers, 1), "they stand where they are given, and nowhere else"
        assert -1e3 < poem.log_likelihood < 0


@pytest.mark.parametrize(
    ("constraint", "start", "message"),
    [
        (Acrostic(["春夏秋冬风"]), "", "it has 5 characters, but 五言绝句 has 4 lines; give form=五言律诗"),
        (Acrostic(["春"]), "日", "春 should be character 1 of line 1, but start=日 has 日 there"),
        (Acrostic(["春a"]), "", "'a' is not a Chinese character"),
        (Acrostic(["春🌙"]), "", "is not a Chinese character"),
        (Contains(["春夏秋冬风花"]), "", "contains=春夏秋冬风花: give words of 1 to 5 characters"),
        (Contains([""]), "", "contains=: give words"),
        (Contains(["春夏秋冬"] * 6), "", "more than 五言绝句 has room for"),
    ],
)
def test_a_constraint_that_does_not_fit_is_refused(constraint: Constraint, start: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        poems([constraint], starts=[start])


def test_characters_of_the_other_script_are_the_models_own() -> None:
    (poem,) = poems([Acrostic(["風"])], n=1)
    assert poem.lines[0][0] == "风"


@pytest.mark.parametrize("words", [("月",), ("月", "江河"), ("春风", "天地人心")])
def test_words_find_their_places(words: tuple[str, ...]) -> None:
    written = poems([Contains(list(words))], n=50)
    for poem in written:
        absent = [word for word in words if not any(word in line for line in poem.lines)]
        assert poem.missing == absent
    assert sum(not poem.missing for poem in written) >= 45
    places = {poem.lines[line].find(words[0]) for poem in written for line in range(4)}
    assert len(places) >= 4, "not always at the same place"


def test_a_word_that_finds_no_place_is_named() -> None:
    (poem,) = poems([Contains(["月"])], starts=["春夏秋冬风" * 4], n=1)
    assert poem.missing == ["月"]


def test_a_word_is_not_begun_where_it_cannot_be_finished() -> None:
    written = poems([Acrostic(["日月山水"], "last"), Contains(["春夏"])], form=Form(2, 4), n=20)
    assert all(poem.missing == ["春夏"] for poem in written)
    free = poems([Acrostic(["日月山水"], "last")], form=Form(2, 4), n=20)
    assert [poem.text for poem in written] == [poem.text for poem in free]


def test_no_character_comes_twice_unless_doubled() -> None:
    known = "".join(KNOWN.symbols[len(SPECIALS) + len(PUNCTUATION) :])
    written = poems([NoRepeat(True)], model("春", 4.0), n=100, form=Form(4, 4))
    doubled = 0
    for poem in written:
        text = "".join(poem.lines)
        for character in known:
            assert text.count(character) <= 2
            if text.count(character) == 2:
                assert any(character * 2 in line for line in poem.lines)
                doubled += 1
    assert doubled > 0


def test_what_is_given_may_repeat_and_is_not_drawn_again() -> None:
    for poem in poems([Acrostic(["春春"]), NoRepeat(True)], model("春", 6.0), form=Form(4, 2)):
        assert "".join(poem.lines).count("春") == 2


def test_where_no_symbol_is_left_the_constraints_are_named() -> None:
    with pytest.raises(InputError, match="no_repeat=true: nothing is left for line 6, character 1 in 10 tries"):
        poems([NoRepeat(True)], n=1, form=Form(4, 40))


def spans(*texts: str) -> Spans:
    rows = [[BOS, *KNOWN.encode(text), EOS] for text in texts]
    return Spans.of(Sequences(np.concatenate(rows).astype(np.int32), np.cumsum([0, *map(len, rows)])), KNOWN)


def copied(poem: Poem, texts: Sequence[str], size: int) -> bool:
    """Whether so many characters in a row stand in one of the texts, marks left out."""
    mine = "".join(poem.lines)
    others = ["".join(c for c in text if c not in PUNCTUATION) for text in texts]
    return any(mine[i : i + size] in other for i in range(len(mine) - size + 1) for other in others)


def parrot() -> Network:
    """A network that knows one order of the characters: each is followed by the next."""
    torch.manual_seed(0)
    network = Network(len(KNOWN), LanguageModelConfig(hidden_size=64, tie_weights=False))
    ids = torch.arange(len(SPECIALS) + len(PUNCTUATION), len(KNOWN))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(150):
        loss = torch.nn.functional.cross_entropy(network(ids[None, :-1])[0][0], ids[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def test_nothing_is_copied() -> None:
    order = "".join(KNOWN.symbols[len(SPECIALS) + len(PUNCTUATION) :])
    network, corpus = parrot(), [f"{order[:5]}，{order[5:10]}。", order[8:]]
    free = poems([], network, starts=["春", "夏", "风"], n=5)
    assert all(copied(poem, corpus, 5) for poem in free)
    for decode in ("sample", "beam"):
        bound = poems([NoCopy(True)], network, starts=["春", "夏", "风"], n=5, spans=spans(*corpus), decode=decode)
        assert len(bound) == 15
        assert not any(copied(poem, corpus, 5) for poem in bound)
    # What is given is the user's, and nothing before it leads to a copy.
    (given,) = poems([Acrostic(["春日"]), NoCopy(True)], network, n=1, spans=spans(*corpus), temperature=0.0)
    assert not copied(given, corpus, 5)
    assert poems([NoCopy(True)], network, [order[:5]], n=1, spans=spans(*corpus))[0].lines[0] == order[:5]


def test_lines_shorter_than_a_span_are_not_copied_either() -> None:
    order = "".join(KNOWN.symbols[len(SPECIALS) + len(PUNCTUATION) :])
    corpus = [f"{order[:3]}，{order[3:6]}。"]
    network = parrot()
    form, lines = Form(3, 2), {order[:3], order[3:6]}
    assert any(set(poem.lines) & lines for poem in poems([], network, ["春"], form=form))
    bound = poems([NoCopy(True)], network, ["春"], form=form, spans=spans(*corpus))
    assert not any(set(poem.lines) & lines for poem in bound)
