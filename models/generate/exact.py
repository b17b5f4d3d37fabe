"""Float arithmetic whose result bits do not depend on the machine.

BLAS and numpy's `exp` pick their kernels by processor, and training amplifies a last-bit
difference into different weights. Everything here is built from IEEE add, multiply, divide,
square root and rounding, each applied element by element in a fixed order, so a regenerated
model equals the committed one byte for byte. The price is speed: about 1 GMAC/s.
"""

import numpy as np

F32 = np.float32
CHAIN_LIMIT = 256  # contractions longer than this are summed row by row
BLOCK = 1 << 16  # elements of a partial product kept in cache

LOG2E = F32(1.4426950408889634)
LN2_HIGH, LN2_LOW = F32(0.693359375), F32(-2.12194440e-4)
EXP_POLYNOMIAL = [1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0]


def matmul(a, b):
    """[n, k] times [k, m] -> [n, m]; the schedule depends on the shapes alone."""
    if a.shape[1] > CHAIN_LIMIT:
        return _by_rows(a, b)
    if a.shape[0] > b.shape[1]:
        return _chain(np.ascontiguousarray(b.T), np.ascontiguousarray(a.T)).T
    return _chain(a, np.ascontiguousarray(b))


def _chain(a, b):
    """One ascending chain over k, on column blocks that stay in cache."""
    n, k = a.shape
    m = b.shape[1]
    out = np.zeros((n, m), a.dtype)
    step = max(1, BLOCK // n)
    for start in range(0, m, step):
        block = b[:, start : start + step]
        total = out[:, start : start + step]
        part = np.empty((n, block.shape[1]), a.dtype)
        for i in range(k):
            np.multiply(a[:, i, None], block[i], out=part)
            np.add(total, part, out=total)
    return out


def _by_rows(a, b):
    """numpy's pairwise sum over a long k: plain C with eight fixed partial sums."""
    columns = np.ascontiguousarray(b.T)
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    for i, row in enumerate(a):
        out[i] = (columns * row).sum(axis=1)
    return out


def exp(x):
    """e^x for f32 x, clamped to +-87; error below 2e-7 relative."""
    x = np.clip(x, F32(-87), F32(87))
    power = np.rint(x * LOG2E)
    rest = x - power * LN2_HIGH - power * LN2_LOW
    value = np.full_like(rest, EXP_POLYNOMIAL[0])
    for coefficient in EXP_POLYNOMIAL[1:]:
        value = value * rest + F32(coefficient)
    return np.ldexp(value, power.astype(np.int32))


def sigmoid(x):
    """1 / (1 + e^-x)."""
    return F32(1) / (F32(1) + exp(-x))


def tanh(x):
    """2 sigmoid(2x) - 1: exact enough for training, within 2e-7 of the true value."""
    return F32(2) * sigmoid(F32(2) * x) - F32(1)


def softmax(x):
    """Softmax over the last axis."""
    shifted = exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
