"""Writes changed copies of harmless files and says which of them the reference libraries read: reference.py HARMLESS OUTPUT COUNT."""
import io, json, pathlib, pickletools, random, resource, signal, sys, warnings, zipfile

warnings.filterwarnings('ignore')
harmless, out, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
out.mkdir(parents=True, exist_ok=True)
chance = random.Random(1)
# A changed count may make a reference reader allocate or loop without end: then it does not read the file.
resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))


def too_slow(*_):
    raise TimeoutError('more than five seconds')


signal.signal(signal.SIGALRM, too_slow)


def read_safetensors(data, path):
    import safetensors
    list(safetensors.deserialize(data))


def read_gguf(data, path):
    import gguf
    gguf.GGUFReader(path)


def read_onnx(data, path):
    import onnx
    model = onnx.load_model_from_string(data)
    if not model.HasField('graph'):
        raise ValueError('no graph')


def read_npy(data, path):
    import numpy
    stream = io.BytesIO(data)
    numpy.load(stream, allow_pickle=False, max_header_size=1_000_000)


def read_zip(data, path):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.testzip() is not None:
            raise ValueError('a bad member')


def read_pickle(data, path):
    pickletools.dis(data, io.StringIO())


READERS = {'.safetensors': read_safetensors, '.gguf': read_gguf, '.onnx': read_onnx, '.npy': read_npy, '.npz': read_zip, '.pkl': read_pickle}


def change(data):
    data = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        if not data:
            break
        # Headers decide, so most changes fall into the first kilobyte.
        place = chance.randrange(min(len(data), 1024) if chance.random() < 0.8 else len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place] = chance.choice([0, 1, 0x20, 0x30, 0x7f, 0x80, 0xff])
        elif kind == 2:
            del data[place:place + chance.randint(1, 8)]
        elif kind == 3:
            data[place:place] = data[place:place + chance.randint(1, 16)]
        else:
            del data[place + 1:]
    return bytes(data)


bases = [path for path in sorted(harmless.iterdir()) if path.suffix in READERS and path.stat().st_size < 20_000]
by_kind = {suffix: [path for path in bases if path.suffix == suffix] for suffix in READERS}
for suffix, read in READERS.items():
    for index in range(count):
        base = by_kind[suffix][index % len(by_kind[suffix])]
        data = base.read_bytes() if index < len(by_kind[suffix]) else change(base.read_bytes())
        path = out / f'{index:05}{suffix}'
        path.write_bytes(data)
        signal.alarm(5)
        try:
            read(data, path)
            accepted, why = True, ''
        except BaseException as error:
            accepted, why = False, f'{type(error).__name__}: {error}'[:200]
        signal.alarm(0)
        print(json.dumps({'file': str(path), 'format': suffix[1:], 'changed': index >= len(by_kind[suffix]), 'accepted': accepted, 'why': why}))
