"""Layers: parameters, the forward pass for training, and the ONNX nodes they become.

`layer(x, training)` maps a Tensor to a Tensor; `layer.emit(graph, x)` appends the same
function to an `onnx_write.Graph` and returns the name of its output. One list of layers is
therefore both what is trained and what is shipped.
"""

import math

import numpy as np

import nn
from exact import F32, sigmoid, softmax
from nn import Tensor


def uniform(rng, shape, fan_in):
    """He-uniform start: variance 2 / fan_in."""
    bound = math.sqrt(6.0 / fan_in)
    return Tensor((2.0 * rng.random(shape) - 1.0) * bound)


def zeros(*shape):
    return Tensor(np.zeros(shape))


class Layer:
    """A function without parameters, unless `parameters` is set."""

    parameters = ()


class Scale(Layer):
    """Multiply by a constant, e.g. 1/16 for pixels in 0..16."""

    def __init__(self, factor):
        self.factor = np.asarray(factor, F32)

    def __call__(self, x, training):
        return nn.mul(x, Tensor(self.factor))

    def emit(self, graph, x):
        return graph.node("Mul", [x, graph.constant("factor", self.factor)])


class Standardise(Layer):
    """(x - mean) / std, broadcast over the last axis [C]; fitted on training data only."""

    def __init__(self, samples):
        flat = np.asarray(samples, np.float64).reshape(-1, samples.shape[-1])
        self.mean = flat.mean(axis=0).astype(F32)
        self.std = flat.std(axis=0).astype(F32)

    def __call__(self, x, training):
        return Tensor((x.value - self.mean) / self.std)

    def emit(self, graph, x):
        centred = graph.node("Sub", [x, graph.constant("mean", self.mean)])
        return graph.node("Div", [centred, graph.constant("std", self.std)])


class Dense(Layer):
    """[N, K] -> [N, M], a Gemm with its weight stored [M, K]."""

    def __init__(self, rng, k, m):
        self.w, self.b = uniform(rng, (k, m), k), zeros(m)
        self.parameters = (self.w, self.b)

    def __call__(self, x, training):
        return nn.dense(x, self.w, self.b)

    def emit(self, graph, x):
        w = graph.constant("weight", self.w.value.T)
        return graph.node("Gemm", [x, w, graph.constant("bias", self.b.value)], transB=1)


class Conv(Layer):
    """Convolution of [N, C, ...] over one or two spatial axes; `depthwise` means one kernel per channel."""

    def __init__(self, rng, c, m, kernel, stride=1, depthwise=False):
        self.kernel = kernel
        self.stride = (stride,) * len(kernel)
        self.pad = tuple(k // 2 for k in kernel)
        self.depthwise, self.groups = depthwise, c if depthwise else 1
        fan_in = (1 if depthwise else c) * math.prod(kernel)
        self.w = uniform(rng, (m, c // self.groups, *_plane(kernel, 1)), fan_in)
        self.b = zeros(m)
        self.parameters = (self.w, self.b)

    def __call__(self, x, training):
        flat = len(self.kernel) == 1
        if flat:
            x = nn.reshape(x, (*x.shape[:2], 1, x.shape[2]))
        apply = nn.depthwise if self.depthwise else nn.conv
        y = apply(x, self.w, self.b, _plane(self.stride, 1), _plane(self.pad, 0))
        return nn.reshape(y, (*y.shape[:2], y.shape[3])) if flat else y

    def emit(self, graph, x):
        w = self.w.value.reshape(*self.w.shape[:2], *self.kernel)
        return graph.node(
            "Conv",
            [x, graph.constant("weight", w), graph.constant("bias", self.b.value)],
            kernel_shape=self.kernel,
            strides=self.stride,
            pads=self.pad * 2,
            group=self.groups,
        )


def _plane(sizes, first):
    """One spatial size as two: a signal is an image of height 1."""
    return sizes if len(sizes) == 2 else (first, *sizes)


class BatchNorm(Layer):
    """Normalise each channel of [N, C, ...] by batch statistics, at inference by running ones."""

    EPSILON, KEEP = F32(1e-5), F32(0.9)

    def __init__(self, c):
        self.gain, self.shift = Tensor(np.ones(c)), zeros(c)
        self.mean, self.variance = np.zeros(c, F32), np.ones(c, F32)
        self.parameters = (self.gain, self.shift)

    def __call__(self, x, training):
        axes = (0, *range(2, x.value.ndim))
        wide = (-1, *(1,) * (x.value.ndim - 2))
        count = F32(x.value.size // x.shape[1])
        if training:
            mean = x.value.sum(axis=axes) / count
            variance = np.square(x.value - mean.reshape(wide)).sum(axis=axes) / count
            self.mean = self.KEEP * self.mean + (F32(1) - self.KEEP) * mean
            self.variance = self.KEEP * self.variance + (F32(1) - self.KEEP) * variance
        else:
            mean, variance = self.mean, self.variance
        spread = np.sqrt(variance + self.EPSILON).reshape(wide)
        hat = (x.value - mean.reshape(wide)) / spread
        gain = self.gain.value.reshape(wide)

        def to_x(g):
            level = (g.sum(axis=axes) / count).reshape(wide)
            slope = ((g * hat).sum(axis=axes) / count).reshape(wide)
            return gain / spread * (g - level - hat * slope)

        return Tensor(
            hat * gain + self.shift.value.reshape(wide),
            (
                (x, to_x),
                (self.gain, lambda g: (g * hat).sum(axis=axes)),
                (self.shift, lambda g: g.sum(axis=axes)),
            ),
        )

    def emit(self, graph, x):
        named = [
            ("scale", self.gain.value),
            ("bias", self.shift.value),
            ("mean", self.mean),
            ("variance", self.variance),
        ]
        inputs = [x] + [graph.constant(name, value) for name, value in named]
        return graph.node("BatchNormalization", inputs, epsilon=float(self.EPSILON))


class Relu(Layer):
    """max(x, 0), or clamped to [0, top] when `top` is given."""

    def __init__(self, top=None):
        self.top = top

    def __call__(self, x, training):
        return nn.relu(x, np.inf if self.top is None else self.top)

    def emit(self, graph, x):
        if self.top is None:
            return graph.node("Relu", [x])
        limits = [graph.constant("low", F32(0)), graph.constant("high", F32(self.top))]
        return graph.node("Clip", [x, *limits])


class Tanh(Layer):
    def __call__(self, x, training):
        return nn.squash(x, "tanh")

    def emit(self, graph, x):
        return graph.node("Tanh", [x])


class MaxPool(Layer):
    """Non-overlapping windows over [N, C, H, W]."""

    def __init__(self, size):
        self.size = size

    def __call__(self, x, training):
        return nn.max_pool(x, self.size)

    def emit(self, graph, x):
        return graph.node("MaxPool", [x], kernel_shape=self.size, strides=self.size)


class GlobalAverage(Layer):
    """[N, C, L] -> [N, C]."""

    def __call__(self, x, training):
        return nn.mean(x, (2,))

    def emit(self, graph, x):
        return graph.node("Flatten", [graph.node("GlobalAveragePool", [x])], axis=1)


class Flatten(Layer):
    """[N, ...] -> [N, K]."""

    def __call__(self, x, training):
        return nn.reshape(x, (x.shape[0], -1))

    def emit(self, graph, x):
        return graph.node("Flatten", [x], axis=1)


class Unsqueeze(Layer):
    """[N, T] -> [N, T, 1]: a sequence of one channel."""

    def __call__(self, x, training):
        return nn.reshape(x, (*x.shape, 1))

    def emit(self, graph, x):
        return graph.node("Unsqueeze", [x, graph.constant("axes", np.array([2], np.int64))])


class ChannelsFirst(Layer):
    """A window as it was recorded, [N, T, C], to what Conv takes, [N, C, T]."""

    def __call__(self, x, training):
        return nn.transpose(x, (0, 2, 1))

    def emit(self, graph, x):
        return graph.node("Transpose", [x], perm=(0, 2, 1))


class Softmax(Layer):
    """Logits [N, K] -> probabilities; only at inference."""

    def __call__(self, x, training):
        return Tensor(softmax(x.value))

    def emit(self, graph, x):
        return graph.node("Softmax", [x], axis=1)


class BothClasses(Layer):
    """One logit [N, 1] of class 1 -> probabilities [N, 2] of classes 0 and 1; only at inference."""

    def __call__(self, x, training):
        p = sigmoid(x.value)
        return Tensor(np.concatenate([F32(1) - p, p], axis=1))

    def emit(self, graph, x):
        p = graph.node("Sigmoid", [x])
        rest = graph.node("Sub", [graph.constant("one", F32(1)), p])
        return graph.node("Concat", [rest, p], axis=1)


def run(layers, x):
    """Inference values of a list of layers on an array."""
    value = Tensor(x)
    for layer in layers:
        value = layer(value, training=False)
    return value.value


def emit_all(layers, graph, x):
    for layer in layers:
        x = layer.emit(graph, x)
    return x


class ReconstructionError(Layer):
    """x [N, K] -> mean squared difference [N] between x and what `inner` makes of it."""

    def __init__(self, inner):
        self.inner = inner
        self.parameters = tuple(p for layer in inner for p in layer.parameters)

    def __call__(self, x, training):
        return Tensor(np.square(x.value - run(self.inner, x.value)).mean(axis=1))

    def emit(self, graph, x):
        gap = graph.node("Sub", [x, emit_all(self.inner, graph, x)])
        square = graph.node("Pow", [gap, graph.constant("two", F32(2))])
        return graph.node("ReduceMean", [square], axes=(1,), keepdims=0)


class OwnScale(Layer):
    """Runs `inner` on x [N, T] in units of its own mean and deviation, and maps the answer back.

    The result follows any affine change of units: f(a x + b) = a f(x) + b for a > 0.
    """

    EPSILON = F32(1e-6)

    def __init__(self, inner):
        self.inner = inner
        self.parameters = tuple(p for layer in inner for p in layer.parameters)

    def split(self, x):
        """Level [N, 1] and spread [N, 1] of each row."""
        level = x.mean(axis=1, keepdims=True)
        return level, np.sqrt(np.square(x - level).mean(axis=1, keepdims=True) + self.EPSILON)

    def __call__(self, x, training):
        level, spread = self.split(x.value)
        return Tensor(run(self.inner, (x.value - level) / spread) * spread + level)

    def emit(self, graph, x):
        level = graph.node("ReduceMean", [x], axes=(1,), keepdims=1)
        gap = graph.node("Sub", [x, level])
        square = graph.node("Pow", [gap, graph.constant("two", F32(2))])
        variance = graph.node("ReduceMean", [square], axes=(1,), keepdims=1)
        padded = graph.node("Add", [variance, graph.constant("epsilon", self.EPSILON)])
        spread = graph.node("Sqrt", [padded])
        answer = emit_all(self.inner, graph, graph.node("Div", [gap, spread]))
        return graph.node("Add", [graph.node("Mul", [answer, spread]), level])
