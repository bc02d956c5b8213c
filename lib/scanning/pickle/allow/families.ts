/**
 * One line per family: modules whose every class only builds a part of a model, and classes are all that begin with a capital there.
 * They are made as `part`, never by their constructors; none of them does more in `__setstate__` than take its attributes.
 * A library belongs here only after a look at that: statsmodels, for one, evaluates formulas there.
 */
export const FAMILIES = String.raw`
torch\.nn\.modules\.[a-z0-9]+
torch\.ao\.nn\.(?:quantized|quantizable|intrinsic|qat|sparse)(?:\.[a-z0-9_]+)+
torch\.nn\.(?:quantized|quantizable|intrinsic|qat)(?:\.[a-z0-9_]+)+
torch\.(?:ao\.)?quantization\.(?:observer|fake_quantize|stubs)
torchvision\.(?:models|ops)(?:\.[a-z0-9_]+)+
torchaudio\.models(?:\.[a-z0-9_]+)*
torchmetrics(?:\.[a-z0-9_]+)+
timm\.(?:models|layers)(?:\.[a-z0-9_]+)*
ultralytics\.nn\.(?:tasks|modules(?:\.[a-z0-9_]+)*)
ultralytics\.utils\.(?:loss|tal)
segmentation_models_pytorch\.(?:decoders|encoders|base)(?:\.[a-z0-9_]+)*
diffusers\.(?:models|schedulers)(?:\.[a-z0-9_]+)+
imblearn\.(?:over_sampling|under_sampling|combine|ensemble|pipeline)(?:\.[a-z0-9_]+)*
hmmlearn\.(?:hmm|base)
category_encoders\.[a-z0-9_]+
`;
