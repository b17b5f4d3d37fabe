"""A small tape of f32 tensors with explicit gradients, Adam, and the training loop.

Tensors are numpy f32 arrays; a leading axis N is the batch. Each operation returns a new
`Tensor` that remembers, for every parent, how a gradient flows back to it.
"""

import numpy as np

from exact import F32, matmul, sigmoid, softmax, tanh


class Tensor:
    """A value, its gradient, and the pairs (parent, gradient function) it came from."""

    def __init__(self, value, parents=()):
        self.value = np.asarray(value, F32)
        self.grad = None
        self.parents = parents

    @property
    def shape(self):
        return self.value.shape

    def backward(self):
        """Fill `grad` of everything this scalar depends on."""
        self.grad = np.ones_like(self.value)
        for node in reversed(_topological(self)):
            for parent, flow in node.parents:
                part = flow(node.grad)
                parent.grad = part if parent.grad is None else parent.grad + part

    def __add__(self, other):
        return add(self, other)

    def __sub__(self, other):
        return add(self, scale(other, -1))

    def __mul__(self, other):
        return mul(self, other)


def _topological(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.parents)
    return order


def _fit(grad, shape):
    """Sum a gradient over the axes that broadcasting added or stretched."""
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


def add(a, b):
    return Tensor(
        a.value + b.value,
        ((a, lambda g: _fit(g, a.shape)), (b, lambda g: _fit(g, b.shape))),
    )


def mul(a, b):
    return Tensor(
        a.value * b.value,
        ((a, lambda g: _fit(g * b.value, a.shape)), (b, lambda g: _fit(g * a.value, b.shape))),
    )


def scale(a, factor):
    return Tensor(a.value * F32(factor), ((a, lambda g: g * F32(factor)),))


def dense(x, w, b):
    """x [N, K], w [K, M], b [M] -> [N, M]."""
    return Tensor(
        matmul(x.value, w.value) + b.value,
        (
            (x, lambda g: matmul(g, w.value.T)),
            (w, lambda g: matmul(x.value.T, g)),
            (b, lambda g: g.sum(axis=0)),
        ),
    )


def relu(x, top=np.inf):
    """Clamp to [0, top]."""
    inside = (x.value > 0) & (x.value < top)
    return Tensor(np.clip(x.value, 0, F32(top)), ((x, lambda g: g * inside),))


def squash(x, function):
    """tanh or sigmoid, by name."""
    if function == "tanh":
        y = tanh(x.value)
        return Tensor(y, ((x, lambda g: g * (F32(1) - y * y)),))
    y = sigmoid(x.value)
    return Tensor(y, ((x, lambda g: g * y * (F32(1) - y)),))


def reshape(x, shape):
    return Tensor(x.value.reshape(shape), ((x, lambda g: g.reshape(x.shape)),))


def transpose(x, axes):
    back = np.argsort(axes)
    return Tensor(x.value.transpose(axes), ((x, lambda g: g.transpose(back)),))


def pick(x, index):
    """x[index] for a basic (slice or integer) index."""

    def flow(g):
        out = np.zeros_like(x.value)
        out[index] = g
        return out

    return Tensor(x.value[index], ((x, flow),))


def mean(x, axes):
    """Mean over `axes`, which are dropped."""
    count = F32(np.prod([x.shape[a] for a in axes]))
    return Tensor(
        x.value.sum(axis=axes) / count,
        ((x, lambda g: np.broadcast_to(np.expand_dims(g, axes), x.shape) / count),),
    )


def max_pool(x, size):
    """x [N, C, H, W], window = stride = size = (h, w), which must divide H and W."""
    n, c, height, width = x.shape
    h, w = size
    tiles = x.value.reshape(n, c, height // h, h, width // w, w).transpose(0, 1, 2, 4, 3, 5)
    tiles = tiles.reshape(*tiles.shape[:4], h * w)
    best = tiles.argmax(axis=-1)[..., None]

    def flow(g):
        out = np.zeros_like(tiles)
        np.put_along_axis(out, best, g[..., None], axis=-1)
        out = out.reshape(*tiles.shape[:4], h, w).transpose(0, 1, 2, 4, 3, 5)
        return out.reshape(x.shape)

    return Tensor(tiles.max(axis=-1), ((x, flow),))


def _taps(x, kernel, stride, pad):
    """Views [N, C, OH, OW] of padded x, one per kernel tap, in (ky, kx) order."""
    (kh, kw), (ph, pw) = kernel, pad
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh = (padded.shape[2] - kh) // stride[0] + 1
    ow = (padded.shape[3] - kw) // stride[1] + 1
    spans = [
        (slice(None), slice(None), slice(y, y + stride[0] * oh, stride[0]), slice(q, q + stride[1] * ow, stride[1]))
        for y in range(kh)
        for q in range(kw)
    ]
    return padded, spans, (oh, ow)


def _unpad(padded, pad):
    """Crop the border that `_taps` added."""
    h, w = padded.shape[2:]
    return padded[:, :, pad[0] : h - pad[0], pad[1] : w - pad[1]]


def conv(x, w, b, stride, pad):
    """x [N, C, H, W], w [M, C, kh, kw], b [M] -> [N, M, OH, OW]."""
    n, c = x.shape[:2]
    m, kernel = w.shape[0], w.shape[2:]
    padded, spans, (oh, ow) = _taps(x.value, kernel, stride, pad)
    # columns [C, taps, N * OH * OW], so that the long axis is contiguous
    columns = np.stack([padded[s].transpose(1, 0, 2, 3).reshape(c, -1) for s in spans], axis=1)
    columns = columns.reshape(c * len(spans), -1)
    flat = w.value.reshape(m, -1)
    out = matmul(flat, columns).reshape(m, n, oh, ow).transpose(1, 0, 2, 3)

    def rows(g):
        return g.transpose(1, 0, 2, 3).reshape(m, -1)

    def to_x(g):
        back = matmul(np.ascontiguousarray(flat.T), rows(g)).reshape(c, len(spans), n, oh, ow)
        out = np.zeros_like(padded)
        for i, span in enumerate(spans):
            out[span] += back[:, i].transpose(1, 0, 2, 3)
        return _unpad(out, pad)

    return Tensor(
        out + b.value[:, None, None],
        (
            (x, to_x),
            (w, lambda g: matmul(rows(g), columns.T).reshape(w.shape)),
            (b, lambda g: g.sum(axis=(0, 2, 3))),
        ),
    )


def depthwise(x, w, b, stride, pad):
    """x [N, C, H, W], w [C, 1, kh, kw], b [C]: each channel by its own kernel."""
    c, kernel = x.shape[1], w.shape[2:]
    padded, spans, _ = _taps(x.value, kernel, stride, pad)
    taps = w.value.reshape(c, -1)
    out = sum(padded[s] * taps[:, i, None, None] for i, s in enumerate(spans))

    def to_x(g):
        out = np.zeros_like(padded)
        for i, span in enumerate(spans):
            out[span] += g * taps[:, i, None, None]
        return _unpad(out, pad)

    def to_w(g):
        return np.stack([(g * padded[s]).sum(axis=(0, 2, 3)) for s in spans], axis=1).reshape(w.shape)

    return Tensor(
        out + b.value[:, None, None],
        ((x, to_x), (w, to_w), (b, lambda g: g.sum(axis=(0, 2, 3)))),
    )


def cross_entropy(logits, target):
    """logits [N, K], target [N] of class indices. The gradient is that of the mean cross entropy; the
    value, which nothing uses and which would need a logarithm, is 1 - the mean right probability."""
    p = softmax(logits.value)
    hot = np.zeros_like(p)
    hot[np.arange(len(target)), target] = 1
    value = F32(1) - (p * hot).sum() / F32(len(target))
    return Tensor(value, ((logits, lambda g: g * (p - hot) / F32(len(target))),))


def squared_error(output, target):
    """Mean squared error over all elements."""
    gap = output - Tensor(target)
    return mean(gap * gap, tuple(range(output.value.ndim)))


class Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); matrices and kernels decay."""

    def __init__(self, parameters, decay=0.0):
        self.parameters = parameters
        self.decay = F32(decay)
        self.moments = [(np.zeros_like(p.value), np.zeros_like(p.value)) for p in parameters]
        self.fades = [F32(1), F32(1)]

    def step(self, rate):
        b1, b2 = F32(0.9), F32(0.999)
        self.fades = [self.fades[0] * b1, self.fades[1] * b2]
        for p, (m, v) in zip(self.parameters, self.moments):
            m += (F32(1) - b1) * (p.grad - m)
            v += (F32(1) - b2) * (p.grad * p.grad - v)
            slope = m / (F32(1) - self.fades[0])
            size = np.sqrt(v / (F32(1) - self.fades[1])) + F32(1e-8)
            if p.value.ndim > 1:
                p.value -= F32(rate) * self.decay * p.value
            p.value -= F32(rate) * (slope / size)
            p.grad = None


def train(layers, x, y, loss, *, seed, epochs, batch, rate, decay=0.0, augment=None):
    """Train `layers` in place on x [N, ...], y [N, ...]; the rate falls linearly to zero.

    A last batch smaller than half of `batch` is dropped: its statistics would be noise.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    adam = Adam([p for layer in layers for p in layer.parameters], decay)
    steps = epochs * (len(x) // batch + 1)
    step = 0
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            step += 1
            if 2 * len(rows) < batch:
                continue
            inputs = x[rows] if augment is None else augment(x[rows], rng)
            value = Tensor(inputs)
            for layer in layers:
                value = layer(value, training=True)
            loss(value, y[rows]).backward()
            adam.step(rate * (steps - step) / steps)


def predict(layers, x, batch=256):
    """The trained layers on x [N, ...], in inference mode."""
    parts = []
    for start in range(0, len(x), batch):
        value = Tensor(x[start : start + batch])
        for layer in layers:
            value = layer(value, training=False)
        parts.append(value.value)
    return np.concatenate(parts)
