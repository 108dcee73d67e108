"""Write and check poems in a browser: ``python src/page.py [port=8000] [ckpt=latest]``."""

from tang import cli
from tang.config.scripts import PageConfig
from tang.errors import InputError
from tang.runs.find import check_checkpoint

INSTALL = "pip install -c constraints.txt -e '.[page]'"


@cli.script(PageConfig)
def main(config: PageConfig) -> None:
    """Print the page's address, and serve it until SIGTERM or Ctrl-C."""
    check_checkpoint(config.ckpt)
    try:
        from tang.page.server import listen, serve
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} isn't installed, which the page needs: {INSTALL}") from None
    listener = listen(config.host, config.port)
    from tang import checkpoint
    from tang.kernels.hardware import keep_memory
    from tang.tasks.poem_model import PoemModel

    keep_memory()
    model = checkpoint.load(checkpoint.find(config.ckpt, PoemModel), PoemModel)
    serve(model, listener, config.host, config.ckpt)


if __name__ == "__main__":
    main()
