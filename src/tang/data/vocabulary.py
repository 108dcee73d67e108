"""The vocabulary: characters ↔ ids."""

from collections import Counter
from collections.abc import Iterable

from tang.text.forms import LINE_END

PAD, UNK, BOS, EOS = range(4)
SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")


class Vocabulary:
    """The special symbols, then characters; a character's id is its position."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.symbols = list(symbols)
        self.ids = {symbol: id for id, symbol in enumerate(self.symbols)}
        assert tuple(self.symbols[: len(SPECIALS)]) == SPECIALS
        assert len(self.ids) == len(self.symbols), "duplicate symbol"

    @classmethod
    def build(cls, texts: Iterable[str], min_count: int = 1) -> "Vocabulary":
        """The characters that occur ``min_count`` times or more, by (-count, character)."""
        counts = Counter("".join(texts))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls([*SPECIALS, *(character for character, count in ordered if count >= min_count)])

    def with_guests(self, characters: Iterable[str]) -> "Vocabulary":
        """This vocabulary, then those of ``characters`` that it lacks, which a poem may be given."""
        guests = [character for character in dict.fromkeys(characters) if character not in self]
        return Vocabulary([*self.symbols, *guests]) if guests else self

    @property
    def begins_line(self) -> list[bool]:
        """Of each symbol, whether a line begins after it: after marks that end one, and after ``<bos>``."""
        return [symbol in (*LINE_END, SPECIALS[BOS]) for symbol in self.symbols]

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, character: str) -> bool:
        return character in self.ids

    def encode(self, text: str) -> list[int]:
        """An id for each character, ``<unk>`` for those outside the vocabulary."""
        return [self.ids.get(character, UNK) for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The characters of ``ids``, □ for ``<unk>``; ``<pad>``, ``<bos>`` and ``<eos>`` are left out."""
        return "".join("□" if id == UNK else self.symbols[id] for id in ids if id not in (PAD, BOS, EOS))
