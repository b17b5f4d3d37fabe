//! Which kernel serves a step.

use mote_abi::DType;
use mote_plan::{Kind, Plan, Step};

/// Hands the list of kernels to a macro: `callback! { name mote_k_name, ... }`, where `mote_engine::name` runs one step and
/// `mote_k_name` is what the guest exports it as.
///
/// A kernel is named after the kind that it serves. Where the arithmetic depends on the element type there is a second
/// one, `<kind>_f32`, for steps whose first input is f32, and where much of it does, `<kind>_f64`; the plain name serves
/// every other type. So a module links the code of other types only where it has tensors of them.
#[macro_export]
macro_rules! for_each_kernel {
    ($callback:ident) => {
        $callback! {
            conv mote_k_conv,
            depthwise mote_k_depthwise,
            conv_group mote_k_conv_group,
            conv_transpose mote_k_conv_transpose,
            mat_mul mote_k_mat_mul,
            mat_mul_f32 mote_k_mat_mul_f32,
            mat_mul_f64 mote_k_mat_mul_f64,
            pool mote_k_pool,
            pool_f64 mote_k_pool_f64,
            arg_pool mote_k_arg_pool,
            grid_sample mote_k_grid_sample,
            roi_align mote_k_roi_align,
            max_roi_pool mote_k_max_roi_pool,
            unary mote_k_unary,
            unary_f32 mote_k_unary_f32,
            unary_f64 mote_k_unary_f64,
            binary mote_k_binary,
            binary_f32 mote_k_binary_f32,
            binary_f64 mote_k_binary_f64,
            select mote_k_select,
            reduce mote_k_reduce,
            reduce_f32 mote_k_reduce_f32,
            reduce_f64 mote_k_reduce_f64,
            softmax mote_k_softmax,
            softmax_f64 mote_k_softmax_f64,
            copy mote_k_copy,
            fill mote_k_fill,
            halo mote_k_halo,
            cast mote_k_cast,
            gather mote_k_gather,
            gather_elements mote_k_gather_elements,
            gather_nd mote_k_gather_nd,
            scatter_nd mote_k_scatter_nd,
            scatter_elements mote_k_scatter_elements,
            lerp mote_k_lerp,
            arg_reduce mote_k_arg_reduce,
            arg_reduce_f32 mote_k_arg_reduce_f32,
            cum_sum mote_k_cum_sum,
            cum_sum_f32 mote_k_cum_sum_f32,
            cum_prod mote_k_cum_prod,
            det mote_k_det,
            top_k mote_k_top_k,
            top_k_f32 mote_k_top_k_f32,
            lstm mote_k_lstm,
            gru mote_k_gru,
            rnn mote_k_rnn,
            dft mote_k_dft,
            dft_f32 mote_k_dft_f32,
            non_zero mote_k_non_zero,
            unique mote_k_unique,
            non_max_suppression mote_k_non_max_suppression,
            bound mote_k_bound,
            quantize mote_k_quantize,
            dequantize mote_k_dequantize,
            q_conv mote_k_q_conv,
            q_depthwise mote_k_q_depthwise,
            q_conv_group mote_k_q_conv_group,
            lookup mote_k_lookup,
            q_binary mote_k_q_binary,
            q_pool mote_k_q_pool,
            trees mote_k_trees,
            trees_f32 mote_k_trees_f32,
            find mote_k_find,
            find_f32 mote_k_find_f32,
            square_distance mote_k_square_distance,
            square_distance_f32 mote_k_square_distance_f32,
            couple mote_k_couple,
        }
    };
}

macro_rules! dispatch {
    ($($name:ident $export:ident,)*) => {
        /// Every kernel; variants are named as the functions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types, reason = "generated from the list of functions")]
        pub(crate) enum Kernel { $($name,)* }

        impl Kernel {
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            pub(crate) fn run(self, plan: &Plan<'_>, step: &Step<'_>, arena: &mut $crate::Arena<'_>) -> $crate::Result {
                match self { $(Self::$name => $crate::$name(plan, step, arena),)* }
            }
        }

        /// The name of every kernel, as [`kernel_name`] answers it.
        pub const KERNEL_NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

for_each_kernel!(dispatch);

impl Kernel {
    /// The kernel of a step; `None` where a type-dependent step has no first input.
    pub(crate) fn of(plan: &Plan<'_>, step: &Step<'_>) -> Option<Self> {
        let by_type = |f32, f64, other| {
            Some(match plan.tensor(step.input(0)?)?.dtype {
                DType::F32 => f32,
                DType::F64 => f64,
                _ => other,
            })
        };
        Some(match step.kind {
            Kind::Conv => Self::conv,
            Kind::Depthwise => Self::depthwise,
            Kind::ConvGroup => Self::conv_group,
            Kind::MatMul => return by_type(Self::mat_mul_f32, Self::mat_mul_f64, Self::mat_mul),
            Kind::Pool => return by_type(Self::pool, Self::pool_f64, Self::pool),
            Kind::ArgPool => Self::arg_pool,
            Kind::GridSample => Self::grid_sample,
            Kind::RoiAlign => Self::roi_align,
            Kind::MaxRoiPool => Self::max_roi_pool,
            Kind::Unary => return by_type(Self::unary_f32, Self::unary_f64, Self::unary),
            Kind::Binary => return by_type(Self::binary_f32, Self::binary_f64, Self::binary),
            Kind::Select => Self::select,
            Kind::Reduce => return by_type(Self::reduce_f32, Self::reduce_f64, Self::reduce),
            Kind::Softmax => return by_type(Self::softmax, Self::softmax_f64, Self::softmax),
            Kind::Copy => Self::copy,
            Kind::Fill => Self::fill,
            Kind::Halo => Self::halo,
            Kind::Cast => Self::cast,
            Kind::Gather => Self::gather,
            Kind::GatherElements => Self::gather_elements,
            Kind::GatherNd => Self::gather_nd,
            Kind::ScatterNd => Self::scatter_nd,
            Kind::ScatterElements => Self::scatter_elements,
            Kind::Lerp => Self::lerp,
            Kind::ArgReduce => return by_type(Self::arg_reduce_f32, Self::arg_reduce, Self::arg_reduce),
            Kind::CumSum => return by_type(Self::cum_sum_f32, Self::cum_sum, Self::cum_sum),
            Kind::CumProd => Self::cum_prod,
            Kind::Det => Self::det,
            Kind::TopK => return by_type(Self::top_k_f32, Self::top_k, Self::top_k),
            Kind::Lstm => Self::lstm,
            Kind::Gru => Self::gru,
            Kind::Rnn => Self::rnn,
            Kind::ConvTranspose => Self::conv_transpose,
            Kind::Dft => return by_type(Self::dft_f32, Self::dft, Self::dft),
            Kind::NonZero => Self::non_zero,
            Kind::Unique => Self::unique,
            Kind::NonMaxSuppression => Self::non_max_suppression,
            Kind::Bound => Self::bound,
            Kind::Quantize => Self::quantize,
            Kind::Dequantize => Self::dequantize,
            Kind::QConv => Self::q_conv,
            Kind::QDepthwise => Self::q_depthwise,
            Kind::QConvGroup => Self::q_conv_group,
            Kind::Lookup => Self::lookup,
            Kind::QBinary => Self::q_binary,
            Kind::QPool => Self::q_pool,
            Kind::Trees => return by_type(Self::trees_f32, Self::trees, Self::trees),
            Kind::Find => return by_type(Self::find_f32, Self::find, Self::find),
            Kind::SquareDistance => {
                return by_type(Self::square_distance_f32, Self::square_distance, Self::square_distance);
            }
            Kind::Couple => Self::couple,
        })
    }
}

/// The kernel that serves a step, without the export's prefix. `None` where the step has no first input to tell by.
pub fn kernel_name(plan: &Plan<'_>, step: &Step<'_>) -> Option<&'static str> {
    Kernel::of(plan, step).map(Kernel::name)
}
