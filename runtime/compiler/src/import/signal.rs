//! Fourier transforms, windows and mel filters. Tables are computed in f64 by our own functions, and rounded once.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::node::{Built, Cx, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("DFT", 17, &["axis", "inverse", "onesided"], dft),
    Entry::onnx("DFT", 20, &["inverse", "onesided"], dft),
    Entry::onnx("STFT", 17, &["onesided"], stft),
    Entry::onnx("MelWeightMatrix", 17, &["output_datatype"], mel_weight_matrix),
    Entry::onnx("HannWindow", 17, &["output_datatype", "periodic"], window),
    Entry::onnx("HammingWindow", 17, &["output_datatype", "periodic"], window),
    Entry::onnx("BlackmanWindow", 17, &["output_datatype", "periodic"], window),
];

/// Quarter of a full turn.
const QUARTER: f64 = std::f64::consts::FRAC_PI_2;

fn dft(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    expect_real_type(cx, x)?;
    let dims = cx.dims(x);
    let given = if cx.opset >= 20 { cx.optional_scalar(2)?.unwrap_or(-2) } else { cx.int("axis", 1)? };
    let along = axis(given, dims.len())?;
    let parts = *dims.last().ok_or(Reason::Shape { what: "the input", got: vec![] })?;
    if along + 1 == dims.len() || !(1..=2).contains(&parts) {
        return Err(Reason::Shape { what: "the input", got: dims });
    }
    let (inverse, onesided) = (cx.flag("inverse", false)?, cx.flag("onesided", false)?);
    let default = if inverse && onesided { 2 * dims[along].max(1) - 2 } else { dims[along] };
    let len = positive(cx, 1, "dft_length")?.unwrap_or(default);
    let lines = cx.lines(x, along)?;
    let made = match (inverse, onesided) {
        (false, true) if parts == 2 => return Err(Reason::Form("onesided spectra are those of real signals")),
        (true, true) if parts == 1 => return Err(Reason::Form("a spectrum has real and imaginary parts")),
        (true, true) => cx.real_inverse(lines, len)?,
        (false, true) => cx.transform(lines, len, len / 2 + 1, false)?,
        (_, false) => cx.transform(lines, len, len, inverse)?,
    };
    let made = cx.unlines(made, &dims, along)?;
    Ok(vec![made])
}

fn expect_real_type(cx: &Cx<'_>, x: ValueId) -> Result<(), Reason> {
    match cx.dtype(x) {
        DType::F32 | DType::F64 => Ok(()),
        other => Err(Reason::Type(other)),
    }
}

/// A constant size.
fn positive(cx: &Cx<'_>, input: usize, what: &'static str) -> Result<Option<usize>, Reason> {
    let Some(got) = cx.optional_scalar(input)? else { return Ok(None) };
    usize::try_from(got).ok().filter(|&n| n > 0).map(Some).ok_or(Reason::Value { what, got })
}

impl Cx<'_> {
    /// `[.., T, .., parts]` as `[lines, T, parts]`.
    fn lines(&mut self, x: ValueId, along: usize) -> Result<ValueId, Reason> {
        let dims = self.dims(x);
        let rank = dims.len();
        let perm: Vec<usize> = (0..rank).filter(|&a| a != along && a != rank - 1).chain([along, rank - 1]).collect();
        let x = self.transpose(x, &perm)?;
        let lines = perm[..rank - 2].iter().map(|&a| dims[a]).product();
        self.reshape(x, vec![lines, dims[along], dims[rank - 1]])
    }

    /// Undoes [`Self::lines`] for lines and parts of another length.
    fn unlines(&mut self, x: ValueId, dims: &[usize], along: usize) -> Result<ValueId, Reason> {
        let (rank, made) = (dims.len(), self.dims(x));
        let mut moved: Vec<usize> = (0..rank - 1).filter(|&a| a != along).map(|a| dims[a]).collect();
        moved.extend(&made[1..]);
        let x = self.reshape(x, moved)?;
        let mut perm: Vec<usize> = (0..rank - 2).collect();
        perm.insert(along, rank - 2);
        perm.push(rank - 1);
        self.transpose(x, &perm)
    }

    /// The first results of a transform of `[lines, T, 1|2]`.
    fn transform(&mut self, x: ValueId, len: usize, kept: usize, inverse: bool) -> Result<ValueId, Reason> {
        let (dtype, lines) = (self.dtype(x), self.dims(x)[0]);
        if len == 0 {
            return Err(Reason::Value { what: "dft_length", got: 0 });
        }
        let turns = self.turns(dtype, len)?;
        let outputs = vec![(dtype, vec![lines, kept, 2]), (dtype, vec![2, len, 2])];
        Ok(self.emit_all(Op::Dft { inverse }, &[Some(x), Some(turns)], outputs)?[0])
    }

    /// `[lines, T, 2]`, the first half of a spectrum, to the real signal `[lines, len, 1]`. The other half is the conjugate,
    /// from the end.
    fn real_inverse(&mut self, x: ValueId, len: usize) -> Result<ValueId, Reason> {
        let (dtype, [lines, given]) = (self.dtype(x), [self.dims(x)[0], self.dims(x)[1]]);
        let half = len / 2 + 1;
        let x = if given < half {
            let zeros = self.filled(dtype, vec![lines, half - given, 2], 0.0)?;
            self.concat(&[x, zeros], 1)?
        } else {
            self.narrow(x, 1, 0, half)?
        };
        let rest = len - half;
        let whole = if rest == 0 {
            x
        } else {
            let mirrored = self.slice(x, vec![0, rest, 0], vec![1, -1, 1], vec![lines, rest, 2])?;
            let sign = self.constant_f64(vec![2], &[1.0, -1.0])?;
            let sign = self.cast(sign, dtype)?;
            let mirrored = self.binary(Binary::Mul, mirrored, sign)?;
            self.concat(&[x, mirrored], 1)?
        };
        let y = self.transform(whole, len, len, true)?;
        self.narrow(y, 2, 0, 1)
    }

    /// Cosine and minus sine of `2 pi i / len`. Angles are taken from the last quarter turn, so that quarters are exact.
    fn turns(&mut self, dtype: DType, len: usize) -> Result<ValueId, Reason> {
        self.room_for(DType::F64, &[len, 2])?;
        let beyond: Vec<f64> = (0..len).map(|i| (4 * i % len) as f64 / len as f64 * QUARTER).collect();
        let cos = self.function(Unary::Cos, &beyond)?;
        let sin = self.function(Unary::Sin, &beyond)?;
        let turn = |i: usize| match 4 * i / len {
            0 => [cos[i], -sin[i]],
            1 => [-sin[i], -cos[i]],
            2 => [-cos[i], sin[i]],
            _ => [sin[i], cos[i]],
        };
        // Adding zero makes -0.0 positive.
        let turns: Vec<f64> = (0..len).flat_map(turn).map(|v| v + 0.0).collect();
        let turns = self.constant_f64(vec![len, 2], &turns)?;
        self.cast(turns, dtype)
    }

    /// A function of known numbers, computed by the engine.
    fn function(&mut self, function: Unary, of: &[f64]) -> Result<Vec<f64>, Reason> {
        let of = self.constant_f64(vec![of.len()], of)?;
        let made = self.unary(function, of)?;
        self.floats(made).ok_or(Reason::NotConstant(0))
    }

    fn constant_f64(&mut self, dims: Vec<usize>, values: &[f64]) -> Result<ValueId, Reason> {
        self.constant(DType::F64, dims, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    }
}

/// Windows of a signal, each transformed.
fn stft(cx: &mut Cx<'_>) -> Built {
    let signal = cx.input(0)?;
    expect_real_type(cx, signal)?;
    let dims = cx.dims(signal);
    let [batch, length, parts] = match *dims {
        [batch, length] => [batch, length, 1],
        [batch, length, parts @ 1..=2] => [batch, length, parts],
        _ => return Err(Reason::Shape { what: "the signal", got: dims }),
    };
    let step = positive(cx, 1, "frame_step")?.ok_or(Reason::MissingInput(1))?;
    let window = cx.optional(2);
    let window_len = window.map(|window| cx.graph.value(window).count());
    let len = positive(cx, 3, "frame_length")?.or(window_len).unwrap_or(length);
    if len == 0 || len > length || window_len.is_some_and(|window| window != len) {
        return Err(Reason::Value { what: "frame_length", got: len as i64 });
    }
    let onesided = cx.flag("onesided", true)?;
    if onesided && parts == 2 {
        return Err(Reason::Form("onesided spectra are those of real signals"));
    }
    let frames = (length - len) / step + 1;
    let x = cx.reshape(signal, vec![batch, length, parts])?;
    let mut x = cx.emit_as(Op::Frames { axis: 1, step }, &[Some(x)], x, vec![batch, frames, len, parts])?;
    if let Some(window) = window {
        let window = cx.reshape(window, vec![len, 1])?;
        x = cx.binary(Binary::Mul, x, window)?;
    }
    let lines = cx.reshape(x, vec![batch * frames, len, parts])?;
    let kept = if onesided { len / 2 + 1 } else { len };
    let y = cx.transform(lines, len, kept, false)?;
    Ok(vec![cx.reshape(y, vec![batch, frames, kept, 2])?])
}

/// `a - b cos(2 pi i / n) + c cos(4 pi i / n)`, n one less than the size where the window is symmetric.
fn window(cx: &mut Cx<'_>) -> Built {
    let size = cx.optional_scalar(0)?.ok_or(Reason::MissingInput(0))?;
    let size = usize::try_from(size).map_err(|_| Reason::Value { what: "size", got: size })?;
    let dtype = cx.element_type("output_datatype")?.unwrap_or(DType::F32);
    let periodic = cx.flag("periodic", true)?;
    let [a, b, c] = match cx.op() {
        "HannWindow" => [0.5, 0.5, 0.0],
        "HammingWindow" => [25.0 / 46.0, 21.0 / 46.0, 0.0],
        _ => [0.42, 0.5, 0.08],
    };
    let n = if periodic { size } else { size.saturating_sub(1) };
    if size > 0 && n == 0 {
        return Err(Reason::Form("a symmetric window of one element is not defined"));
    }
    cx.room_for(DType::F64, &[size])?;
    let angle = |turns: usize| (0..size).map(|i| 4.0 * QUARTER * (turns * i) as f64 / n as f64).collect::<Vec<f64>>();
    let (once, twice) = (cx.function(Unary::Cos, &angle(1))?, cx.function(Unary::Cos, &angle(2))?);
    let values: Vec<f64> = once.iter().zip(&twice).map(|(once, twice)| a - b * once + c * twice).collect();
    let made = cx.constant_f64(vec![size], &values)?;
    Ok(vec![cx.cast(made, dtype)?])
}

/// Triangles over the bins of a spectrum, evenly spaced on the mel scale.
fn mel_weight_matrix(cx: &mut Cx<'_>) -> Built {
    let size = |cx: &Cx<'_>, i: usize, what| positive(cx, i, what)?.ok_or(Reason::MissingInput(i));
    let (mels, len) = (size(cx, 0, "num_mel_bins")?, size(cx, 1, "dft_length")?);
    let rate = size(cx, 2, "sample_rate")?;
    let edge = |cx: &Cx<'_>, i: usize| match cx.optional_floats(i)?.as_deref() {
        Some([hertz]) if *hertz >= 0.0 => Ok(*hertz),
        _ => Err(Reason::Form("an edge is not one frequency")),
    };
    let (low, high) = (edge(cx, 3)?, edge(cx, 4)?);
    let dtype = cx.element_type("output_datatype")?.unwrap_or(DType::F32);
    let bins = len / 2 + 1;
    cx.room_for(DType::F64, &[bins, mels])?;
    let edges = cx.mel_edges(mels, low, high)?;
    let place = |hertz: f64| ((len + 1) as f64 * hertz / rate as f64).floor() as usize;
    let edges: Vec<usize> = edges.into_iter().map(place).collect();
    let mut weights = vec![0.0; bins * mels];
    for (mel, edge) in edges.windows(3).enumerate() {
        let &[left, center, right] = edge else { continue };
        if center >= bins || right > bins {
            return Err(Reason::Form("its upper edge is above half the sample rate"));
        }
        let ratio = |part: usize, whole: usize| part as f64 / whole as f64;
        for bin in left..=center {
            weights[bin * mels + mel] = if center == left { 1.0 } else { ratio(bin - left, center - left) };
        }
        for bin in center..right {
            weights[bin * mels + mel] = ratio(right - bin, right - center);
        }
    }
    let made = cx.constant_f64(vec![bins, mels], &weights)?;
    Ok(vec![cx.cast(made, dtype)?])
}

impl Cx<'_> {
    /// Frequencies where triangles begin, peak and end.
    fn mel_edges(&mut self, mels: usize, low: f64, high: f64) -> Result<Vec<f64>, Reason> {
        let scale = 2595.0 / std::f64::consts::LN_10;
        let ends = self.function(Unary::Log, &[1.0 + low / 700.0, 1.0 + high / 700.0])?;
        let (low, high) = (scale * ends[0], scale * ends[1]);
        let step = (high - low) / (mels + 2) as f64;
        let places: Vec<f64> = (0..mels + 2).map(|i| (low + step * i as f64) / scale).collect();
        let edges = self.function(Unary::Exp, &places)?;
        Ok(edges.into_iter().map(|e| 700.0 * (e - 1.0)).collect())
    }
}
