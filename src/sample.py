"""Write poems with a trained model: ``python src/sample.py ckpt=PATH [start=日] [form=七言绝句] [rhyme=true]``."""

import logging
from pathlib import Path

from tang import cli
from tang.generation.poem import FORMATS, SUFFIXES
from tang.generation.request import Request, request_class

log = logging.getLogger(__name__)


@cli.script(request_class())
def main(request: Request) -> None:
    """Print poems, or write them to a file."""
    constraints = request.active_constraints()
    cli.check_output(request.out)
    from tang import checkpoint
    from tang.generation.generate import generate
    from tang.kernels.hardware import keep_memory
    from tang.tasks.language_model import LanguageModel

    keep_memory()
    model = checkpoint.load(checkpoint.find(request.ckpt, LanguageModel), LanguageModel)
    poems = generate(model, request, constraints, show_progress=True)
    for poem in poems:
        if words := ", ".join(poem.missing):
            log.warning("contains: %s found no place in %s…; try candidates=16 or another seed", words, poem.lines[0])
    name = request.format or SUFFIXES.get(Path(request.out or "").suffix, "text")
    cli.output(FORMATS[name](poems), request.out)


if __name__ == "__main__":
    main()
