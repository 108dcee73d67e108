"""End a run on several hosts when one of its processes is gone; the others would wait for it half an hour.

A collective can't tell a process that is gone from one that is busy: while rank 0 writes sample poems, all others wait
in one. So a thread of each process says every second that it lives, whatever the main thread does, and listens::

    rank 1 ◄───► rank 0 ◄───► rank 2        a TCP connection each
"""

import os
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.trainer.states import TrainerFn

from tang.errors import InputError
from tang.runs.run import RunFolder

BEAT = 1.0  # Seconds between two beats
SILENCE = 30.0  # Seconds without a beat after which a process counts as gone

ALIVE, LEAVES, ENDS = b".", b"l", b"e"  # A beat; the sender has done its part; it ends, and so must the receiver

Peers = dict[socket.socket, str]  # Connection → its process, in words


class Heartbeat(Callback):
    """Ends this process with one line and exit code 1 when another is gone; for runs on several hosts.

    The main thread may hang in a collective, and can't save: what resumes the run is the ``last.ckpt`` that is there.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._peers: Peers = {}
        self._leaves = threading.Event()
        self._thread: threading.Thread | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.num_nodes > 1:
            self._peers = connect(trainer)
            self._leaves.clear()
            self._thread = threading.Thread(target=self._watch, args=(trainer,), daemon=True, name="heartbeat")
            self._thread.start()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._leave(LEAVES)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self._peers and isinstance(exception, RuntimeError):  # of a collective, if another process has died:
            time.sleep(3 * BEAT)  # then this one ends here
        is_stopped = isinstance(exception, SystemExit) and trainer.state.fn == TrainerFn.FITTING  # as all ranks are
        self._leave(LEAVES if is_stopped else b"")

    def _leave(self, message: bytes) -> None:
        self._leaves.set()
        if self._thread:
            self._thread.join()
        for peer in self._peers:
            with suppress(OSError), peer:
                peer.send(message)
        self._peers, self._thread = {}, None

    def _watch(self, trainer: Trainer) -> None:
        name, why = self._folder.relative, watch(self._peers, self._leaves)
        if why is None:
            return
        for peer in self._peers:
            with suppress(OSError):
                peer.send(ENDS)
        if why and trainer.local_rank == 0:  # one line from each host
            where = f" in process {trainer.global_rank}" if trainer.global_rank else ""
            sys.stderr.write(f"error{where}: {name}: {why}; resume={name} resumes the run\n")
            sys.stderr.flush()
        os._exit(1)


def watch(peers: Peers, leaves: threading.Event) -> str | None:
    """Beat and listen until ``leaves`` is set: None; or until the run must end: why, "" if a peer has said so."""
    heard = dict.fromkeys(peers, time.monotonic())
    while not leaves.wait(BEAT):
        for peer in list(heard):
            with suppress(OSError):  # what it said last can still be read
                peer.send(ALIVE)
            try:
                said = peer.recv(4096)
            except BlockingIOError:
                if time.monotonic() - heard[peer] > SILENCE:
                    return f"no word from {peers[peer]} for {SILENCE:.0f} s"
                continue
            except OSError:
                said = b""
            if ENDS in said:
                return ""
            if LEAVES in said:
                del heard[peer]
            elif said:
                heard[peer] = time.monotonic()
            else:
                return f"{peers[peer]} has ended"
    return None


def connect(trainer: Trainer) -> Peers:
    """Connect rank 0 with each other rank; an InputError if that fails."""
    rank, address = trainer.global_rank, os.environ["MASTER_ADDR"]
    processes: list[Any] = [None] * trainer.world_size
    is_dual = socket.has_dualstack_ipv6()
    with socket.create_server(
        ("", 0),
        family=socket.AF_INET6 if is_dual else socket.AF_INET,
        backlog=trainer.world_size,
        dualstack_ipv6=is_dual,
    ) as server:
        name, port = f"process {rank} on {socket.gethostname()}", server.getsockname()[1]
        torch.distributed.all_gather_object(processes, (name, port))
        names, (port, *_) = zip(*processes, strict=True)
        try:
            if rank:
                peer = socket.create_connection((address, port), SILENCE)
                peer.sendall(rank.to_bytes(4, "big"))
                peers = {peer: names[0]}
            else:
                server.settimeout(SILENCE)
                connections = [server.accept()[0] for _ in names[1:]]
                peers = {peer: names[int.from_bytes(peer.recv(4), "big")] for peer in connections}
        except OSError as error:
            raise InputError(
                f"{address}:{port}: {name} couldn't connect ({error}); open all ports between the hosts of a run"
            ) from error
    for peer in peers:
        peer.setblocking(False)
    return peers
