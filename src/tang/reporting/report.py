"""The report of a sweep: ``report.md`` and pictures in its folder, and the same in TensorBoard."""

from collections import Counter
from pathlib import Path

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from tang.errors import InputError
from tang.fonts import with_chinese
from tang.reporting import optimizers, paired
from tang.reporting.configurations import SweepResults, read_sweep, table, unfinished_table
from tang.reporting.importance import draw_importances
from tang.reporting.pictures import choose_keys, draw_curves, draw_heat_map, draw_parallel
from tang.runs.sweep import SweepFolder

PICTURES = ("curves", "heat_map", "parallel", "importances")  # Names of the pictures that a report can have


def write_report(folder: Path, x: str | None = None, y: str | None = None) -> str:
    """Write the report of the sweep in ``folder``; return it as Markdown, without the pictures.

    The heat map is over the keys ``x`` and ``y``, by default those with the largest effects. An InputError if
    ``folder`` isn't a sweep's or can't be written to, or a key didn't vary.
    """
    sweep = read_sweep(folder)
    parts = [f"# {folder.name}", *missing(SweepFolder(folder)), counts(sweep)]
    pictures: dict[str, Figure | str] = {}
    with with_chinese():
        if sweep.configurations:
            parts += ["## Configurations, best first", table(sweep), *paired.section(sweep), *optimizers.section(sweep)]
            pictures = draw(sweep, x, y)
            if SweepFolder(folder).is_search:
                pictures["importances"] = draw_importances(SweepFolder(folder))
            parts += [reason for reason in pictures.values() if isinstance(reason, str)]
        if sweep.unfinished:
            parts += ["## Runs that didn't train to their end", unfinished_table(sweep.unfinished)]
        text = "\n\n".join(parts) + "\n"
        save(folder, text, {name: figure for name, figure in pictures.items() if isinstance(figure, Figure)})
    return text


def missing(folder: SweepFolder) -> list[str]:
    """A sentence on runs that never began, and the command that runs them, if there are any."""
    planned, begun = folder.planned(), len(folder.run_folders())
    if planned is None or planned <= begun:
        return []
    command = f"python src/train.py -m resume={folder.path}"
    return [f"The sweep isn't complete: {planned - begun} of {planned} runs never began; `{command}` runs them."]


def counts(sweep: SweepResults) -> str:
    """The numbers of configurations and runs, and the checkpoint of the best run."""
    results = [run.result for configuration in sweep.configurations for run in configuration.runs if run.result]
    text = f"Configurations: {len(sweep.configurations)}. Finished runs: {len(results)}."
    if sweep.unfinished:
        kinds = Counter(run.status.partition(":")[0] for run in sweep.unfinished)
        text += f" Others: {', '.join(f'{number} {kind}' for kind, number in kinds.items())}."
    if results:
        text += f" Best: `{min(results, key=lambda result: result.val_loss).checkpoint}`"
    return text


def draw(sweep: SweepResults, x: str | None, y: str | None) -> dict[str, Figure | str]:
    """Each picture by its name, or a sentence why it can't be drawn."""
    has_finite, keys = any(each.is_finite for each in sweep.configurations), choose_keys(sweep, x, y)
    curves = draw_curves(sweep) or "No curves: TensorBoard has no val/loss of the best configurations."
    heat_map: Figure | str = "No heat map: it takes two keys that vary."
    if keys:
        diverged = "No heat map: every configuration has a run that diverged."
        heat_map = draw_heat_map(sweep, *keys) if has_finite else diverged
    parallel: Figure | str = "No parallel coordinates: they take two configurations, one of them with a finite loss."
    if len(sweep.configurations) > 1 and has_finite:
        parallel = draw_parallel(sweep)
    return {"curves": curves, "heat_map": heat_map, "parallel": parallel}


def save(folder: Path, text: str, figures: dict[str, Figure]) -> None:
    """Write the report's files, and remove those of an earlier report; InputError if that fails."""
    files = SweepFolder(folder)
    pictures = [f"![{name.replace('_', ' ')}]({files.picture(name).name})" for name in figures]
    try:
        for old in (*files.report_events, *map(files.picture, PICTURES)):
            old.unlink(missing_ok=True)
        files.report.write_text("\n\n".join([text.rstrip(), *pictures]) + "\n", encoding="utf-8")
        with SummaryWriter(str(folder), filename_suffix=files.REPORT_SUFFIX) as writer:
            writer.add_text("report", text)
            for name, figure in figures.items():
                figure.savefig(files.picture(name), dpi=150)
                writer.add_figure(name, figure)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror or error}; the report goes there") from error
