const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));

/** Modules of which a configuration may name classes: building blocks, not `keras.utils`, `keras.config` or `keras.saving`. */
export const KERAS_MODULES =
  /^(?:keras|tensorflow\.keras|tf_keras|keras\.src|keras\.api|tensorflow\.python\.keras)(?:\.(?:layers|initializers|activations|regularizers|constraints|losses|metrics|optimizers|dtype_policies|random|quantizers|ops|engine|models\.(?:sequential|functional|model)|backend\.common\.keras_tensor|mixed_precision|backend\.(?:torch|jax|tensorflow)\.optimizers)(?:\.[a-z0-9_]+)*)?$/;

/** Functions that a configuration may name. */
export const KERAS_FUNCTIONS = words(`
  relu leaky_relu relu6 softmax celu elu selu softplus softsign squareplus soft_shrink sparse_plus silu gelu glu tanh
  tanh_shrink sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu hard_swish hard_tanh hard_shrink linear mish
  log_softmax log_sigmoid sparsemax swish threshold
  mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error mse mae mape msle
  binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy binary_focal_crossentropy
  categorical_focal_crossentropy kl_divergence poisson hinge squared_hinge categorical_hinge log_cosh huber cosine_similarity
  dice tversky binary_accuracy categorical_accuracy sparse_categorical_accuracy
  sparse_top_k_categorical_accuracy top_k_categorical_accuracy glorot_uniform glorot_normal he_uniform he_normal zeros ones
`);

/** Class names without a module, as Keras 2 wrote them. */
export const KERAS_CLASSES = words(`
  Sequential Functional Model InputLayer Dense EinsumDense Embedding Activation Masking Dropout Flatten Reshape Permute
  RepeatVector Identity Input
  Conv1D Conv2D Conv3D SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D Conv1DTranspose Conv2DTranspose
  Conv3DTranspose Convolution1D Convolution2D Convolution3D
  MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
  GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
  LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells RNN TimeDistributed Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D
  CuDNNLSTM CuDNNGRU
  BatchNormalization LayerNormalization UnitNormalization GroupNormalization RMSNormalization SpectralNormalization
  SyncBatchNormalization BatchNormalizationV1 BatchNormalizationV2 Normalization Discretization CategoryEncoding Hashing HashedCrossing
  StringLookup IntegerLookup TextVectorization Rescaling Resizing CenterCrop RandomCrop RandomFlip RandomTranslation RandomRotation
  RandomZoom RandomContrast RandomBrightness RandomHeight RandomWidth
  SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout AlphaDropout GaussianNoise ActivityRegularization
  MultiHeadAttention GroupQueryAttention Attention AdditiveAttention
  Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
  Concatenate Average Maximum Minimum Add Subtract Multiply Dot
  LeakyReLU PReLU ELU ReLU Softmax ThresholdedReLU LocallyConnected1D LocallyConnected2D
  Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling GlorotNormal GlorotUniform HeNormal HeUniform
  LecunNormal LecunUniform Orthogonal IdentityInitializer STFT
  L1 L2 L1L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm RadialConstraint
  SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Nadam Ftrl Lion Adafactor LossScaleOptimizer
  ExponentialDecay PiecewiseConstantDecay PolynomialDecay InverseTimeDecay CosineDecay CosineDecayRestarts
  BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy BinaryFocalCrossentropy CategoricalFocalCrossentropy
  Poisson KLDivergence MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError
  CosineSimilarity LogCosh Hinge SquaredHinge CategoricalHinge Huber CTC Dice Tversky
  Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy TopKCategoricalAccuracy SparseTopKCategoricalAccuracy
  AUC Precision Recall TruePositives TrueNegatives FalsePositives FalseNegatives Mean Sum MeanMetricWrapper RootMeanSquaredError
  F1Score FBetaScore R2Score IoU MeanIoU BinaryIoU OneHotIoU
  Policy PolicyV1 DTypePolicy FloatDTypePolicy QuantizedDTypePolicy DTypePolicyMap SeedGenerator TensorShape CompileMetrics
  __tensor__ __numpy__ __bytes__ __tuple__ __slice__ __ellipsis__ __keras_tensor__ __typespec__
`);
