"""Write poems with a trained model: ``python src/sample.py [start=日] [form=七言绝句] [rhyme=true]``."""

import logging
import sys
from pathlib import Path

from tang import cli
from tang.generation.poem import FORMATS, SUFFIXES
from tang.generation.request import Request, request_class
from tang.runs.find import check_checkpoint

log = logging.getLogger(__name__)


@cli.script(request_class())
def main(request: Request) -> None:
    """Print poems, or write them to a file."""
    constraints = request.active_constraints()
    is_given = request.seed is not None
    request = request.with_seed()
    cli.check_output(request.out, request.overwrite)
    check_checkpoint(request.ckpt)
    from tang import checkpoint
    from tang.generation.generate import generate
    from tang.kernels.hardware import keep_memory
    from tang.tasks.poem_model import PoemModel

    keep_memory()
    model = checkpoint.load(checkpoint.find(request.ckpt, PoemModel), PoemModel)
    poems = generate(model, request, constraints, show_progress=True)
    for poem in poems:
        if words := ", ".join(poem.missing):
            log.warning("contains: %s found no place in %s…; try candidates=16 or another seed", words, poem.lines[0])
    if request.used_temperature > 0 and not is_given:
        sys.stderr.write(f"seed={request.seed} writes {'it' if len(poems) == 1 else 'them'} again\n")
    name = request.format or SUFFIXES.get(Path(request.out or "").suffix, "text")
    cli.output(FORMATS[name](poems), request.out)


if __name__ == "__main__":
    main()
