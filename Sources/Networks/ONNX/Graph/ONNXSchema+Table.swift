// Written by Tests/References/onnx_schemas.py; facts of the ONNX standard (github.com/onnx/onnx, docs/Operators.md).

extension ONNXSchema {
  static let standard = """
    Abs|1||1-1|1-1|
    Acos|7||1-1|1-1|
    Acosh|9||1-1|1-1|
    Add|1||2-2|1-1|
    AffineGrid|20||2-2|1-1|align_corners:i
    And|1||2-2|1-1|
    ArgMax|1||1-1|1-1|axis:i keepdims:i select_last_index:i:12-
    ArgMin|1||1-1|1-1|axis:i keepdims:i select_last_index:i:12-
    Asin|7||1-1|1-1|
    Asinh|9||1-1|1-1|
    Atan|7||1-1|1-1|
    Atanh|9||1-1|1-1|
    Attention|23||3-7|1-4|is_causal:i kv_num_heads:i left_window_size:i:25- q_num_heads:i qk_matmul_output_mode:i right_window_size:i:25- scale:f softcap:f softmax_precision:i
    AveragePool|1||1-1|1-1|auto_pad:s ceil_mode:i:10- count_include_pad:i dilations:I:19- kernel_shape:I pads:I strides:I
    BatchNormalization|1||5-5|1-5|epsilon:f momentum:f spatial:i:1-8 training_mode:i:14-
    Bernoulli|15||1-1|1-1|dtype:i seed:f
    BitCast|26||1-1|1-1|to:i
    BitShift|11||2-2|1-1|direction:s
    BitwiseAnd|18||2-2|1-1|
    BitwiseNot|18||1-1|1-1|
    BitwiseOr|18||2-2|1-1|
    BitwiseXor|18||2-2|1-1|
    BlackmanWindow|17||1-1|1-1|output_datatype:i periodic:i
    Cast|1||1-1|1-1|round_mode:s:24- saturate:i:19- to:i
    CastLike|15||2-2|1-1|round_mode:s:24- saturate:i:19-
    CausalConvWithState|27||2-4|2-2|activation:s
    Ceil|1||1-1|1-1|
    Celu|12||1-1|1-1|alpha:f
    CenterCropPad|18||2-2|1-1|axes:I
    Clip|1||1-3|1-1|max:f:1-10 min:f:1-10
    Col2Im|18||3-3|1-1|dilations:I pads:I strides:I
    Compress|9||2-2|1-1|axis:i
    Concat|1||1-|1-1|axis:i
    ConcatFromSequence|11||1-1|1-1|axis:i new_axis:i
    Constant|1||0-0|1-1|sparse_value:p:11- value:t value_float:f:12- value_floats:F:12- value_int:i:12- value_ints:I:12- value_string:s:12- value_strings:S:12-
    ConstantOfShape|9||1-1|1-1|value:t
    Conv|1||2-3|1-1|auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
    ConvInteger|10||2-4|1-1|auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
    ConvTranspose|1||2-3|1-1|auto_pad:s dilations:I group:i kernel_shape:I output_padding:I output_shape:I pads:I strides:I
    Cos|7||1-1|1-1|
    Cosh|9||1-1|1-1|
    CumProd|26||2-2|1-1|exclusive:i reverse:i
    CumSum|11||2-2|1-1|exclusive:i reverse:i
    DFT|17||1-3|1-1|axis:i:17-19 inverse:i onesided:i
    DeformConv|19||3-5|1-1|dilations:I group:i kernel_shape:I offset_group:i pads:I strides:I
    DepthToSpace|1||1-1|1-1|blocksize:i mode:s:11-
    DequantizeLinear|10||2-3|1-1|axis:i:13- block_size:i:21- output_dtype:i:23-
    Det|11||1-1|1-1|
    Div|1||2-2|1-1|
    Dropout|1||1-3|1-2|ratio:f:1-11 seed:i:12-
    DynamicQuantizeLinear|11||1-1|3-3|
    Einsum|12||1-|1-1|equation:s
    Elu|1||1-1|1-1|alpha:f
    Equal|1||2-2|1-1|
    Erf|9||1-1|1-1|
    Exp|1||1-1|1-1|
    Expand|8||2-2|1-1|
    EyeLike|9||1-1|1-1|dtype:i k:i
    Flatten|1||1-1|1-1|axis:i
    Floor|1||1-1|1-1|
    GRU|1||3-6|0-2|activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i:14- linear_before_reset:i
    Gather|1||2-2|1-1|axis:i
    GatherElements|11||2-2|1-1|axis:i
    GatherND|11||2-2|1-1|batch_dims:i:12-
    Gelu|20||1-1|1-1|approximate:s
    Gemm|1||2-3|1-1|alpha:f beta:f transA:i transB:i
    GlobalAveragePool|1||1-1|1-1|
    GlobalLpPool|1||1-1|1-1|p:i
    GlobalMaxPool|1||1-1|1-1|
    Greater|1||2-2|1-1|
    GreaterOrEqual|12||2-2|1-1|
    GridSample|16||2-2|1-1|align_corners:i mode:s padding_mode:s
    GroupNormalization|18||3-3|1-1|epsilon:f num_groups:i stash_type:i:21-
    HammingWindow|17||1-1|1-1|output_datatype:i periodic:i
    HannWindow|17||1-1|1-1|output_datatype:i periodic:i
    HardSigmoid|1||1-1|1-1|alpha:f beta:f
    HardSwish|14||1-1|1-1|
    Hardmax|1||1-1|1-1|axis:i
    Identity|1||1-1|1-1|
    If|1||1-1|1-|else_branch:g then_branch:g
    ImageDecoder|20||1-1|1-1|pixel_format:s
    InstanceNormalization|1||3-3|1-1|epsilon:f
    IsInf|10||1-1|1-1|detect_negative:i detect_positive:i
    IsNaN|9||1-1|1-1|
    LRN|1||1-1|1-1|alpha:f beta:f bias:f size:i
    LSTM|1||3-8|0-3|activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i input_forget:i layout:i:14-
    LayerNormalization|17||2-3|1-3|axis:i epsilon:f stash_type:i
    LeakyRelu|1||1-1|1-1|alpha:f
    Less|1||2-2|1-1|
    LessOrEqual|12||2-2|1-1|
    LinearAttention|27||3-6|2-2|chunk_size:i kv_num_heads:i q_num_heads:i scale:f update_rule:s
    Log|1||1-1|1-1|
    LogSoftmax|1||1-1|1-1|axis:i
    Loop|1||2-|1-|body:g
    LpNormalization|1||1-1|1-1|axis:i p:i
    LpPool|1||1-1|1-1|auto_pad:s ceil_mode:i:18- dilations:I:18- kernel_shape:I p:i pads:I strides:I
    MatMul|1||2-2|1-1|
    MatMulInteger|10||2-4|1-1|
    Max|1||1-|1-1|
    MaxPool|1||1-1|1-2|auto_pad:s ceil_mode:i:10- dilations:I:10- kernel_shape:I pads:I storage_order:i:8- strides:I
    MaxRoiPool|1||2-2|1-1|pooled_shape:I spatial_scale:f
    MaxUnpool|9||2-3|1-1|kernel_shape:I pads:I strides:I
    Mean|1||1-|1-1|
    MeanVarianceNormalization|9||1-1|1-1|axes:I
    MelWeightMatrix|17||5-5|1-1|output_datatype:i
    Min|1||1-|1-1|
    Mish|18||1-1|1-1|
    Mod|10||2-2|1-1|fmod:i
    Mul|1||2-2|1-1|
    Multinomial|7||1-1|1-1|dtype:i sample_size:i seed:f
    Neg|1||1-1|1-1|
    NegativeLogLikelihoodLoss|12||2-3|1-1|ignore_index:i reduction:s
    NonMaxSuppression|10||2-5|1-1|center_point_box:i
    NonZero|9||1-1|1-1|
    Not|1||1-1|1-1|
    OneHot|9||3-3|1-1|axis:i
    Optional|15||0-1|1-1|type:y
    OptionalGetElement|15||1-1|1-1|
    OptionalHasElement|15||0-1|1-1|
    Or|1||2-2|1-1|
    PRelu|1||2-2|1-1|
    Pad|1||2-4|1-1|mode:s pads:I:2-10 value:f:1-10
    Pow|1||2-2|1-1|
    QLinearConv|10||8-9|1-1|auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I
    QLinearMatMul|10||8-8|1-1|
    QuantizeLinear|10||2-3|1-1|axis:i:13- block_size:i:21- output_dtype:i:21- precision:i:23- saturate:i:19-
    RMSNormalization|23||2-2|1-1|axis:i epsilon:f stash_type:i
    RNN|1||3-6|0-2|activation_alpha:F activation_beta:F activations:S clip:f direction:s hidden_size:i layout:i:14-
    RandomNormal|1||0-0|1-1|dtype:i mean:f scale:f seed:f shape:I
    RandomNormalLike|1||1-1|1-1|dtype:i mean:f scale:f seed:f
    RandomUniform|1||0-0|1-1|dtype:i high:f low:f seed:f shape:I
    RandomUniformLike|1||1-1|1-1|dtype:i high:f low:f seed:f
    Range|11||3-3|1-1|stash_type:i:27-
    Reciprocal|1||1-1|1-1|
    ReduceL1|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceL2|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceLogSum|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceLogSumExp|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceMax|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceMean|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceMin|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceProd|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    ReduceSum|1||1-2|1-1|axes:I:1-12 keepdims:i noop_with_empty_axes:i:13-
    ReduceSumSquare|1||1-2|1-1|axes:I:1-17 keepdims:i noop_with_empty_axes:i:18-
    RegexFullMatch|20||1-1|1-1|pattern:s
    Relu|1||1-1|1-1|
    Reshape|1||2-2|1-1|allowzero:i:14-
    Resize|10||1-4|1-1|antialias:i:18- axes:I:18- coordinate_transformation_mode:s:11- cubic_coeff_a:f:11- exclude_outside:i:11- extrapolation_value:f:11- keep_aspect_ratio_policy:s:18- mode:s nearest_mode:s:11-
    ReverseSequence|10||2-2|1-1|batch_axis:i time_axis:i
    RoiAlign|10||3-3|1-1|coordinate_transformation_mode:s:16- mode:s output_height:i output_width:i sampling_ratio:i spatial_scale:f
    RotaryEmbedding|23||3-4|1-1|interleaved:i num_heads:i rotary_embedding_dim:i
    Round|11||1-1|1-1|
    STFT|17||2-4|1-1|onesided:i
    Scan|8||1-|1-|body:g directions:I:8-8 num_scan_inputs:i scan_input_axes:I:9- scan_input_directions:I:9- scan_output_axes:I:9- scan_output_directions:I:9-
    Scatter|9|10|3-3|1-1|axis:i:9-
    ScatterElements|11||3-3|1-1|axis:i reduction:s:16-
    ScatterND|11||3-3|1-1|reduction:s:16-
    Selu|1||1-1|1-1|alpha:f gamma:f
    SequenceAt|11||2-2|1-1|
    SequenceConstruct|11||1-|1-1|
    SequenceEmpty|11||0-0|1-1|dtype:i
    SequenceErase|11||1-2|1-1|
    SequenceInsert|11||2-3|1-1|
    SequenceLength|11||1-1|1-1|
    SequenceMap|17||1-|1-|body:g
    Shape|1||1-1|1-1|end:i:15- start:i:15-
    Shrink|9||1-1|1-1|bias:f lambd:f
    Sigmoid|1||1-1|1-1|
    Sign|9||1-1|1-1|
    Sin|7||1-1|1-1|
    Sinh|9||1-1|1-1|
    Size|1||1-1|1-1|
    Slice|1||3-5|1-1|axes:I:1-9 ends:I:1-9 starts:I:1-9
    Softmax|1||1-1|1-1|axis:i
    SoftmaxCrossEntropyLoss|12||2-3|1-2|ignore_index:i reduction:s
    Softplus|1||1-1|1-1|
    Softsign|1||1-1|1-1|
    SpaceToDepth|1||1-1|1-1|blocksize:i mode:s:28-
    Split|1||1-2|1-|axis:i num_outputs:i:18- split:I:1-12
    SplitToSequence|11||1-2|1-1|axis:i keepdims:i
    Sqrt|1||1-1|1-1|
    Squeeze|1||1-2|1-1|axes:I:1-12
    StringConcat|20||2-2|1-1|
    StringNormalizer|10||1-1|1-1|case_change_action:s is_case_sensitive:i locale:s stopwords:S
    StringSplit|20||1-1|2-2|delimiter:s maxsplit:i
    Sub|1||2-2|1-1|
    Sum|1||1-|1-1|
    SwiGLU|28||2-2|1-1|alpha:f
    Swish|24||1-1|1-1|alpha:f
    Tan|7||1-1|1-1|
    Tanh|1||1-1|1-1|
    TensorScatter|24||2-3|1-1|axis:i mode:s
    TfIdfVectorizer|9||1-1|1-1|max_gram_length:i max_skip_count:i min_gram_length:i mode:s ngram_counts:I ngram_indexes:I pool_int64s:I pool_strings:S weights:F
    ThresholdedRelu|10||1-1|1-1|alpha:f
    Tile|1||2-3|1-1|
    TopK|1||2-2|2-2|axis:i k:i:1-9 largest:i:11- sorted:i:11-
    Transpose|1||1-1|1-1|perm:I
    Trilu|14||1-2|1-1|upper:i
    Unique|11||1-1|1-4|axis:i sorted:i
    Unsqueeze|1||1-2|1-1|axes:I:1-12
    Upsample|1|9|1-2|1-1|mode:s:1- scales:F:7-8
    Where|9||3-3|1-1|
    Xor|1||2-2|1-1|
    """
  static let learning = """
    ArrayFeatureExtractor|1||2-2|1-1|
    Binarizer|1||1-1|1-1|threshold:f
    CastMap|1||1-1|1-1|cast_to:s map_form:s max_map:i
    CategoryMapper|1||1-1|1-1|cats_int64s:I cats_strings:S default_int64:i default_string:s
    DictVectorizer|1||1-1|1-1|int64_vocabulary:I string_vocabulary:S
    FeatureVectorizer|1||1-|1-1|inputdimensions:I
    Imputer|1||1-1|1-1|imputed_value_floats:F imputed_value_int64s:I replaced_value_float:f replaced_value_int64:i
    LabelEncoder|1||1-1|1-1|classes_strings:S:1-1 default_float:f:2- default_int64:i default_string:s default_tensor:t:4- keys_floats:F:2- keys_int64s:I:2- keys_strings:S:2- keys_tensor:t:4- values_floats:F:2- values_int64s:I:2- values_strings:S:2- values_tensor:t:4-
    LinearClassifier|1||1-1|2-2|classlabels_ints:I classlabels_strings:S coefficients:F intercepts:F multi_class:i post_transform:s
    LinearRegressor|1||1-1|1-1|coefficients:F intercepts:F post_transform:s targets:i
    Normalizer|1||1-1|1-1|norm:s
    OneHotEncoder|1||1-1|1-1|cats_int64s:I cats_strings:S zeros:i
    SVMClassifier|1||1-1|2-2|classlabels_ints:I classlabels_strings:S coefficients:F kernel_params:F kernel_type:s post_transform:s prob_a:F prob_b:F rho:F support_vectors:F vectors_per_class:I
    SVMRegressor|1||1-1|1-1|coefficients:F kernel_params:F kernel_type:s n_supports:i one_class:i post_transform:s rho:F support_vectors:F
    Scaler|1||1-1|1-1|offset:F scale:F
    TreeEnsemble|5||1-1|1-1|aggregate_function:i leaf_targetids:I leaf_weights:t membership_values:t n_targets:i nodes_falseleafs:I nodes_falsenodeids:I nodes_featureids:I nodes_hitrates:t nodes_missing_value_tracks_true:I nodes_modes:t nodes_splits:t nodes_trueleafs:I nodes_truenodeids:I post_transform:i tree_roots:I
    TreeEnsembleClassifier|1||1-1|2-2|base_values:F base_values_as_tensor:t:3- class_ids:I class_nodeids:I class_treeids:I class_weights:F class_weights_as_tensor:t:3- classlabels_int64s:I classlabels_strings:S nodes_falsenodeids:I nodes_featureids:I nodes_hitrates:F nodes_hitrates_as_tensor:t:3- nodes_missing_value_tracks_true:I nodes_modes:S nodes_nodeids:I nodes_treeids:I nodes_truenodeids:I nodes_values:F nodes_values_as_tensor:t:3- post_transform:s
    TreeEnsembleRegressor|1||1-1|1-1|aggregate_function:s base_values:F base_values_as_tensor:t:3- n_targets:i nodes_falsenodeids:I nodes_featureids:I nodes_hitrates:F nodes_hitrates_as_tensor:t:3- nodes_missing_value_tracks_true:I nodes_modes:S nodes_nodeids:I nodes_treeids:I nodes_truenodeids:I nodes_values:F nodes_values_as_tensor:t:3- post_transform:s target_ids:I target_nodeids:I target_treeids:I target_weights:F target_weights_as_tensor:t:3-
    ZipMap|1||1-1|1-1|classlabels_int64s:I classlabels_strings:S
    """
}
