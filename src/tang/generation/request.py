"""A request for poems: the keys of ``sample.py``. Needs no PyTorch."""

from copy import copy
from dataclasses import dataclass, field, fields, make_dataclass, replace
from random import randrange
from typing import get_type_hints

from tang.config.keys import (
    FORM_NAME,
    PROBABILITY,
    SAMPLING_TEMPERATURE,
    SEED,
    SHIPPED,
    STARTS,
    TEMPERATURE,
    at_least,
    between,
    key,
    one_of,
)
from tang.config.scripts import CKPT, OVERWRITE, CorpusPaths
from tang.errors import InputError
from tang.generation.constraint import Constraint, refuse_empty
from tang.generation.constraints import CONSTRAINTS, Parallel
from tang.generation.poem import FORMATS
from tang.generation.words import Avoid
from tang.text.forms import Form, form_named
from tang.text.script import SCRIPTS

BEAM_SIZE = 8  # prefixes of a beam, unless another number is given
GAP_BEAM_SIZE = 192  # the same where there are gaps: what is likeliest at a gap's end needn't fit what follows
PARTICLES = 32
ANSWERS = 20  # to a couplet's line, unless another number is given
MAX_DRAWN = 100_000  # Seeds that are drawn are below this: short to type


@dataclass
class Request:
    """Which poems to write, how, and how to show them; :func:`request_class` adds the keys of the constraints."""

    ckpt: str = key(SHIPPED, CKPT)
    title: str | None = key(None, "what the poems are about, for models trained with data.titles=true")
    start: list[str] | None = key(None, f"how poems begin, 日 or a line or more; null: {','.join(STARTS)}")
    poem: list[str] | None = key(None, "a poem with gaps, □ for each character to be filled in, in place of start=")
    couplet: list[str] | None = key(None, "a line, 海内存知己, to be answered by a parallel one, in place of start=")
    particles: int = key(
        PARTICLES,
        "beginnings that poem= and couplet= draw and weigh, beside a beam, to find what fits",
        between(2, 100_000),
    )
    form: str | None = key(None, "null: the form of a start that is a whole line, else the model's", FORM_NAME)
    chars: int | None = key(None, "characters in a line, with lines= in place of form=", between(1, 100))
    lines: int | None = key(None, "lines, with chars= in place of form=", between(1, 1000))
    n: int | None = key(None, f"poems for each start; null: 1, of a couplet {ANSWERS}", at_least(1))
    decode: str = key("sample", "how symbols are chosen; beam: by beam search", one_of("sample", "greedy", "beam"))
    temperature: float | None = key(None, f"for decode=sample, 0 is greedy; null: {SAMPLING_TEMPERATURE}", TEMPERATURE)
    top_k: int | None = key(None, "draw from so many of the likeliest characters", at_least(1))
    top_p: float | None = key(None, "draw from the likeliest characters with this share of probability", PROBABILITY)
    beam_size: int | None = key(
        None, f"prefixes that a beam keeps; null: {BEAM_SIZE}, of poem= {GAP_BEAM_SIZE}, where 0 is none", at_least(0)
    )
    candidates: int = key(1, "write so many for each poem and keep the best", at_least(1))
    best: int = key(1, "how many candidates to keep, by likelihood, rhyme, tones and repetitions", at_least(1))
    seed: int | None = key(None, "seed of the random numbers; null: a new one, which is told", SEED)
    batch_size: int = key(256, "poems written at once; in float32 it doesn't change them", at_least(1))
    precision: str = key("32-true", "bf16-mixed may be faster; other poems", one_of("32-true", "bf16-mixed"))
    data: CorpusPaths = field(default_factory=CorpusPaths, metadata={"help": "where the corpus is now, for no_copy"})
    script: str | None = key(None, "script to show poems in; null: the model's", one_of(*SCRIPTS))
    format: str | None = key(None, "null: what the name of out= ends in, else text", one_of(*FORMATS))
    out: str | None = key(None, "a file to write to instead of the screen")
    overwrite: bool = key(False, OVERWRITE)

    @property
    def asked_form(self) -> Form | None:
        """The form given by its name or by its numbers, if any; an InputError if that is unknown, too much or half."""
        if self.form is not None:
            if self.chars is not None or self.lines is not None:
                raise InputError(f"form={self.form} and chars=, lines= exclude each other: give one")
            return form_named(self.form)
        if (self.chars is None) != (self.lines is None):
            raise InputError("chars= and lines= belong together: give both, or form=")
        return Form(self.chars, self.lines) if self.chars and self.lines else None

    @property
    def beams(self) -> int:
        """Prefixes that a beam keeps."""
        if self.beam_size is None:
            return GAP_BEAM_SIZE if self.has_gaps else BEAM_SIZE
        return self.beam_size

    @property
    def beginnings(self) -> tuple[str, list[str] | None]:
        """The key that gives the poems' texts, ``start``, ``poem`` or ``couplet``, and the texts, if any."""
        texts = {"poem": self.poem, "couplet": self.couplet}
        return next(((asked, given) for asked, given in texts.items() if given is not None), ("start", self.start))

    def with_seed(self) -> "Request":
        """The request itself, or if it has no seed, with one that is drawn."""
        return self if self.seed is not None else replace(self, seed=randrange(MAX_DRAWN))

    @property
    def has_gaps(self) -> bool:
        """Whether characters are given after others that are not: a poem's, or a couplet's last mark."""
        return self.poem is not None or self.couplet is not None

    @property
    def fills_gaps(self) -> bool:
        """Whether particles, beside a beam, fill the gaps."""
        return self.has_gaps and self.decode == "sample"

    @property
    def writes_best(self) -> bool:
        """Whether the ``n`` poems of a start are the best of many, which are written together."""
        return self.decode == "beam" or self.fills_gaps

    @property
    def used_n(self) -> int:
        """The number of poems for each start in effect."""
        return self.n or (1 if self.couplet is None else ANSWERS)

    @property
    def used_seed(self) -> int:
        """The seed in effect: 1 if none is given."""
        return 1 if self.seed is None else self.seed

    @property
    def used_temperature(self) -> float:
        """The temperature in effect: 0 unless ``decode=sample``."""
        if self.decode != "sample":
            return 0.0
        return SAMPLING_TEMPERATURE if self.temperature is None else self.temperature

    def active_constraints(self) -> list[Constraint]:
        """The constraints asked for; an InputError if keys are empty, contradict each other or would have no effect."""
        refuse_empty("start", self.start)
        refuse_empty("poem", self.poem)
        refuse_empty("couplet", self.couplet)
        refuse_empty("title", None if self.title is None else [self.title])
        _ = self.asked_form
        constraints = [kind(**{f.name: getattr(self, f.name) for f in fields(kind)}) for kind in CONSTRAINTS]
        for constraint in constraints:
            constraint.check()
        self._check_gaps()
        if self.best > self.candidates:
            raise InputError(f"best={self.best}: only candidates={self.candidates} poems are written; add some")
        if self.beam_size is not None and not self.writes_best:
            raise InputError(
                f"beam_size={self.beam_size}: has an effect with decode=beam, poem= and couplet= alone; leave it out"
            )
        if self.decode == "beam" and self.beams == 0:
            raise InputError("beam_size=0: decode=beam keeps some; leave one of them out")
        if self.decode == "beam" and self.used_n > self.beams:
            raise InputError(f"n={self.used_n}: a beam of beam_size={self.beams} has no more poems; raise it")
        if self.used_temperature == 0:
            is_sample = self.decode == "sample"
            cause = f"temperature={self.temperature}" if is_sample else f"decode={self.decode}"
            for name in ("top_k", "top_p", *([] if is_sample else ["temperature"])):
                if (value := getattr(self, name)) is not None:
                    raise InputError(f"{name}={value}: {cause} draws nothing; leave one of them out")
            for name in ("candidates", *([] if self.decode == "beam" else ["n"])):
                if (value := getattr(self, name) or 1) > 1:
                    raise InputError(f"{name}={value}: {cause} writes the same poem each time; leave one of them out")
        active = [constraint for constraint in constraints if constraint.given_keys()]
        asked_by, texts = self.beginnings
        given = {f"{asked_by}={text}": text for text in texts or []}
        given |= {str(constraint): text for constraint in active for text in constraint.texts}
        for word in next((constraint.avoid or [] for constraint in constraints if isinstance(constraint, Avoid)), []):
            for asked, text in given.items():
                if word in text:
                    raise InputError(f"avoid={word}: but {asked} asks for it; leave one of the two out")
        if not any(constraint.needs_corpus for constraint in active):
            readers = ", ".join(fields(kind)[0].name for kind in CONSTRAINTS if kind.needs_corpus)
            for name, place in self.data.given().items():
                raise InputError(f"data.{name}={place}: only {readers} reads the corpus; give both or none")
        return [*active, *([Parallel()] if self.couplet else [])]

    def _check_gaps(self) -> None:
        """Raise an InputError if a key contradicts ``poem`` or ``couplet``, or has an effect with them alone."""
        given = [name for name in ("start", "poem", "couplet") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(f"{given[0]}= and {given[1]}= exclude each other: give one")
        if not self.has_gaps:
            if self.particles != PARTICLES:
                raise InputError(
                    f"particles={self.particles}: has an effect with poem= and couplet= alone; leave it out"
                )
            return
        (asked,) = given
        if self.couplet is not None:
            for name in ("form", "chars", "lines"):
                if (value := getattr(self, name)) is not None:
                    raise InputError(f"{name}={value}: couplet= has the form of its line; leave it out")
            if self.decode == "greedy":
                raise InputError("decode=greedy: couplet= shows the best answers of many; leave it out")
        if self.decode == "sample":
            if self.temperature == 0:
                raise InputError(f"temperature=0: {asked}= draws characters; give decode=beam, or a temperature")
            for name in ("top_k", "top_p"):
                if (value := getattr(self, name)) is not None:
                    raise InputError(f"{name}={value}: has no effect with {asked}=; leave it out")
            if self.candidates > 1:
                raise InputError(f"candidates={self.candidates}: {asked}= shows the best of many; leave it out")
            if self.used_n > (most := self.particles + self.beams):
                raise InputError(f"n={self.n}: particles={self.particles} and a beam find at most {most}; raise them")


def request_class() -> type[Request]:
    """The schema of ``sample.py``: a request with the keys of all constraints."""
    # Annotations of the fields may be texts, which make_dataclass couldn't resolve.
    added = [(f.name, get_type_hints(kind)[f.name], copy(f)) for kind in CONSTRAINTS for f in fields(kind)]
    return make_dataclass("SampleRequest", added, bases=(Request,))
