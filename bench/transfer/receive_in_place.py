"""What receiving into a file on a tmpfs costs the receiver, in CPU seconds a GiB over loopback, by how its bytes get there.

    python3 bench/transfer/receive_in_place.py [FOLDER] [ROUNDS]

FOLDER lies on the tmpfs (/dev/shm); 2 GiB of memory are used. Medians; each round takes every way. Linux, Python 3.10.
"""

import mmap
import os
import resource
import socket
import statistics
import sys
import tempfile

GIB = 1 << 30
STEP = 1 << 20
POPULATED = mmap.MAP_SHARED | mmap.MAP_POPULATE


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def fill(connection: socket.socket, space: memoryview) -> None:
    if connection.recv_into(space, len(space), socket.MSG_WAITALL) != len(space):
        raise ConnectionError("The sender ended early.")


def written(connection: socket.socket, file: int) -> float:
    buffer = memoryview(mmap.mmap(-1, STEP))
    began = cpu_seconds()
    for at in range(0, GIB, STEP):
        fill(connection, buffer)
        if os.pwrite(file, buffer, at) != STEP:
            raise OSError("A short write.")
    return cpu_seconds() - began


def mapped(connection: socket.socket, file: int, flags: int, step: int, counts_mapping: bool) -> float:
    """Receives through mappings of `step` bytes, one after another."""
    seconds = 0.0
    for at in range(0, GIB, step):
        began = cpu_seconds()
        mapping = mmap.mmap(file, step, flags, offset=at)
        ready = cpu_seconds()
        with memoryview(mapping) as space:
            for start in range(0, step, STEP):
                fill(connection, space[start : start + STEP])
        received = cpu_seconds()
        mapping.close()
        seconds += cpu_seconds() - began if counts_mapping else received - ready
    return seconds


WAYS = {
    "write(2) of each MiB": written,
    "whole file mapped and pre-faulted": lambda one, file: mapped(one, file, POPULATED, GIB, True),
    "  its pre-faulting and unmapping not counted": lambda one, file: mapped(one, file, POPULATED, GIB, False),
    "each MiB mapped and pre-faulted": lambda one, file: mapped(one, file, POPULATED, STEP, True),
    "each MiB mapped, faults as bytes come": lambda one, file: mapped(one, file, mmap.MAP_SHARED, STEP, True),
}


def send(port: int) -> None:
    chunk = bytes(STEP)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(GIB // STEP):
            connection.sendall(chunk)


def measure(way, folder: str) -> float:
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryFile(dir=folder) as file:
        os.ftruncate(file.fileno(), GIB)
        sender = os.fork()
        if sender == 0:
            send(server.getsockname()[1])
            os._exit(0)
        connection, _ = server.accept()
        with connection:
            seconds = way(connection, file.fileno())
        os.waitpid(sender, 0)
    return seconds


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else "/dev/shm"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    measured = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            # The second takes the pages that the first gave back: whoever hosts a virtual machine may have to find new ones.
            measure(way, folder)
            measured[name].append(measure(way, folder))
    for name, seconds in measured.items():
        print(f"{name:46} {statistics.median(seconds):.2f}")


main()
