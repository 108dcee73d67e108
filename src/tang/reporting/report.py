"""The report of a sweep: ``report.md`` and pictures in its folder, and the same in TensorBoard."""

from pathlib import Path

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from tang.errors import InputError
from tang.reporting import optimizers
from tang.reporting.configurations import Sweep, settle, table, unfinished_table
from tang.reporting.curves import draw_curves
from tang.reporting.heat import choose_keys, draw_heat_map
from tang.reporting.parallel import draw_parallel
from tang.reporting.significance import Noise
from tang.reporting.style import drawing

PICTURES = ("curves", "heat_map", "parallel")
"""Those that a report can have."""

EVENTS = ".report"
"""How the name of TensorBoard's file ends, so that the next report finds it."""


def report(folder: Path, x: str | None = None, y: str | None = None) -> str:
    """Write the report of the sweep in ``folder``; returns it as Markdown, without the pictures.

    Args:
        folder: of the sweep.
        x, y: keys of the heat map; None: those that matter most.

    Raises:
        InputError: ``folder`` isn't that of a sweep or can't be written to, or a key didn't vary.
    """
    sweep = settle(folder)
    parts = [f"# {folder.name}", counted(sweep)]
    figures: dict[str, Figure] = {}
    if sweep.settings:
        noise = Noise(sweep)
        parts += ["## Settings, best first", table(sweep, noise.verdict)]
        parts += ["## Noise", noise.text(), *optimizers.section(sweep)]
        with drawing():
            figures, missing = draw(sweep, x, y)
        parts += missing
    if sweep.unfinished:
        parts += ["## Runs without a result", unfinished_table(sweep.unfinished)]
    text = "\n\n".join(parts) + "\n"
    write(folder, text, figures)
    return text


def counted(sweep: Sweep) -> str:
    """How many runs there are, and the best of them."""
    results = [run.result for setting in sweep.settings for run in setting.runs if run.result]
    words = f"Settings: {len(sweep.settings)}. Finished runs: {len(results)}."
    if sweep.unfinished:
        diverged = sum(run.has_diverged for run in sweep.unfinished)
        words += f" Runs without a result: {len(sweep.unfinished)}"
        words += f", {diverged} of them diverged." if diverged else "."
    best = min(results, key=lambda result: result.val_loss, default=None)
    return f"{words} Best: `{best.checkpoint}`" if best else words


def draw(sweep: Sweep, x: str | None, y: str | None) -> tuple[dict[str, Figure], list[str]]:
    """The pictures by name, and what is said of those that can't be drawn."""
    figures: dict[str, Figure] = {}
    missing = []
    if curves := draw_curves(sweep):
        figures["curves"] = curves
    else:
        missing.append("No curves: of the best settings' runs TensorBoard has no val/loss.")
    keys = choose_keys(sweep, x, y)
    finite = any(setting.is_finite for setting in sweep.settings)
    if keys and finite:
        figures["heat_map"] = draw_heat_map(sweep, *keys)
    else:
        missing.append(f"No heat map: {'of every setting a run diverged' if keys else 'it takes two keys that vary'}.")
    if len(sweep.settings) > 1 and finite:
        figures["parallel"] = draw_parallel(sweep)
    else:
        missing.append("No parallel coordinates: they take two settings, one of them with a finite loss.")
    return figures, missing


def write(folder: Path, text: str, figures: dict[str, Figure]) -> None:
    """The report's files, in place of those of an earlier one.

    Raises:
        InputError: they can't be written.
    """
    pictures = [f"![{name.replace('_', ' ')}]({name}.png)" for name in figures]
    try:
        for old in (*folder.glob(f"events.out.tfevents.*{EVENTS}"), *(folder / f"{name}.png" for name in PICTURES)):
            old.unlink(missing_ok=True)
        (folder / "report.md").write_text("\n\n".join([text.rstrip(), *pictures]) + "\n", encoding="utf-8")
        with SummaryWriter(str(folder), filename_suffix=EVENTS) as writer, drawing():
            writer.add_text("report", text)
            for name, figure in figures.items():
                figure.savefig(folder / f"{name}.png", dpi=150)
                writer.add_figure(name, figure)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror or error}; a report is put there") from error
