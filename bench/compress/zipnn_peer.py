"""Compresses a file with zipnn on one thread, checks that it comes back, and prints ratio and speed as JSON."""
import json
import sys
import time

from zipnn import ZipNN

path, dtype = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read()
peer = ZipNN(bytearray_dtype=dtype, threads=1)
started = time.perf_counter()
# It reorders the bytes that it is given in place.
packed = peer.compress(bytearray(data))
seconds = time.perf_counter() - started
if bytes(peer.decompress(packed)) != data:
    raise SystemExit("zipnn gave other bytes back")
print(json.dumps({"ratio": len(packed) / len(data), "mbPerSecond": len(data) / 1e6 / seconds}))
