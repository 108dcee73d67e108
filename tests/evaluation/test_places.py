import torch

from tang.data.batches import Batch
from tang.data.vocabulary import BOS, EOS, PAD, Vocabulary
from tang.evaluation.places import PLACES, Places

KNOWN = Vocabulary.build(["日照月明山水风花，。、"])


def test_every_token_of_a_poem_has_its_place() -> None:
    poem = "日照，月、明。山水，风花日。日照，月。"
    ids = [*KNOWN.encode("花"), BOS, *KNOWN.encode(poem), EOS, PAD]
    batch = Batch.of(torch.tensor([ids]), 0)
    places = Places(KNOWN, torch.device("cpu")).of(batch)[0].tolist()
    even, odd, first, second, third, later, mark, end = PLACES
    expected = [
        *(first, odd, mark),
        *(second, mark, even, mark),
        *(third, odd, mark),
        *(third, third, even, mark),
        *(later, odd, mark),
        *(even, mark),
        end,
    ]
    assert [PLACES[place] for place in places[1:-1]] == expected


def test_a_last_line_without_a_mark_ends_nowhere() -> None:
    batch = Batch.of(torch.tensor([[BOS, *KNOWN.encode("日照，月明"), EOS]]), 0)
    places = Places(KNOWN, torch.device("cpu")).of(batch)[0].tolist()
    assert [PLACES[place] for place in places[-3:]] == ["within line 2", "within line 2", "ends of poems"]
