"""Writes harmless models of every format with the reference libraries that are installed: harmless.py OUTPUT_FOLDER."""
import argparse, collections, datetime, decimal, importlib, io, json, os, pathlib, pickle, random, sys, warnings, zipfile

warnings.filterwarnings('ignore')
out = pathlib.Path(sys.argv[1]).absolute()
out.mkdir(parents=True, exist_ok=True)
# Some releases of onnx write external data beside the process instead of beside the model.
os.chdir(out)
missing = []


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        missing.append(name)
        return None


def put(name, data):
    (out / name).write_bytes(data)


def plain_pickles():
    values = {
        'numbers': list(range(5000)) + [1.5, -2, 10**30, True, None, 3 + 4j],
        'nested': {'a': [1, (2, {3, 4}), frozenset([5])], 'b': {'c': b'bytes', 'd': bytearray(b'x')}},
        'library': [datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), decimal.Decimal('1.5'),
                    collections.OrderedDict(a=1), collections.defaultdict(list, x=[1]), collections.Counter('aab'),
                    collections.deque([1, 2]), argparse.Namespace(lr=0.1), pathlib.PurePosixPath('/tmp/x'), range(3), slice(1, 2)],
        'text': ['c' * 10, 'os\nsystem\n', 'ünï', '(lp0\n.'] * 50,
        'recursive': None,
    }
    cycle = []
    cycle.append(cycle)
    values['recursive'] = cycle
    for name, value in values.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            put(f'plain-{name}-p{protocol}.pkl', pickle.dumps(value, protocol))
    put('concatenated.pkl', pickle.dumps(1) + pickle.dumps({'a': 2}) + pickle.dumps([3], 0))


def numpy_files(np):
    arrays = {
        'f4': np.random.rand(30, 4).astype('f4'), 'f2': np.zeros((3, 0), 'f2'), 'i8f': np.asfortranarray(np.arange(12).reshape(3, 4)),
        'scalar': np.array(3.5), 'bool': np.array([True, False]), 'c16': np.ones(3, 'c16'), 'str': np.array(['ab', 'cde']),
        'bytes': np.array([b'ab', b'c']), 'date': np.array(['2026-01-01'], 'M8[D]'), 'be': np.arange(4, dtype='>i4'),
        'struct': np.zeros(3, [('x', 'f4'), ('y', 'i4', (2, 2)), ('z', [('w', 'u1')])]), 'aligned': np.zeros(2, np.dtype([('a', 'u1'), ('b', 'f8')], align=True)),
    }
    for name, array in arrays.items():
        np.save(out / f'numpy-{name}.npy', array)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            put(f'numpy-{name}-p{protocol}.pkl', pickle.dumps({'array': array, 'item': array.flat[0] if array.size else None}, protocol))
    with open(out / 'numpy-v3.npy', 'wb') as file:
        np.lib.format.write_array(file, np.zeros(2, [('é', 'f4')]), version=(3, 0))
    np.savez(out / 'numpy.npz', **{name: array for name, array in arrays.items()})
    np.savez_compressed(out / 'numpy-compressed.npz', **arrays)
    put('numpy-random.pkl', pickle.dumps([np.random.RandomState(1), np.random.default_rng(2)]))
    put('numpy-masked.pkl', pickle.dumps(np.ma.array([1, 2], mask=[0, 1])))
    put('numpy-scalars.pkl', pickle.dumps([np.float32(1), np.int64(2), np.bool_(True), np.float64, np.dtype('O')]))
    put('numpy-objects.pkl', pickle.dumps(np.array([{'a': 1}, None, 'x'], dtype=object)))
    put('numpy-big.pkl', pickle.dumps(np.random.rand(1000, 1000), 4))


def sklearn_files(sklearn):
    import joblib
    import numpy as np
    from sklearn import cluster, compose, decomposition, ensemble, feature_extraction, gaussian_process, linear_model, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree, isotonic, mixture, model_selection, impute, feature_selection
    x = np.random.rand(60, 4)
    y = (x[:, 0] > 0.5).astype(int)
    models = [
        linear_model.LogisticRegression(), linear_model.LinearRegression(), linear_model.Ridge(), linear_model.Lasso(), linear_model.SGDClassifier(), linear_model.ElasticNetCV(cv=3),
        tree.DecisionTreeClassifier(), tree.DecisionTreeRegressor(), ensemble.RandomForestClassifier(5), ensemble.GradientBoostingClassifier(n_estimators=3),
        ensemble.HistGradientBoostingClassifier(max_iter=3), ensemble.IsolationForest(n_estimators=3), ensemble.AdaBoostClassifier(n_estimators=3),
        ensemble.ExtraTreesRegressor(3), ensemble.VotingClassifier([('a', tree.DecisionTreeClassifier()), ('b', naive_bayes.GaussianNB())]),
        svm.SVC(), svm.LinearSVC(), svm.SVR(), neighbors.KNeighborsClassifier(), neighbors.KNeighborsClassifier(algorithm='ball_tree'), neighbors.NearestNeighbors(),
        naive_bayes.GaussianNB(), naive_bayes.MultinomialNB(), cluster.KMeans(2, n_init=1), cluster.DBSCAN(), cluster.MiniBatchKMeans(2, n_init=1), decomposition.PCA(2), decomposition.TruncatedSVD(2), decomposition.NMF(2),
        neural_network.MLPClassifier(max_iter=5), gaussian_process.GaussianProcessRegressor(), isotonic.IsotonicRegression(), mixture.GaussianMixture(2),
        preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.PolynomialFeatures(), preprocessing.KBinsDiscretizer(3), preprocessing.QuantileTransformer(n_quantiles=10),
        impute.SimpleImputer(), feature_selection.SelectKBest(k=2),
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        compose.ColumnTransformer([('s', preprocessing.StandardScaler(), [0, 1])]),
        model_selection.GridSearchCV(linear_model.Ridge(), {'alpha': [0.1, 1]}, cv=2),
        preprocessing.FunctionTransformer(np.log1p),
    ]
    for index, model in enumerate(models):
        name = type(model).__name__.lower()
        model.fit(x[:, 0] if name == 'isotonicregression' else x, y)
        put(f'sklearn-{index}-{name}.pkl', pickle.dumps(model))
        joblib.dump(model, out / f'sklearn-{index}-{name}.joblib')
    vector = feature_extraction.text.TfidfVectorizer().fit(['a model of text', 'another text'])
    joblib.dump({'vector': vector, 'labels': preprocessing.LabelEncoder().fit(['x', 'y']), 'hot': preprocessing.OneHotEncoder().fit([['a'], ['b']])}, out / 'sklearn-text.joblib')
    arrays = {'a': x, 'objects': np.array(['a', None], dtype=object), 's': np.array(['x', 'yy']), 'frame': np.zeros(3, [('p', 'f4'), ('q', 'i8')])}
    joblib.dump(arrays, out / 'joblib-arrays.joblib')
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        joblib.dump(arrays, out / f'joblib-arrays-p{protocol}.joblib', protocol=protocol)
    for compress in [('zlib', 3), ('gzip', 3), ('bz2', 3), ('lzma', 3), ('xz', 3)]:
        joblib.dump(arrays, out / f'joblib-{compress[0]}.joblib', compress=compress)


def tables(pandas):
    import joblib
    frame = pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y'], 'c': pandas.to_datetime(['2020-01-01', '2021-01-01']), 'd': pandas.Categorical(['p', 'q'])})
    for protocol in {2, 4, pickle.HIGHEST_PROTOCOL}:
        put(f'pandas-{protocol}.pkl', pickle.dumps([frame, frame['a'], pandas.Series([1.0, 2.0])], protocol))
    joblib.dump(frame, out / 'pandas.joblib')


def fitted_data():
    import numpy as np
    x = np.random.rand(50, 4)
    return x, (x[:, 0] > 0.5).astype(int)


def every_estimator(sklearn):
    import joblib
    from sklearn.utils import all_estimators
    x, y = fitted_data()
    for name, make in all_estimators():
        try:
            model = make().fit(x, y)
            data = pickle.dumps(model)
        except Exception:
            continue
        put(f'estimator-{name}.pkl', data)
        joblib.dump(model, out / f'estimator-{name}.joblib')


def boosted(library, make):
    import joblib
    x, y = fitted_data()
    model = make(library).fit(x, y)
    put(f'{library.__name__}.pkl', pickle.dumps(model))
    joblib.dump(model, out / f'{library.__name__}.joblib')


def converted(skl2onnx):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    x, y = fitted_data()
    for index, model in enumerate([LogisticRegression(), RandomForestClassifier(3), make_pipeline(StandardScaler(), LogisticRegression())]):
        put(f'converted-{index}.onnx', skl2onnx.to_onnx(model.fit(x, y), x[:1].astype('f4')).SerializeToString())


def sparse(scipy):
    import numpy as np
    import scipy.sparse as sp
    matrix = np.eye(3)
    put('sparse.pkl', pickle.dumps([kind(matrix) for kind in (sp.csr_matrix, sp.csc_matrix, sp.coo_matrix, sp.lil_matrix, sp.dok_matrix, sp.csr_array)]))
    sp.save_npz(out / 'sparse.npz', sp.csr_matrix(matrix))
    np.save(out / 'objects.npy', np.array([{'a': 1}, None], dtype=object))


def torch_files(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(5, 4)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LSTM(4, 4), nn.MultiheadAttention(4, 2), nn.TransformerEncoderLayer(4, 2), nn.Embedding(3, 4), nn.Dropout())
    shared = torch.rand(10, 10)
    values = {
        'state': net.state_dict(),
        'checkpoint': {'state_dict': net.state_dict(), 'optimizer': optimizer.state_dict(), 'scheduler': scheduler.state_dict(), 'epoch': 3, 'args': argparse.Namespace(lr=0.1, name='x'), 'rng': torch.get_rng_state()},
        'lightning': {'epoch': 1, 'global_step': 2, 'pytorch-lightning_version': '2.0', 'state_dict': net.state_dict(), 'callbacks': {}, 'hyper_parameters': {'lr': 0.1}, 'loops': collections.defaultdict(dict)},
        'module': net, 'conv': conv, 'parameter': nn.Parameter(torch.rand(3)),
        'dtypes': {str(t): torch.zeros(3, dtype=t) for t in [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64]},
        'views': {'whole': shared, 'row': shared[2], 'transposed': shared.t(), 'strided': shared[::2, 1:]},
        'quantised': torch.quantize_per_tensor(torch.rand(4), 0.1, 2, torch.qint8), 'channels': torch.quantize_per_channel(torch.rand(2, 2), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8),
        'sparse': torch.eye(3).to_sparse(), 'empty': torch.zeros(0), 'scalar': torch.tensor(3.0), 'misc': [torch.float32, torch.device('cpu'), torch.Size([1, 2]), 1, 'x'],
        'lora': {'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight': torch.rand(4, 768)},
        'embedding': {'string_to_param': {'*': torch.rand(2, 768)}, 'name': 'x', 'step': 1},
    }
    for name, value in values.items():
        torch.save(value, out / f'torch-{name}.pt')
        torch.save(value, out / f'torch-{name}-legacy.pt', _use_new_zipfile_serialization=False)
        try:
            put(f'torch-{name}-plain.pkl', pickle.dumps(value))
            put(f'torch-{name}-plain-p2.pkl', pickle.dumps(value, 2))
        except Exception as error:
            print('not plain', name, error)
    for protocol in {3, 4, pickle.HIGHEST_PROTOCOL}:
        torch.save(values['checkpoint'], out / f'torch-protocol{protocol}.pt', pickle_protocol=protocol)
    torch.jit.save(torch.jit.script(nn.Sequential(nn.Linear(2, 2), nn.ReLU())), out / 'torchscript.pt')
    torch.jit.save(torch.jit.trace(nn.Conv2d(1, 1, 3), torch.rand(1, 1, 8, 8)), out / 'torchscript-trace.pt')
    dynamic = torch.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear}, torch.qint8)
    torch.save(dynamic.state_dict(), out / 'torch-dynamic-quantised.pt')
    torch.jit.save(torch.jit.script(dynamic), out / 'torchscript-quantised.pt')


def safetensors_files(safetensors):
    import numpy as np
    from safetensors.numpy import save_file
    save_file({'a': np.random.rand(4, 4).astype('f4'), 'b': np.zeros((0, 3), 'f2'), 'c': np.array(1)}, out / 'small.safetensors', {'format': 'pt', 'license': 'mit'})
    save_file({f'model.layers.{i}.self_attn.q_proj.weight': np.ones((8, 8), 'f2') for i in range(500)}, out / 'many.safetensors')
    save_file({}, out / 'none.safetensors')
    for name, dtype, data in [('bf16', 'bfloat16', b'\0' * 8), ('f8', 'float8_e4m3fn', b'\0' * 4), ('f8e5', 'float8_e5m2', b'\0' * 4), ('e8m0', 'float8_e8m0fnu', b'\0' * 4)]:
        try:
            put(f'{name}.safetensors', safetensors.serialize({'t': {'dtype': dtype, 'shape': [4], 'data': data}}))
        except Exception as error:
            print('no', name, error)
    # Every type that the installed release reads, however it wants to be asked for it.
    widths = {'BOOL': 8, 'U8': 8, 'I8': 8, 'F8_E5M2': 8, 'F8_E4M3': 8, 'F8_E8M0': 8, 'F8_E4M3FNUZ': 8, 'F8_E5M2FNUZ': 8, 'F4': 4, 'F6_E2M3': 6, 'F6_E3M2': 6, 'I16': 16, 'U16': 16, 'F16': 16, 'BF16': 16, 'I32': 32, 'U32': 32, 'F32': 32, 'I64': 64, 'U64': 64, 'F64': 64, 'C64': 64}
    for name, bits in widths.items():
        header = json.dumps({'__metadata__': {'format': 'pt'}, 't': {'dtype': name, 'shape': [4, 2], 'data_offsets': [0, bits]}}).encode()
        data = len(header).to_bytes(8, 'little') + header + b'\0' * bits
        try:
            list(safetensors.deserialize(data))
        except Exception as error:
            print('no', name, error)
        else:
            put(f'type-{name}.safetensors', data)


def gguf_files(gguf):
    import numpy as np
    writer = gguf.GGUFWriter(out / 'llama.gguf', 'llama')
    writer.add_block_count(1)
    writer.add_name('tiny')
    writer.add_license('apache-2.0')
    writer.add_token_list([f'token{i}' for i in range(3000)])
    writer.add_token_scores([0.5] * 3000)
    writer.add_chat_template("{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}")
    writer.add_array('general.tags', ['a', 'b'])
    writer.add_float32('x.rope', 1e6)
    writer.add_bool('x.flag', True)
    for index in range(3):
        writer.add_tensor(f'blk.{index}.weight', np.random.rand(32, 64).astype('f4'))
    writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
    for kind in gguf.GGMLQuantizationType:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        writer = gguf.GGUFWriter(out / f'quant-{kind.name}.gguf', 'flux')
        writer.add_tensor('double_blocks.0.img_attn.qkv.weight', np.zeros((4, size * 2), 'u1'), raw_dtype=kind)
        try:
            writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
        except Exception as error:
            print('no', kind, error)
    writer = gguf.GGUFWriter(out / 'big-endian.gguf', 'llama', endianess=gguf.GGUFEndian.BIG)
    writer.add_tensor('a', np.ones((4, 4), 'f4'))
    writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
    writer = gguf.GGUFWriter(out / 'vocabulary.gguf', 'llama')
    writer.add_token_list(['a', 'b'])
    writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.close()


def onnx_files(onnx):
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def model(initialisers, nodes=None, **options):
        nodes = nodes or [helper.make_node('MatMul', ['x', 'w'], ['y'])]
        graph = helper.make_graph(nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['n', 4])], [helper.make_tensor_value_info('y', TensorProto.FLOAT, None)], initialisers)
        return helper.make_model(graph, producer_name='bench', **options)

    weight = numpy_helper.from_array(np.random.rand(4, 4).astype('f4'), 'w')
    onnx.save(model([weight]), out / 'plain.onnx')
    onnx.save(model([weight], opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('ai.onnx.ml', 3), helper.make_opsetid('com.microsoft', 1)]), out / 'opsets.onnx')
    onnx.save(model([helper.make_tensor('w', TensorProto.FLOAT, [2, 2], [1.0, 2, 3, 4])]), out / 'typed.onnx')
    for kind in ['FLOAT16', 'BFLOAT16', 'INT8', 'UINT8', 'INT64', 'BOOL', 'DOUBLE', 'STRING']:
        values = [b'a', b'b'] if kind == 'STRING' else [1, 0]
        onnx.save(model([helper.make_tensor('w', getattr(TensorProto, kind), [2], values)]), out / f'{kind.lower()}.onnx')
    branch = helper.make_graph([helper.make_node('Constant', [], ['b'], value=numpy_helper.from_array(np.ones(2, 'f4')))], 'branch', [], [helper.make_tensor_value_info('b', TensorProto.FLOAT, [2])])
    onnx.save(model([weight], [helper.make_node('If', ['x'], ['y'], then_branch=branch, else_branch=branch)]), out / 'if.onnx')
    external = model([numpy_helper.from_array(np.random.rand(64, 64).astype('f4'), 'w')])
    onnx.save(external, out / 'external.onnx', save_as_external_data=True, location='external.onnx.data', size_threshold=0)
    for data in out.glob('external.onnx.data'):
        data.unlink()
    with_metadata = model([weight])
    entry = with_metadata.metadata_props.add()
    entry.key, entry.value = 'license', 'mit'
    onnx.save(with_metadata, out / 'metadata.onnx')
    function = helper.make_function('local', 'Twice', ['a'], ['b'], [helper.make_node('Add', ['a', 'a'], ['b'])], [helper.make_opsetid('', 17)])
    graph = helper.make_graph([helper.make_node('Twice', ['x'], ['y'], domain='local')], 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, [2])], [helper.make_tensor_value_info('y', TensorProto.FLOAT, [2])])
    onnx.save(helper.make_model(graph, functions=[function], opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('local', 1)]), out / 'function.onnx')


KERAS_CONFIG = {'module': 'keras', 'class_name': 'Sequential', 'registered_name': None, 'config': {'name': 'sequential', 'trainable': True, 'layers': [
    {'module': 'keras.layers', 'class_name': 'InputLayer', 'config': {'batch_shape': [None, 4], 'dtype': 'float32', 'name': 'input'}, 'registered_name': None},
    {'module': 'keras.layers', 'class_name': 'Dense', 'registered_name': None, 'build_config': {'input_shape': [None, 4]}, 'config': {'name': 'dense', 'trainable': True, 'units': 2, 'activation': 'relu', 'dtype': {'module': 'keras', 'class_name': 'DTypePolicy', 'config': {'name': 'float32'}, 'registered_name': None},
        'kernel_initializer': {'module': 'keras.initializers', 'class_name': 'GlorotUniform', 'config': {'seed': None}, 'registered_name': None}}}]},
    'compile_config': {'optimizer': 'adam', 'loss': 'mse', 'metrics': None}}


def keras_files(h5py):
    import numpy as np
    weights = io.BytesIO()
    with h5py.File(weights, 'w') as file:
        file.create_group('layers/dense/vars')['0'] = np.random.rand(4, 2).astype('f4')
        file['layers/dense/vars/1'] = np.zeros(2, 'f4')
    with zipfile.ZipFile(out / 'sequential.keras', 'w') as archive:
        archive.writestr('metadata.json', json.dumps({'keras_version': '3.5.0', 'date_saved': '2026-01-01@00:00:00'}))
        archive.writestr('config.json', json.dumps(KERAS_CONFIG))
        archive.writestr('model.weights.h5', weights.getvalue())
    put('weights-only.weights.h5', weights.getvalue())
    legacy = {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [{'class_name': 'InputLayer', 'config': {'batch_input_shape': [None, 4], 'dtype': 'float32', 'name': 'i'}}, {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2, 'activation': 'softmax', 'kernel_initializer': {'class_name': 'GlorotUniform', 'config': {'seed': None}}}}]}}
    for name, options in [('legacy.h5', {}), ('latest.h5', {'libver': 'latest'}), ('ordered.h5', {'track_order': True})]:
        with h5py.File(out / name, 'w', **options) as file:
            file.attrs['keras_version'] = '2.15.0'
            file.attrs['backend'] = 'tensorflow'
            file.attrs['model_config'] = json.dumps(legacy).encode()
            file.attrs['training_config'] = json.dumps({'loss': 'mse', 'metrics': [], 'optimizer_config': {'class_name': 'Adam', 'config': {'learning_rate': 0.001}}})
            group = file.create_group('model_weights')
            group.attrs['layer_names'] = [b'd']
            group['d/kernel:0'] = np.random.rand(4, 2)
            group.create_dataset('chunked', data=np.zeros((100, 100), 'f4'), chunks=(10, 10), compression='gzip')
            group.create_dataset('scalar', data=3.0)
            for index in range(40):
                group[f'many/{index}'] = np.zeros(2)


def text_files():
    put('config.json', json.dumps({'model_type': 'llama', 'hidden_size': 4096, 'nested': [1, 2.5e-3, None, True]}).encode())
    put('tokenizer.json', json.dumps({'model': {'vocab': {f'token {i}': i for i in range(20000)}}}).encode())
    put('lines.jsonl', b'{"a": 1}\n{"b": [2]}\n')
    put('not-finite.json', b'{"a": NaN, "b": -Infinity}')
    put('list.txt', b'[PAD]\n[UNK]\n{x}\n')
    put('chat.jinja', b"{% for m in messages %}{{ m['content'] | trim }}{% endfor %}")
    put('vocab.txt', '\n'.join(['[PAD]', 'the', 'ünï'] * 100).encode())
    put('README.md', b'# A model\n\nLicence: MIT\n\n```python\nimport torch\nprint(torch.load("x.pt"))\n```\nUse it well.\n')


plain_pickles()
text_files()
for name, make in [('numpy', numpy_files), ('sklearn', sklearn_files), ('sklearn', every_estimator), ('pandas', tables), ('scipy', sparse), ('skl2onnx', converted),
                   ('xgboost', lambda library: boosted(library, lambda x: x.XGBClassifier(n_estimators=2))), ('lightgbm', lambda library: boosted(library, lambda x: x.LGBMClassifier(n_estimators=2, verbose=-1))),
                   ('torch', torch_files), ('safetensors', safetensors_files), ('gguf', gguf_files), ('onnx', onnx_files), ('h5py', keras_files)]:
    module = library(name)
    if module:
        try:
            make(module)
        except Exception as error:
            print(f'{make.__name__} ended early: {type(error).__name__}: {error}', file=sys.stderr)
print(f'{len(list(out.iterdir()))} files, without: {" ".join(missing) or "nothing"}')
