"""Writes further harmless files with whatever libraries are installed: libraries.py OUTPUT_FOLDER."""
import collections, datetime, fractions, io, json, os, pathlib, pickle, sys, tarfile, uuid, warnings, zipfile
warnings.filterwarnings('ignore')
os.environ['TF_CPP_MIN_LOG_LEVEL']='3'
out=pathlib.Path(sys.argv[1]).absolute(); out.mkdir(parents=True,exist_ok=True)
os.chdir(out)
def put(n,d): (out/n).write_bytes(d)
def attempt(f):
    try: f()
    except ImportError as e: print('-', f.__name__, e)
    except Exception as e: print('!', f.__name__, type(e).__name__, str(e)[:150])
def stdlib():
    vals={'fraction':fractions.Fraction(1,3),'uuid':uuid.UUID(int=5),'dates':[datetime.date(2020,1,2),datetime.timedelta(3),datetime.time(1,2)],'complex':[1j,range(2,9,3)],
      'named':collections.ChainMap({'a':1}),'big':10**500,'bytes':[b'\x80\x04K\x01.']*3,'emptybytes':b'','strs':['os.system','eval(x)','__import__'],'neg':[-1,-2**40,-2**70],'floats':[float('inf'),float('nan'),1e-300],
      'shared':(lambda a:[a]*1000)(['x'*100]),'deep':(lambda f:f(f,200))(lambda f,n:[f(f,n-1)] if n else []),'manykeys':{f'layer.{i}.weight':[i]*3 for i in range(5000)},'vocab':{f'tok{i}':i for i in range(120000)},
      'userdict':collections.UserDict(a=1),'exc':ValueError('x'),'slice':slice(1,2,3),'ell':[...,NotImplemented],'types':[int,float,str,dict,list,tuple,set,bytes,bool,complex,type(None),object],'func':[len,max,sorted],'env':{'PATH':'/usr/bin'}}
    for n,v in vals.items():
        for p in (0,2,4,pickle.HIGHEST_PROTOCOL):
            try: put(f'std-{n}-{p}.pkl',pickle.dumps(v,p))
            except Exception as e: print('std',n,e)
    put('empty-list.pkl',pickle.dumps([])); put('none.pkl',pickle.dumps(None))
    b=io.BytesIO()
    with zipfile.ZipFile(b,'w',zipfile.ZIP_DEFLATED) as z:
        z.writestr('config.json','{}'); z.writestr('weights/a.bin',b'\0'*1000); z.writestr('README.md','# hi')
    put('plain.zip',b.getvalue())
    b=io.BytesIO()
    with tarfile.open(fileobj=b,mode='w:gz') as t:
        for n,d in (('model/config.json',b'{}'),('model/vocab.txt',b'a\nb\n')):
            i=tarfile.TarInfo(n); i.size=len(d); t.addfile(i,io.BytesIO(d))
    put('plain.tar.gz',b.getvalue())
def npy():
    import numpy as np
    for dt in '?bBhHiIlLqQefdgFDG': np.save(out/f'np-{dt if dt.islower() else dt+"_up"}.npy',np.zeros((3,2),dt))
    for p in (2,4): put(f'np-misc-{p}.pkl',pickle.dumps({'a':np.arange(10),'b':np.float32(1.5),'c':np.array(['x','y']),'d':np.datetime64('2020-01-01'),'e':np.dtype('>f4'),'f':np.ma.masked_array([1,2],[0,1]),'g':np.matrix([[1]]),'h':np.rec.array([(1,2.)],dtype=[('a','i4'),('b','f8')]),'i':np.random.RandomState(3),'j':np.bool_(1),'k':np.str_('x'),'l':np.bytes_(b'x'),'m':np.complex64(1),'n':np.zeros((2,2),order='F'),'o':np.array(None),'p':np.arange(3)[::-1],'q':np.void(b'abc'),'r':np.poly1d([1,2])},p))
    np.savez(out/'np-obj.npz',a=np.array([1,'x',None],dtype=object),b=np.arange(3))
    np.savez_compressed(out/'np-many.npz',**{f'w{i}':np.random.rand(20,20) for i in range(60)})
    r=np.random.default_rng(5); put('np-rng.pkl',pickle.dumps([r,np.random.Generator(np.random.MT19937(1)),np.random.Generator(np.random.Philox(1)),np.random.SeedSequence(4)]))
    rec=np.array([(1,'abc',[1,2,3])],dtype=[('id','i4'),('name','U10'),('v','f4',(3,))]); np.save(out/'np-struct.npy',rec); put('np-struct.pkl',pickle.dumps(rec))
    put('np-object2.pkl',pickle.dumps([np.array([np.arange(3),{'a':np.float64(2)}],dtype=object)]))
    put('np-buffers.pkl',pickle.dumps(np.arange(100000).reshape(100,1000).astype('f4'),pickle.HIGHEST_PROTOCOL))
def joblibs():
    import joblib, numpy as np
    data={'w':np.random.rand(300,30),'names':np.array(['a','bb'],dtype=object),'empty':np.zeros((0,3)),'f':np.asfortranarray(np.random.rand(5,6)),'scalar':np.array(3.0),'i':[1,2,{'x':np.arange(4)}],'s':np.array(['x','y']),'m':np.ma.masked_array([1.],[True]),'big':np.random.randint(0,255,(100,100)).astype('u1')}
    joblib.dump(data,out/'jl.joblib')
    for c in [('zlib',3),('gzip',3),('bz2',3),('lzma',3),('xz',3),('lz4',3)]:
        try: joblib.dump(data,out/f'jl-{c[0]}.joblib',compress=c)
        except Exception as e: print('joblib',c,e)
    joblib.dump(data,out/'jl-9.pkl.gz',compress=9)
    joblib.dump([data,{'n':np.float32(1)}],out/'jl-list.pkl',protocol=2)
def sk():
    import numpy as np, joblib, sklearn
    from sklearn import pipeline,preprocessing,linear_model,ensemble,svm,feature_extraction,compose,model_selection,multioutput,multiclass,calibration,decomposition,cluster,neighbors,tree,naive_bayes,neural_network,feature_selection,metrics,discriminant_analysis,kernel_approximation,manifold,covariance,impute
    x=np.random.rand(80,5);y=(x[:,0]>.5).astype(int)
    ms={'pipe':pipeline.Pipeline([('p',preprocessing.PolynomialFeatures(2)),('s',preprocessing.StandardScaler()),('c',linear_model.LogisticRegression())]),
     'union':pipeline.make_pipeline(pipeline.FeatureUnion([('a',decomposition.PCA(2)),('b',feature_selection.SelectKBest(k=1))]),svm.SVC(probability=True)),
     'grid':model_selection.GridSearchCV(ensemble.RandomForestClassifier(),{'n_estimators':[2,3]},cv=2),'rand':model_selection.RandomizedSearchCV(tree.DecisionTreeClassifier(),{'max_depth':[1,2]},n_iter=2,cv=2),
     'ovr':multiclass.OneVsRestClassifier(svm.LinearSVC()),'cal':calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(),cv=2),'knn':neighbors.KNeighborsClassifier(algorithm='kd_tree'),'balltree':neighbors.KNeighborsClassifier(algorithm='ball_tree',metric='manhattan'),'mlp':neural_network.MLPClassifier((8,),max_iter=4),'lda':discriminant_analysis.LinearDiscriminantAnalysis(),'qda':discriminant_analysis.QuadraticDiscriminantAnalysis(),'gb':ensemble.GradientBoostingClassifier(n_estimators=3),'gbreg':ensemble.GradientBoostingRegressor(n_estimators=3),'ada':ensemble.AdaBoostClassifier(n_estimators=2),'bag':ensemble.BaggingClassifier(n_estimators=2),'et':ensemble.ExtraTreesClassifier(3),'iso':ensemble.IsolationForest(n_estimators=2),'km':cluster.KMeans(2,n_init=1),'birch':cluster.Birch(),'nmf':decomposition.NMF(2),'ica':decomposition.FastICA(2),'kpca':decomposition.KernelPCA(2),'lof':neighbors.LocalOutlierFactor(novelty=True),'ocsvm':svm.OneClassSVM(),'rbf':kernel_approximation.RBFSampler(),'iso2':manifold.Isomap(n_components=2),'ee':covariance.EllipticEnvelope(),'perc':linear_model.Perceptron(),'sgd':linear_model.SGDClassifier(loss='modified_huber'),'pa':linear_model.RidgeClassifierCV(),'rfe':feature_selection.RFE(linear_model.LinearRegression()),'sfm':feature_selection.SelectFromModel(linear_model.Lasso()),'ct':compose.ColumnTransformer([('n',preprocessing.MinMaxScaler(),[0,1]),('o',preprocessing.OneHotEncoder(handle_unknown='ignore'),[2])]),'tt':compose.TransformedTargetRegressor(linear_model.LinearRegression(),func=np.log1p,inverse_func=np.expm1),'ft':preprocessing.FunctionTransformer(np.sqrt),'scorer':model_selection.GridSearchCV(linear_model.Ridge(),{'alpha':[1]},scoring='r2',cv=2),'scorer2':model_selection.GridSearchCV(linear_model.LogisticRegression(),{'C':[1]},scoring='f1',cv=model_selection.StratifiedKFold(2)),'si':impute.SimpleImputer(strategy='median'),'ki':impute.KNNImputer() if hasattr(impute,'KNNImputer') else impute.SimpleImputer()}
    from sklearn import gaussian_process as gp
    K=gp.kernels
    ms['gp']=gp.GaussianProcessRegressor(K.RBF()+K.WhiteKernel()+K.ConstantKernel()*K.Matern())
    for n,m in ms.items():
        try: m.fit(x,y)
        except Exception as e: print('sk',n,str(e)[:80]); continue
        put(f'sk-{n}.pkl',pickle.dumps(m)); joblib.dump(m,out/f'sk-{n}.joblib'); joblib.dump({'model':m,'features':['a'],'version':'1'},out/f'sk-{n}-dict.joblib',compress=3)
    t=['the cat sat','dogs run fast']*5
    v=pipeline.make_pipeline(feature_extraction.text.CountVectorizer(ngram_range=(1,2),stop_words='english'),feature_extraction.text.TfidfTransformer(),naive_bayes.MultinomialNB()).fit(t,[0,1]*5)
    put('sk-text.pkl',pickle.dumps(v)); joblib.dump(v,out/'sk-text.joblib')
    put('sk-hash.pkl',pickle.dumps(feature_extraction.text.HashingVectorizer())); put('sk-dict.pkl',pickle.dumps(feature_extraction.DictVectorizer().fit([{'a':1}])))
    put('sk-unfitted.pkl',pickle.dumps(ensemble.RandomForestClassifier()))
    try:
        import skops.io as sio; sio.dump(ms['pipe'],out/'sk.skops'); sio.dump(ms['grid'],out/'sk2.skops')
    except ImportError: pass
def pd():
    import pandas as pd, numpy as np
    df=pd.DataFrame({'i':[1,2,3],'f':[.1,.2,.3],'s':['a','b','c'],'d':pd.date_range('2020',periods=3),'c':pd.Categorical(['x','y','x']),'b':[True,False,True]},index=['p','q','r'])
    for p in (2,4): put(f'pd-{p}.pkl',pickle.dumps(df,p)); put(f'pd-many-{p}.pkl',pickle.dumps({'a':df,'b':df['f'],'m':pd.MultiIndex.from_product([[1,2],['a']]),'t':pd.Timestamp('2020'),'td':pd.Timedelta('1d'),'tz':pd.date_range('2020',periods=2,tz='UTC'),'iv':pd.Interval(0,1),'nat':pd.NaT,'per':pd.Period('2020-01')},p))
    df.to_pickle(out/'pd.pkl'); df.to_pickle(out/'pd.pkl.gz')
    try: put('pd-ext.pkl',pickle.dumps(pd.DataFrame({'a':pd.array([1,None],dtype='Int64'),'b':pd.array(['x',None],dtype='string'),'c':pd.array([True,None],dtype='boolean')})))
    except Exception as e: print('pd ext',e)
def boost():
    import numpy as np
    x=np.random.rand(50,4);y=(x[:,0]>.5).astype(int)
    try:
        import xgboost as xgb, joblib
        m=xgb.XGBClassifier(n_estimators=3).fit(x,y)
        for e in ('json','ubj'): m.save_model(out/f'xgb.{e}')
        put('xgb2.pkl',pickle.dumps({'m':m,'b':m.get_booster()})); joblib.dump(m,out/'xgb2.joblib')
    except ImportError: pass
    try:
        import lightgbm as lgb
        m=lgb.LGBMClassifier(n_estimators=3,verbose=-1).fit(x,y); m.booster_.save_model(str(out/'lgb.txt')); put('lgb2.pkl',pickle.dumps(m)); put('lgb-booster.pkl',pickle.dumps(m.booster_))
    except ImportError: pass
    try:
        import catboost
        m=catboost.CatBoostClassifier(iterations=3,verbose=0).fit(x,y); m.save_model(str(out/'cat.cbm')); put('cat.pkl',pickle.dumps(m)); m.save_model(str(out/'cat.json'),format='json')
    except ImportError: pass
def tch():
    import torch
    nn=torch.nn
    net=nn.Sequential(nn.Conv2d(3,4,3),nn.BatchNorm2d(4),nn.ReLU(),nn.Flatten(),nn.Linear(144,2))
    x=torch.rand(2,3,8,8); net(x).sum().backward()
    for name in ['SGD','Adam','AdamW','RMSprop','Adagrad','Adadelta','Adamax','NAdam','RAdam','ASGD','Rprop','LBFGS']:
        if not hasattr(torch.optim,name): continue
        o=getattr(torch.optim,name)(net.parameters(),lr=.1)
        try: o.step() if name!='LBFGS' else o.step(lambda: net(x).sum())
        except Exception: pass
        torch.save({'optimizer':o.state_dict(),'epoch':1,'loss':torch.tensor(.5),'best':float('inf')},out/f'opt-{name}.pt')
        try: torch.save(o,out/f'opt-object-{name}.pt')
        except Exception: pass
    o=torch.optim.SGD(net.parameters(),lr=.1,momentum=.9)
    for name,a in [('StepLR',(1,)),('MultiStepLR',([1,2],)),('ExponentialLR',(.9,)),('CosineAnnealingLR',(5,)),('ReduceLROnPlateau',()),('OneCycleLR',(.1,10)),('CosineAnnealingWarmRestarts',(3,)),('CyclicLR',(.1,.2))]:
        s=getattr(torch.optim.lr_scheduler,name)(o,*a); torch.save({'s':s.state_dict(),'m':net.state_dict()},out/f'sched-{name}.pt')
    torch.save(net.half().state_dict(),out/'half.pt'); torch.save(net.bfloat16().state_dict(),out/'bf16.ckpt')
    net=net.float(); torch.save(net,out/'whole-module.pt'); torch.save(list(net.parameters()),out/'params.pt'); torch.save(collections.OrderedDict((k,v.clone()) for k,v in net.state_dict().items()),out/'od.bin')
    torch.save({'a':torch.rand(3,requires_grad=True),'p':nn.Parameter(torch.rand(2)),'nested':{'l':[torch.zeros(1),(torch.ones(2),'x')]},'none':None,'dtype':torch.float16,'dev':torch.device('cpu'),'size':torch.Size([1,2]),'shape':torch.rand(2,3).shape},out/'mixed.pt')
    big=torch.rand(1000); torch.save([big[:10],big[10:20],big],out/'views2.pt'); torch.save(torch.rand(4,4).t(),out/'nonctg.pt'); torch.save(torch.tensor([]),out/'empty2.pt'); torch.save(torch.zeros(3,4).expand(2,3,4),out/'expanded.pt')
    torch.save({'sd':net.state_dict(),'rng':torch.get_rng_state(),'gen':None},out/'rng.pt')
    torch.save({f'layer.{i}.w':torch.rand(4) for i in range(3000)},out/'manytensors.pt')
    import numpy as np
    torch.save({'np':np.arange(3),'npf':np.float64(3),'sd':net.state_dict()},out/'withnumpy.pt')
    torch.save({'hyper_parameters':{'lr':1e-3,'path':pathlib.PurePosixPath('/x')},'state_dict':net.state_dict(),'callbacks':{},'optimizer_states':[],'lr_schedulers':[],'loops':{},'pytorch-lightning_version':'2.0.0'},out/'lightning.ckpt')
    for f in ('complex64','complex128','uint8','int16','int32'): torch.save(torch.zeros(4,dtype=getattr(torch,f)) if hasattr(torch,f) else 0,out/f'dt-{f}.pt')
    for t in ('uint16','uint32','uint64','float8_e4m3fn','float8_e5m2'):
        if hasattr(torch,t):
            try: torch.save(torch.zeros(4,dtype=getattr(torch,t)),out/f'dt-{t}.pt')
            except Exception as e: print(t,e)
    torch.save(net.state_dict(),out/'legacy2.pth',_use_new_zipfile_serialization=False) if 'zip' in torch.save.__code__.co_varnames.__str__() else torch.save(net.state_dict(),out/'legacy2.pth')
    m=torch.jit.trace(net.eval(),x); torch.jit.save(m,str(out/'traced2.pt'))
    @torch.jit.script
    def f(a: torch.Tensor, n: int):
        for i in range(n):
            if bool(a.sum()>0): a=a*2
        return a
    torch.jit.save(f,str(out/'scriptfn.pt'))
    class M(nn.Module):
        def __init__(s): super().__init__(); s.l=nn.LSTM(4,4); s.e=nn.Embedding(5,4)
        def forward(s,x): return s.l(s.e(x))[0]
    torch.jit.save(torch.jit.trace(M(),torch.zeros(2,3,dtype=torch.long)),str(out/'traced-lstm.pt'))
    try:
        sp=torch.eye(4).to_sparse_csr(); torch.save(sp,out/'csr.pt')
    except Exception as e: print('csr',e)
    try:
        q=torch.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4,4),nn.LSTM(4,4)),{nn.Linear,nn.LSTM},torch.qint8); torch.save(q,out/'qdyn-module.pt'); torch.save(q.state_dict(),out/'qdyn.pt')
    except Exception as e: print('q',e)
    try:
        nt=torch.nested.nested_tensor([torch.rand(2),torch.rand(3)]); torch.save(nt,out/'nested.pt')
    except Exception as e: print('nested',e)
    if hasattr(torch,'export'):
        try: torch.export.save(torch.export.export(net.eval(),(x,)),str(out/'exported.pt2'))
        except Exception as e: print('export',e)
    try:
        torch.onnx.export(net.eval(),x,str(out/'exported.onnx'),dynamo=False) if 'dynamo' in torch.onnx.export.__code__.co_varnames else torch.onnx.export(net.eval(),x,str(out/'exported.onnx'))
    except Exception as e: print('onnx',str(e)[:100])
    try:
        import torch.distributed.checkpoint as dcp
        dcp.save({'a':torch.rand(3)},checkpoint_id=str(out/'dcp'))
    except Exception as e: print('dcp',str(e)[:100])
    try:
        from torch.ao.quantization import get_default_qconfig
        torch.backends.quantized.engine='fbgemm'
        mm=nn.Sequential(torch.ao.quantization.QuantStub(),nn.Conv2d(3,4,3),nn.ReLU(),torch.ao.quantization.DeQuantStub()); mm.qconfig=get_default_qconfig('fbgemm'); mm.eval(); torch.ao.quantization.prepare(mm,inplace=True); mm(x); torch.ao.quantization.convert(mm,inplace=True); torch.save(mm.state_dict(),out/'qstatic.pt')
    except Exception as e: print('qs',str(e)[:100])
    try:
        import torchvision
        for n in ('resnet18','mobilenet_v2','vgg11','densenet121','squeezenet1_0','vit_b_16','efficientnet_b0'):
            mv=getattr(torchvision.models,n)(); 
            if n in('resnet18','mobilenet_v2','squeezenet1_0','efficientnet_b0'): torch.save(mv,out/f'tv-{n}.pt')
            if n=='squeezenet1_0': torch.save(mv.state_dict(),out/f'tv-{n}-sd.pth')
    except ImportError: pass
def hf():
    import torch
    from transformers import BertConfig,BertModel,GPT2Config,GPT2LMHeadModel,T5Config,T5ForConditionalGeneration,CLIPTextConfig,CLIPTextModel,TrainingArguments
    ms={'bert':BertModel(BertConfig(hidden_size=32,num_hidden_layers=2,num_attention_heads=2,intermediate_size=32,vocab_size=100)),'gpt2':GPT2LMHeadModel(GPT2Config(n_embd=32,n_layer=2,n_head=2,vocab_size=100)),'t5':T5ForConditionalGeneration(T5Config(d_model=32,d_kv=8,d_ff=32,num_layers=1,num_heads=2,vocab_size=100)),'clip':CLIPTextModel(CLIPTextConfig(hidden_size=32,intermediate_size=32,num_hidden_layers=1,num_attention_heads=2,vocab_size=100))}
    for n,m in ms.items():
        m.save_pretrained(out/f'hf-{n}'); torch.save(m.state_dict(),out/f'hf-{n}-pytorch_model.bin')
        try: torch.save(m,out/f'hf-{n}-whole.pt')
        except Exception as e: print(n,e)
    try: torch.save(TrainingArguments(output_dir=str(out/'x'),use_cpu=True),out/'training_args.bin')
    except Exception as e: print('ta',e)
    from peft import LoraConfig,get_peft_model
    p=get_peft_model(ms['gpt2'],LoraConfig(r=4,target_modules=['c_attn'])); p.save_pretrained(out/'peft'); 
    from tokenizers import Tokenizer,models,trainers
    t=Tokenizer(models.BPE()); t.train_from_iterator(['hello world']*5,trainers.BpeTrainer()); t.save(str(out/'tokenizer.json'))
def diff():
    from diffusers import UNet2DModel,DDPMScheduler,AutoencoderKL
    u=UNet2DModel(sample_size=8,block_out_channels=(32,32),down_block_types=('DownBlock2D','DownBlock2D'),up_block_types=('UpBlock2D','UpBlock2D')); u.save_pretrained(out/'unet'); u.save_pretrained(out/'unet-bin',safe_serialization=False); DDPMScheduler().save_pretrained(out/'sched')
def krs():
    import keras
    from keras import layers as L
    ms={'seq':keras.Sequential([keras.Input((8,)),L.Dense(4,activation='relu',kernel_regularizer=keras.regularizers.L2(.1)),L.Dropout(.2),L.BatchNormalization(),L.Dense(1,activation='sigmoid')]),
     'cnn':keras.Sequential([keras.Input((16,16,3)),L.Rescaling(1/255),L.Conv2D(4,3),L.MaxPooling2D(),L.GlobalAveragePooling2D(),L.Dense(2,activation='softmax')]),
     'rnn':keras.Sequential([keras.Input((None,)),L.Embedding(10,4),L.Bidirectional(L.LSTM(4,return_sequences=True)),L.GRU(3),L.Dense(1)])}
    i=keras.Input((4,)); a=L.Dense(4)(i); b=L.Add()([a,i]); ms['func']=keras.Model(i,L.Dense(1)(L.LayerNormalization()(b)))
    j=keras.Input((5,4)); ms['attn']=keras.Model(j,L.MultiHeadAttention(2,2)(j,j))
    tv=L.StringLookup(vocabulary=['a','b']) if keras.backend.backend()=='tensorflow' else None
    for n,m in ms.items():
        m.compile('adam','mse',metrics=['mae'])
        m.save(out/f'k-{n}.keras'); m.save_weights(out/f'k-{n}.weights.h5')
        try: m.save(out/f'k-{n}.h5')
        except Exception as e: print('h5',n,str(e)[:80])
        put(f'k-{n}.json',m.to_json().encode())
    try: ms['seq'].export(str(out/'k-saved'))
    except Exception as e: print('export',str(e)[:80])
def tf():
    import tensorflow as tf
    m=tf.keras.Sequential([tf.keras.layers.Input((4,)),tf.keras.layers.Dense(2)])
    tf.saved_model.save(m,str(out/'tf-saved'))
    c=tf.lite.TFLiteConverter.from_keras_model(m); put('m.tflite',c.convert())
    tf.train.Checkpoint(m=m).save(str(out/'tfckpt/c'))
def onx():
    import onnx, numpy as np
    from onnx import helper,TensorProto,numpy_helper
    w=numpy_helper.from_array(np.random.rand(4,4).astype('f4'),'w')
    for op in ('Gemm','MatMul'):
        g=helper.make_graph([helper.make_node(op,['x','w'],['y']),helper.make_node('Relu',['y'],['z'])],'g',[helper.make_tensor_value_info('x',TensorProto.FLOAT,[1,4])],[helper.make_tensor_value_info('z',TensorProto.FLOAT,[1,4])],[w])
        m=helper.make_model(g,opset_imports=[helper.make_opsetid('',17),helper.make_opsetid('com.microsoft',1)]); m.doc_string='doc'; helper.set_model_props(m,{'a':'b'}); onnx.save(m,out/f'o-{op}.onnx')
    n=helper.make_node('QLinearMatMul',['a','s','z','b','s','z','s','z'],['y']); g=helper.make_graph([n],'q',[helper.make_tensor_value_info('a',TensorProto.UINT8,[2,2])],[helper.make_tensor_value_info('y',TensorProto.UINT8,[2,2])],[numpy_helper.from_array(np.zeros((2,2),'u1'),'b'),numpy_helper.from_array(np.float32(.1),'s'),numpy_helper.from_array(np.uint8(1),'z')]); onnx.save(helper.make_model(g),out/'o-q.onnx')
    (out/'ext').mkdir(exist_ok=True)
    g=helper.make_graph([helper.make_node('MatMul',['x','w'],['y'])],'g',[helper.make_tensor_value_info('x',TensorProto.FLOAT,[1,300])],[helper.make_tensor_value_info('y',TensorProto.FLOAT,[1,300])],[numpy_helper.from_array(np.random.rand(300,300).astype('f4'),'w')])
    for old in (out/'ext').glob('*'): old.unlink()
    onnx.save(helper.make_model(g),str(out/'ext/model.onnx'),save_as_external_data=True,location='model.onnx_data',size_threshold=0)
    (out/'ext/model.onnx_data').unlink()
def st():
    import numpy as np
    from safetensors.numpy import save_file
    rng=np.random.default_rng(1)
    save_file({'lora_unet_down.lora_down.weight':rng.random((4,8)).astype('f2'),'lora_unet_down.alpha':np.array(4.0,'f4')},out/'lora.safetensors',{'ss_network_dim':'4','ss_tag_frequency':json.dumps({'x':{'<1girl>':3}}),'modelspec.title':'ü','ss_datasets':json.dumps([{'a':1}]*50)})
    save_file({f'model.layers.{i}.mlp.experts.{j}.w':np.zeros(2,'f2') for i in range(60) for j in range(128)},out/'moe.safetensors',{'format':'pt'})
    save_file({'x':np.zeros((1,0,3),'f4'),'y':np.array(True),'z':np.arange(3,dtype='u8'),'k':np.zeros((2,2),'i1')},out/'odd.safetensors')
    put('index.json',json.dumps({'metadata':{'total_size':1},'weight_map':{f'a.{i}':'model-00001-of-00002.safetensors' for i in range(3000)}}).encode())
def ggf():
    import gguf, numpy as np
    w=gguf.GGUFWriter(str(out/'vocab.gguf'),'llama'); w.add_context_length(4096); w.add_tokenizer_model('gpt2'); w.add_token_list([f'tök{i}' for i in range(50000)]); w.add_token_types([1]*50000); w.add_token_merges([f'a{i} b{i}' for i in range(30000)]); w.add_chat_template("{%- if tools %}{{- '<|im_start|>system\\n' }}{%- for t in tools %}{{- t | tojson }}{%- endfor %}{%- endif %}{%- for message in messages %}{%- set ns = namespace(found=false) %}{{- '<|' + message.role + '|>' + message.content.strip() }}{%- if loop.last and add_generation_prompt %}{{ '<|assistant|>' }}{%- endif %}{%- endfor %}"); w.add_tensor('token_embd.weight',np.random.rand(8,32).astype('f2')); w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
for f in (stdlib,npy,joblibs,sk,pd,boost,tch,hf,diff,krs,tf,onx,st,ggf): attempt(f)
print(sum(1 for p in out.rglob('*') if p.is_file()),'files')
