//! Operators that ONNX Runtime adds to the standard and that its optimiser and exporters leave in files.

mod attention;
mod embed;
mod fused;
mod grouped;
mod mask;
mod nbits;
mod skip;

use super::table::Entry;

pub(super) const OPS: &[Entry] = &[
    Entry::microsoft(
        "Attention",
        &["mask_filter_value", "num_heads", "past_present_share_buffer", "qkv_hidden_sizes", "scale", "unidirectional"],
        attention::attention,
    ),
    Entry::microsoft(
        "MultiHeadAttention",
        &["mask_filter_value", "num_heads", "scale", "unidirectional"],
        attention::multi_head,
    ),
    Entry::microsoft(
        "GroupQueryAttention",
        &[
            "do_rotary",
            "kv_num_heads",
            "local_window_size",
            "num_heads",
            "qk_output",
            "rotary_interleaved",
            "scale",
            "smooth_softmax",
            "softcap",
        ],
        grouped::attention,
    ),
    Entry::microsoft(
        "RotaryEmbedding",
        &["interleaved", "is_packed_batching", "num_heads", "rotary_embedding_dim", "scale"],
        attention::rotary_embedding,
    ),
    Entry::microsoft("EmbedLayerNormalization", &["epsilon", "mask_index_type"], embed::embed),
    Entry::microsoft("SkipLayerNormalization", &["epsilon"], skip::layer),
    Entry::microsoft("SkipSimplifiedLayerNormalization", &["epsilon"], skip::root_mean_square),
    Entry::microsoft("BiasGelu", &[], fused::bias_gelu),
    Entry::microsoft("FastGelu", &[], fused::fast_gelu),
    Entry::microsoft("BiasAdd", &[], fused::bias_add),
    Entry::microsoft("BiasSplitGelu", &[], fused::bias_split_gelu),
    Entry::microsoft(
        "FusedConv",
        &["activation", "activation_params", "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"],
        fused::conv,
    ),
    Entry::microsoft(
        "FusedGemm",
        &["activation", "activation_alpha", "activation_beta", "activation_gamma", "alpha", "beta", "transA", "transB"],
        fused::gemm,
    ),
    Entry::microsoft("MatMulNBits", &["K", "N", "accuracy_level", "bits", "block_size"], nbits::mat_mul),
];
