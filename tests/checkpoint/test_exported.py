"""The command line of ``src/export.py``, and of the scripts that read what it writes."""

from pathlib import Path

import pytest
import torch

from tests.commands import Script, fresh
from tests.commands import script as path_of
from tests.hostile.makers import classifier, content_of, language_model

pytestmark = pytest.mark.slow


def test_the_scripts_read_what_export_wrote(script: Script, tmp_path: Path) -> None:
    torch.save(content_of(language_model()), tmp_path / "poems.ckpt")
    torch.save(content_of(classifier()), tmp_path / "names.ckpt")
    requests = {
        "poems": ("sample", ["start=一", "form=五言绝句", "seed=1"]),
        "names": ("predict", ["name=Li"]),
    }
    for name, (reader, arguments) in requests.items():
        exported = script("export", f"ckpt={name}.ckpt", f"to={name}=1.safetensors")
        assert exported.returncode == 0, exported.stderr
        assert f"with its vocabulary and sizes: written to {name}=1.safetensors" in exported.stderr
        before, after = (script(reader, f"ckpt={name}{end}", *arguments) for end in (".ckpt", "=1.safetensors"))
        assert after.returncode == 0, after.stderr
        assert before.stdout == after.stdout != ""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("predict", ["name=Li"]), ("sample", ["start=一", "form=五言绝句"]), ("check", ["poem=白日依山尽"])],
)
def test_a_script_that_uses_a_model_does_not_wait_for_lightning(
    name: str, arguments: list[str], tmp_path: Path
) -> None:
    torch.save(content_of(classifier() if name == "predict" else language_model()), tmp_path / "a.ckpt")
    program = f"""
import runpy, sys
sys.argv = [{path_of(name)!r}, "ckpt=a.ckpt", *{arguments!r}]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {{"pytorch_lightning", "torchmetrics", "torch._dynamo"}} & set(sys.modules)
"""
    assert fresh(["-c", program], tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("model.bin", "to=model.bin: must be a name that ends in .safetensors"),
        ("nowhere/a.safetensors", "to=nowhere/a.safetensors: no folder nowhere"),
        ("folder.safetensors", "to=folder.safetensors: this is a folder"),
    ],
)
def test_a_wrong_target_is_refused_before_the_checkpoint_is_read(
    called: Script, tmp_path: Path, to: str, message: str
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    result = called("export", "ckpt=not-looked-at.ckpt", f"to={to}")
    assert result.returncode == 1
    assert result.stderr == f"error: {message}\n"
