"""Write poems with a trained model: ``python src/sample.py ckpt=PATH [start=日] [form=七言绝句] [rhyme=true]``."""

import logging
from pathlib import Path

import hydra
from omegaconf import DictConfig

from tang import cli, config
from tang.generation.poem import FORMATS, SUFFIXES
from tang.generation.request import Request, request_class

config.register(sample=request_class())

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path="../conf", config_name="sample")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print poems, or write them to a file."""
    request = config.typed(cfg, Request)
    constraints = request.check()
    cli.check_output(request.out)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
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
    cli.run(main, lists=("start", "contains"))
