"""``--help``: every key of a script with its default, its range and its line of help, grouped as the config is."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, OmegaConf
from rich.cells import cell_len

WIDTH = 36  # Column in which the help begins
CONF = Path(__file__).parents[3] / "conf"


def help_text(script: str, purpose: str, overrides: list[str], sweeps: bool) -> str:
    """The text for ``python src/SCRIPT.py --help``; keys of a group are those of the choice in ``overrides``."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(script, overrides=overrides)
        composed = compose(script, overrides=overrides, return_hydra_config=True)
        chosen = [name for name in map(str, composed.hydra.runtime.choices) if not name.startswith("hydra/")]
        loader = GlobalHydra.instance().config_loader()
        groups = {name: loader.get_group_options(name) for name in chosen if "@" not in name}
    lines = [purpose.replace("``", "").strip(), ""]
    if groups:
        choices = [f"  {name:<11} {', '.join(options)}" for name, options in groups.items()]
        lines += ["Groups: GROUP=CHOICE", *choices, ""]
    lines += _section(cfg, "", "Keys: KEY=VALUE")
    if sweeps:
        lines.append("-m sweeps over KEY=A,B; hydra/launcher=… and hydra/sweeper=… say how: docs/sweeps.md")
    return "\n".join([*lines, "--cfg job shows the config, --hydra-help Hydra's own options"])


def _section(cfg: DictConfig, path: str, title: str) -> Iterator[str]:
    """The keys of a node of the config that have a line of help, then those of the nodes in it."""
    schema: Any = OmegaConf.get_type(cfg)
    fields = {field.name: field.metadata for field in dataclasses.fields(schema)}
    values = {name: None if OmegaConf.is_missing(cfg, name) else cfg[name] for name in map(str, cfg)}
    lines = []
    for name, value in values.items():
        if not isinstance(value, DictConfig) and (meaning := fields[name].get("help")):
            shown = f"  {path}{name}={'…' if OmegaConf.is_missing(cfg, name) else _shown(value)}"
            gap = max(1, WIDTH - cell_len(shown))
            rule = fields[name]["rule"]
            lines.append(f"{shown}{' ' * gap}{meaning}{f' ({rule.allowed})' if rule else ''}")
    if lines:
        yield from (title, *lines, "")
    for name, value in values.items():
        if isinstance(value, DictConfig):
            yield from _section(value, f"{path}{name}.", f"{path}{name}")


def _shown(value: Any) -> str:
    if isinstance(value, ListConfig):
        return f"[{','.join(map(_shown, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
