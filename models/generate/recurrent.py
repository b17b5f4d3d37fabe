"""GRU and LSTM over [N, T, C], answering their last hidden state [N, H].

Gate orders and equations are those of the ONNX operators `GRU` (z, r, h, with
`linear_before_reset` = 1) and `LSTM` (i, o, f, c).
"""

import numpy as np

import nn
from layers import Layer, uniform, zeros
from nn import Tensor, pick, squash


class Recurrent(Layer):
    """What both cells share: G gates of H units, input weight [C, G H], state weight [H, G H]."""

    GATES = 0

    def __init__(self, rng, channels, hidden):
        wide = self.GATES * hidden
        self.hidden = hidden
        self.w, self.r = uniform(rng, (channels, wide), 2 * channels), uniform(rng, (hidden, wide), 2 * hidden)
        self.wb, self.rb = zeros(wide), zeros(wide)
        self.parameters = (self.w, self.r, self.wb, self.rb)

    def __call__(self, x, training):
        n, steps, channels = x.shape
        flat = nn.reshape(x, (n * steps, channels))
        # every step's input term in one product: [N, T, G H]
        drive = nn.reshape(nn.dense(flat, self.w, self.wb), (n, steps, -1))
        state = self.start(n)
        for t in range(steps):
            state = self.step(pick(drive, (slice(None), t)), state)
        return state[0]

    def start(self, n):
        return (Tensor(np.zeros((n, self.hidden))),)

    def gate(self, x, i):
        """Columns [N, H] of gate i."""
        return pick(x, (slice(None), slice(i * self.hidden, (i + 1) * self.hidden)))

    def emit(self, graph, x):
        x = graph.node("Transpose", [x], perm=(1, 0, 2))
        constants = [
            ("weight", self.w.value.T[None]),
            ("recurrence", self.r.value.T[None]),
            ("bias", np.concatenate([self.wb.value, self.rb.value])[None]),
        ]
        inputs = [x] + [graph.constant(name, value) for name, value in constants]
        last = graph.node(self.OPERATOR, inputs, unused_outputs=1, hidden_size=self.hidden, **self.ATTRIBUTES)
        return graph.node("Squeeze", [last, graph.constant("axes", np.array([0], np.int64))])


class Gru(Recurrent):
    GATES, OPERATOR, ATTRIBUTES = 3, "GRU", {"linear_before_reset": 1}

    def step(self, drive, state):
        (h,) = state
        back = nn.dense(h, self.r, self.rb)
        z = squash(self.gate(drive, 0) + self.gate(back, 0), "sigmoid")
        r = squash(self.gate(drive, 1) + self.gate(back, 1), "sigmoid")
        fresh = squash(self.gate(drive, 2) + r * self.gate(back, 2), "tanh")
        return (fresh + z * (h - fresh),)


class Lstm(Recurrent):
    GATES, OPERATOR, ATTRIBUTES = 4, "LSTM", {}

    def __init__(self, rng, channels, hidden):
        super().__init__(rng, channels, hidden)
        self.wb.value[2 * hidden : 3 * hidden] = 1  # remember at first (Jozefowicz et al. 2015)

    def start(self, n):
        return Tensor(np.zeros((n, self.hidden))), Tensor(np.zeros((n, self.hidden)))

    def step(self, drive, state):
        h, cell = state
        total = drive + nn.dense(h, self.r, self.rb)
        i, o, f = (squash(self.gate(total, k), "sigmoid") for k in range(3))
        cell = f * cell + i * squash(self.gate(total, 3), "tanh")
        return o * squash(cell, "tanh"), cell
