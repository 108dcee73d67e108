import io
import logging
import os
import subprocess
import sys

import pytest

from tang.cli.arguments import arguments, parse, plain
from tang.console import ScreenHandler, use_utf8

PLAIN = [
    ("start=日", "start='日'"),
    ("data.path=a,b.txt", "data.path='a,b.txt'"),
    ("form=七言绝句", "form='七言绝句'"),
    ("data.forms=[五言绝句,七言绝句]", "data.forms=['五言绝句','七言绝句']"),
    ("data.path=唐诗.txt", "data.path='唐诗.txt'"),
    ("ckpt=a/epoch=1-step=16.ckpt", "ckpt='a/epoch=1-step=16.ckpt'"),
    ("ckpt=~/a.ckpt", "ckpt='~/a.ckpt'"),
    ("out=it's=mine.txt", r"out='it\'s=mine.txt'"),
    ("data.dir=诗\\", r"data.dir='诗\\'"),
    ("start='日'", "start='日'"),
    ("optimizer.lr=1e-3", "optimizer.lr=1e-3"),
    ("optimizer=adam,adagrad", "optimizer=adam,adagrad"),
    ("data.forms=null", "data.forms=null"),
    ("+a.b=[1,2]", "+a.b=[1,2]"),
    ("--cfg", "--cfg"),
    ("-m", "-m"),
    ("job", "job"),
]


@pytest.mark.parametrize(("given", "ready"), PLAIN)
def test_values_are_quoted_where_hydra_needs_it(given: str, ready: str) -> None:
    assert plain(given) == ready
    if "=" in given:
        value = given.partition("=")[2]
        parsed = parse(ready)
        assert parsed is not None
        if not parsed.is_sweep_override() and not isinstance(parsed.value(), list | float | None):
            assert str(parsed.value()) == value.strip("'")


@pytest.mark.parametrize(
    ("given", "ready"),
    [("start=日,月", ["日", "月"]), ("start=[日,月]", ["日", "月"]), ("start=日", ["日"]), ("start=a,b", ["a", "b"]),
     ("start=床前明月光，,春眠", ["床前明月光，", "春眠"])],
)  # fmt: skip
def test_a_list_may_go_without_brackets(given: str, ready: object) -> None:
    parsed = parse(plain(given, lists=("start",)))
    assert parsed is not None
    value = parsed.value()
    assert ([str(item) for item in value] if isinstance(value, list) else str(value)) == ready


def test_a_sweep_over_plain_values_stays_a_sweep() -> None:
    ready = arguments(["-m", "data.path=唐诗.txt,宋词.txt", "data.forms=[五言绝句],[七言绝句]", "seed=1"])
    assert ready[1] == "data.path='唐诗.txt','宋词.txt'"
    assert ready[2] == "data.forms=['五言绝句'],['七言绝句']"
    assert all((parsed := parse(argument)) and parsed.is_sweep_override() for argument in ready[1:3])


def test_a_sweep_names_what_it_varies() -> None:
    ready = arguments(["optimizer=adam,sgd", "--multirun", "model.dropout=0", "trainer.max_steps=50"])
    assert ready[:2] == ["-m", "optimizer=adam,sgd"]
    assert ready[-1] == "hydra.job.config.override_dirname.exclude_keys=['model.dropout','trainer.max_steps']"


def test_keys_of_a_swept_group_wait_for_its_jobs() -> None:
    given = ["-m", "experiment=names_rnn,names_lstm", "data.path=名", "data.balanced=true", "hydra.sweep.dir=a"]
    ready = arguments(given)
    assert ready[1:5] == [given[1], r"data.path=choice('\'名\'')", "data.balanced=choice('true')", given[4]]
    assert ready[-1].endswith("exclude_keys=['data.path','data.balanced','hydra.sweep.dir']")
    assert arguments(["-m", "optimizer.lr=1,2", "data.batch_size=3"])[2] == "data.batch_size=3"
    assert arguments(["-m", "optimizer=adam,sgd", "experiment=tang"])[2] == "experiment=tang"
    assert arguments(["-m", "optimizer=adam,sgd", "seed=1", "hydra/sweeper=optuna"])[2] == "seed=1"


def test_chinese_goes_out_where_the_terminal_cannot_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, expected in (("ascii", "utf-8"), ("latin-1", "utf-8"), ("gbk", "gbk"), ("utf-8", "utf-8")):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        use_utf8()
        print("诗", flush=True)
        assert raw.getvalue().decode(expected) == "诗\n"


def test_arguments_are_read_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for locale, typed in (("utf-8", "utf-8"), ("ascii", "utf-8"), ("latin-1", "utf-8"), ("gbk", "gbk")):
        monkeypatch.setattr(os, "fsencode", lambda text, locale=locale: text.encode(locale, "surrogateescape"))
        seen = "start=日".encode(typed).decode(locale, "surrogateescape")
        assert arguments([seen]) == ["start='日'"]


def test_messages_go_to_the_stdout_of_the_moment(capsys: pytest.CaptureFixture[str]) -> None:
    handler = ScreenHandler()
    with pytest.MonkeyPatch.context() as patch:
        moment = io.StringIO()
        patch.setattr(sys, "stdout", moment)
        handler.emit(logging.makeLogRecord({"msg": "诗"}))
    assert moment.getvalue() == "诗\n"
    assert capsys.readouterr().out == ""


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from tang import cli; cli.output('日' * 200_000, None)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
