"""From a model and a request to the poems that are shown."""

import logging
from typing import Any

from tang.config.rules import STARTS
from tang.errors import InputError
from tang.generation.generate import known_starts, write
from tang.generation.overlap import Spans
from tang.generation.poem import Poem
from tang.generation.ranking import best_of
from tang.generation.request import Wishes
from tang.generation.sampling import Settings
from tang.generation.slots import asked_form
from tang.tasks.language_model import LanguageModel
from tang.text.forms import PUNCTUATION
from tang.text.script import MARKS

log = logging.getLogger(__name__)

NO_MARKS = str.maketrans("", "", PUNCTUATION)
TEMPERATURE = 0.8
BEAM_SIZE = 8


def poems(model: LanguageModel, asked: Any) -> list[Poem]:
    """The poems for a request, ``conf/sample.yaml``, that :func:`check` has passed.

    Words that found no place are told of in the log.

    Raises:
        InputError: it can't be met.
    """
    starts = asked.start
    if starts is None:
        starts = [""] if asked.acrostic else known_starts(model.vocabulary, STARTS)
    data = model.data_module(asked.data) if asked.no_copy else None
    temperature = TEMPERATURE if asked.temperature is None else asked.temperature
    if asked.decode == "greedy":
        temperature = 0.0
    written = write(
        model.network,
        model.vocabulary,
        starts=list(starts),
        form=asked_form(asked.form, asked.chars, asked.lines),
        default_form=model.form,
        n=asked.n * asked.candidates,
        settings=Settings(temperature, asked.top_k, asked.top_p),
        seed=asked.seed,
        batch_size=asked.batch_size,
        precision=asked.precision,
        wishes=wishes(asked),
        spans=Spans.of(data.prepared.splits["train"], model.vocabulary) if data else None,
        script=model.script,
        show_progress=True,
        beam_size=asked.beam_size or BEAM_SIZE if asked.decode == "beam" else None,
    )
    if asked.candidates > 1:
        groups = [written[i : i + asked.candidates] for i in range(0, len(written), asked.candidates)]
        written = [poem for group in groups for poem in best_of(group, model.script, asked.best)]
    for poem in written:
        if poem.missing:
            words = ", ".join(poem.missing)
            log.warning("contains: %s found no place in %s…; try candidates=16 or another seed", words, poem.lines[0])
    other = asked.script not in (None, model.script)  # a text converted to its own script would come to harm
    return [poem.in_script(asked.script) for poem in written] if other else written


def wishes(asked: Any) -> Wishes:
    """The constraints among a request's keys; true and false may be written for a rhyme and for tones."""
    rhyme, tones = ((value or "").lower() for value in (asked.rhyme, asked.tones))
    return Wishes(
        rhyme={"": None, "false": None}.get(rhyme, rhyme),
        tones={"": None, "false": None, "true": "strict"}.get(tones, tones),
        acrostic="".join((asked.acrostic or "").translate(MARKS).translate(NO_MARKS).split()),
        acrostic_at=asked.acrostic_at,
        contains=tuple(asked.contains or ()),
        no_repeat=asked.no_repeat,
    )


def check(asked: Any) -> None:
    """Refuse a request that contradicts itself, or has keys that would count for nothing.

    Raises:
        InputError: it does.
    """
    for name in ("start", "rhyme", "acrostic", "contains"):
        value = asked[name]
        if value is not None and (not value or not all(part.strip() for part in value)):
            raise InputError(f"{name}= is empty: give something, or leave the key out")
    if asked.acrostic_at == "last" and not asked.acrostic:
        raise InputError("acrostic_at=last: says where the acrostic stands; give one, acrostic=春夏秋冬")
    if asked.best > asked.candidates:
        raise InputError(f"best={asked.best}: only candidates={asked.candidates} poems are written; give more of them")
    if asked.beam_size is not None and asked.decode != "beam":
        raise InputError(f"beam_size={asked.beam_size}: counts for decode=beam alone; give both or none")
    how = f"decode={asked.decode}" if asked.decode != "sample" else f"temperature={asked.temperature}"
    if asked.decode != "sample" or asked.temperature == 0:
        for name in ("top_k", "top_p", *(["temperature"] if asked.decode != "sample" else [])):
            if asked[name] is not None:
                raise InputError(f"{name}={asked[name]}: {how} draws nothing; leave one of them out")
        for name in ("candidates", *(["n"] if asked.decode != "beam" else [])):
            if asked[name] > 1:
                raise InputError(f"{name}={asked[name]}: {how} writes the same poem each time; leave one of them out")
    if asked.decode == "beam" and asked.n > (asked.beam_size or BEAM_SIZE):
        raise InputError(f"n={asked.n}: a beam of beam_size={asked.beam_size or BEAM_SIZE} has no more poems; raise it")
    for name, place in asked.data.items():
        if place is not None and not asked.no_copy:
            raise InputError(f"data.{name}={place}: only no_copy=true reads the corpus; give both or none")
