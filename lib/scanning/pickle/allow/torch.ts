/** As in python.ts. Nothing that loads, compiles, opens or runs; `_load_from_bytes` is judged by its payload. */
export const TORCH = `
call torch._utils _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_meta_tensor_no_storage _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor _rebuild_xla_tensor
guarded torch._tensor _rebuild_from_type_v2 _rebuild_from_type
guarded torch.storage _load_from_bytes
both torch Size device Generator
value torch Tensor
value torch.nn.parameter Parameter Buffer UninitializedParameter
value torch.nn Parameter
value torch float float16 float32 float64 double half bfloat16 bool uint8 int8 int16 int32 int64 short int long uint16 uint32 uint64 complex32 complex64 complex128 cfloat cdouble chalf qint8 quint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2
value torch strided sparse_coo sparse_csr sparse_csc contiguous_format channels_last channels_last_3d preserve_format per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric per_channel_affine_float_qparams
value torch FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage ByteStorage BoolStorage ComplexFloatStorage ComplexDoubleStorage QInt8Storage QUInt8Storage QInt32Storage QUInt4x2Storage QUInt2x4Storage UntypedStorage
value torch.storage UntypedStorage TypedStorage _UntypedStorage _TypedStorage
value torch.cuda FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage ByteStorage BoolStorage
value torch FloatTensor DoubleTensor HalfTensor BFloat16Tensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor
value torch.cuda FloatTensor DoubleTensor HalfTensor BFloat16Tensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor
call torch.serialization _get_layout
call torch._C _get_layout
call torch.jit._pickle build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag
value torch.nn.functional relu gelu silu elu selu leaky_relu tanh sigmoid softmax log_softmax softplus mish hardswish hardsigmoid relu6 celu glu cross_entropy mse_loss nll_loss l1_loss binary_cross_entropy binary_cross_entropy_with_logits normalize
value torch._C._nn gelu softplus leaky_relu elu_ silu mish
value torch relu sigmoid tanh softmax log_softmax selu celu prelu rrelu
value torch._VariableFunctions relu tanh sigmoid
class torch.nn.modules.module Module
class torch.nn.modules.activation CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold
class torch.nn.modules.adaptive AdaptiveLogSoftmaxWithLoss
class torch.nn.modules.batchnorm BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d SyncBatchNorm
class torch.nn.modules.channelshuffle ChannelShuffle
class torch.nn.modules.container ModuleDict ModuleList ParameterDict ParameterList Sequential
class torch.nn.modules.conv Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d
class torch.nn.modules.distance CosineSimilarity PairwiseDistance
class torch.nn.modules.dropout AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout
class torch.nn.modules.flatten Flatten Unflatten
class torch.nn.modules.fold Fold Unfold
class torch.nn.modules.instancenorm InstanceNorm1d InstanceNorm2d InstanceNorm3d
class torch.nn.modules.linear _LinearWithBias Bilinear Identity LazyLinear Linear NonDynamicallyQuantizableLinear
class torch.nn.modules.loss BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss TripletMarginWithDistanceLoss
class torch.nn.modules.normalization CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm
class torch.nn.modules.padding CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d
class torch.nn.modules.pixelshuffle PixelShuffle PixelUnshuffle
class torch.nn.modules.pooling AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d
class torch.nn.modules.rnn GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase
class torch.nn.modules.sparse Embedding EmbeddingBag
class torch.nn.modules.transformer Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer
class torch.nn.modules.upsampling Upsample UpsamplingBilinear2d UpsamplingNearest2d
class torch.nn.utils.parametrizations _WeightNorm _SpectralNorm
class torch.nn.parallel.data_parallel DataParallel
class torch.ao.nn.quantized.modules.linear Linear LinearPackedParams
class torch.nn.quantized.modules.linear Linear LinearPackedParams
class torch.optim.adam Adam
class torch.optim.adamw AdamW
class torch.optim.sgd SGD
class torch.optim.rmsprop RMSprop
class torch.optim.adagrad Adagrad
class torch.optim.adadelta Adadelta
class torch.optim.adamax Adamax
class torch.optim.lr_scheduler LambdaLR StepLR MultiStepLR ExponentialLR CosineAnnealingLR ReduceLROnPlateau OneCycleLR CosineAnnealingWarmRestarts LinearLR ConstantLR SequentialLR CyclicLR PolynomialLR
both torch.torch_version TorchVersion
both torch.distributed._shard.sharded_tensor.metadata TensorProperties ShardedTensorMetadata
class torch.utils._pytree TreeSpec
class torchvision.models.resnet ResNet BasicBlock Bottleneck
class torchvision.models.vgg VGG
class torchvision.models.alexnet AlexNet
class torchvision.models.mobilenetv2 MobileNetV2 InvertedResidual
class torchvision.models.densenet DenseNet _DenseBlock _DenseLayer _Transition
class torchvision.ops.misc Conv2dNormActivation ConvNormActivation SqueezeExcitation
both pytorch_lightning.utilities.parsing AttributeDict
both lightning.pytorch.utilities.parsing AttributeDict
both lightning_fabric.utilities.data AttributeDict
both lightning.fabric.utilities.data AttributeDict
class pytorch_lightning.callbacks.model_checkpoint ModelCheckpoint
class lightning.pytorch.callbacks.model_checkpoint ModelCheckpoint
class pytorch_lightning.callbacks.early_stopping EarlyStopping
class lightning.pytorch.callbacks.early_stopping EarlyStopping
class omegaconf.dictconfig DictConfig
class omegaconf.listconfig ListConfig
class omegaconf.base ContainerMetadata Metadata
class omegaconf.nodes AnyNode StringNode IntegerNode FloatNode BooleanNode EnumNode
class transformers.training_args TrainingArguments
both transformers.trainer_utils IntervalStrategy SchedulerType HubStrategy SaveStrategy EvaluationStrategy
both transformers.training_args OptimizerNames ParallelMode
both transformers.debug_utils DebugOption
both transformers.trainer_pt_utils AcceleratorConfig
class accelerate.state PartialState
both accelerate.utils.dataclasses DistributedType
class torch.optim.asgd ASGD
class torch.optim.lbfgs LBFGS
class torch.optim.nadam NAdam
class torch.optim.radam RAdam
class torch.optim.rprop Rprop
class torch.optim.sparse_adam SparseAdam
class torch.optim._adafactor Adafactor
class torch.optim.optimizer Optimizer
class torch.optim.swa_utils AveragedModel
class torch.ao.nn.quantized.dynamic.modules.linear Linear
class torch.ao.nn.quantized.dynamic.modules.rnn LSTM GRU LSTMCell GRUCell RNNCell PackedParameter
class torch.nn.quantized.dynamic.modules.linear Linear
class torch.nn.quantized.dynamic.modules.rnn LSTM GRU LSTMCell GRUCell RNNCell PackedParameter
class torch.ao.nn.quantized.modules.conv Conv1d Conv2d Conv3d
class torch.nn.quantized.modules.conv Conv1d Conv2d Conv3d
class torch.ao.nn.quantized.modules Quantize DeQuantize
class torch.nn.quantized.modules Quantize DeQuantize
class torch.ao.quantization.stubs QuantStub DeQuantStub QuantWrapper
class torch.quantization.stubs QuantStub DeQuantStub QuantWrapper
class torch.distributed.checkpoint.metadata Metadata TensorStorageMetadata BytesStorageMetadata ChunkStorageMetadata TensorProperties MetadataIndex StorageMeta
both torch.distributed.checkpoint.metadata _MEM_FORMAT_ENCODING
class torch.distributed.checkpoint.filesystem _StorageInfo _StoragePrefix
class torchvision.models.squeezenet SqueezeNet Fire
class torchvision.models.efficientnet EfficientNet MBConv FusedMBConv
class torchvision.models.vision_transformer VisionTransformer Encoder EncoderBlock MLPBlock
class torchvision.models.googlenet GoogLeNet Inception InceptionAux BasicConv2d
class torchvision.models.inception Inception3 InceptionA InceptionB InceptionC InceptionD InceptionE InceptionAux BasicConv2d
class torchvision.models.mobilenetv3 MobileNetV3 InvertedResidual
class torchvision.models.mobilenet MobileNetV2 ConvBNReLU InvertedResidual
class torchvision.models.shufflenetv2 ShuffleNetV2 InvertedResidual
class torchvision.models.mnasnet MNASNet _InvertedResidual
class torchvision.models.regnet RegNet SimpleStemIN AnyStage ResBottleneckBlock BottleneckTransform
class torchvision.models.convnext ConvNeXt CNBlock LayerNorm2d
class torchvision.models.swin_transformer SwinTransformer SwinTransformerBlock ShiftedWindowAttention PatchMerging
class torchvision.ops.misc ConvNormActivation FrozenBatchNorm2d MLP Permute
class torchvision.ops.stochastic_depth StochasticDepth
class transformers.pytorch_utils Conv1D
class transformers.activations GELUActivation NewGELUActivation FastGELUActivation QuickGELUActivation PytorchGELUTanh GELUTanh SiLUActivation MishActivation LinearActivation ReLUSquaredActivation ClippedGELUActivation AccurateGELUActivation
class transformers.generation.configuration_utils GenerationConfig
class transformers.tokenization_utils_base BatchEncoding
`;
