"""Read one curve from TensorBoard's files.

TensorBoard's own reader computes the checksum of every byte in Python and keeps all curves, texts and pictures: the
files of a thousand runs take it minutes.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog

Points = list[tuple[int, float]]  # Training steps, each with the value after it

HEADER = struct.Struct("<QI")  # Of a record: its length, and a checksum of that; a checksum of the record follows it
CHECKSUM = 4  # bytes


def read_curve(files: Iterable[Path], tag: str) -> Points:
    """The finite values of a scalar in a run's files, in the order of the files.

    Where the run was resumed, points from that step on are dropped, as TensorBoard does.
    """
    points: Points = []
    for event in chain.from_iterable(map(_events, files)):
        if event.session_log.status == SessionLog.START:
            points = [(step, value) for step, value in points if step <= event.step]
        points += [(event.step + 1, value.simple_value) for value in event.summary.value if value.tag == tag]
    return [(step, value) for step, value in points if math.isfinite(value)]


def _events(file: Path) -> Iterator[Event]:
    """The events of a file, up to the first that is cut off or damaged."""
    data, begin = file.read_bytes(), 0
    while begin + HEADER.size <= len(data):
        length, _ = HEADER.unpack_from(data, begin)
        begin += HEADER.size
        if begin + length + CHECKSUM > len(data):
            return
        try:
            yield Event.FromString(data[begin : begin + length])
        except Exception:  # protobuf's, which raises many
            return
        begin += length + CHECKSUM
