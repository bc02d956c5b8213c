/** As in python.ts: names of libraries on top of torch and scikit-learn that families.ts does not cover. */
export const FRAMEWORKS = `
both timm.layers.format Format
both ultralytics.utils IterableSimpleNamespace
both diffusers.configuration_utils FrozenDict
class catboost.core CatBoost CatBoostRegressor CatBoostRanker
class tokenizers Tokenizer AddedToken
class tokenizers.models Model BPE Unigram WordLevel WordPiece
class transformers.tokenization_utils_fast PreTrainedTokenizerFast
class transformers.tokenization_utils_tokenizers TokenizersBackend
both transformers.trainer_utils FSDPOption
class torch.optim.lr_scheduler MultiplicativeLR ChainedScheduler LRScheduler _LRScheduler
class torch.optim._muon Muon
class torch ScriptObject
value torchvision.ops.boxes box_iou
class ultralytics.nn.modules.head v10Detect
class ultralytics.utils.loss v8DetectionLoss v8SegmentationLoss v8PoseLoss v8ClassificationLoss v8OBBLoss
value torchmetrics.metric jit_distributed_available
value torchmetrics.utilities.data dim_zero_sum dim_zero_cat dim_zero_mean dim_zero_max dim_zero_min
class gensim.models.keyedvectors KeyedVectors CompatVocab
class gensim.models.word2vec Word2Vec
class gensim.models.fasttext FastText FastTextKeyedVectors
class gensim.models.doc2vec Doc2Vec
class gensim.models.ldamodel LdaModel LdaState
class gensim.models.tfidfmodel TfidfModel
class gensim.corpora.dictionary Dictionary
value gensim.utils call_on_class_only
value builtins hash
value inspect _empty
guarded _operator getitem
`;
