"""A separable CNN that reads handwritten digits: BatchNorm and a depthwise convolution in it."""

import numpy as np

import baselines
import data
from evidence import Evidence, Port, Version, classification
from layers import BatchNorm, Conv, Dense, Flatten, MaxPool, Relu, Scale, Softmax, run
from nn import cross_entropy, train

SEED = 8


def body(rng):
    """[N, 1, 8, 8] in 0..1 -> logits [N, 10]."""
    return [
        *(Conv(rng, 1, 16, (3, 3)), BatchNorm(16), Relu()),
        *(Conv(rng, 16, 16, (3, 3), depthwise=True), BatchNorm(16), Relu(top=6)),
        *(Conv(rng, 16, 32, (1, 1)), BatchNorm(32), Relu(), MaxPool((2, 2))),
        *(Conv(rng, 32, 32, (3, 3)), BatchNorm(32), Relu(), MaxPool((2, 2))),
        *(Flatten(), Dense(rng, 128, 10)),
    ]


def shift(x, rng):
    """Move each image by up to one pixel in each direction, as a careless crop would."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(x), 2))
    return np.stack([image[:, i : i + 8, j : j + 8] for image, (i, j) in zip(padded, moves)])


def build():
    split = data.digits()
    before, layers = [Scale(1 / 16)], body(np.random.Generator(np.random.PCG64(SEED)))
    x = run(before, split.x)
    train(layers, x, split.y, cross_entropy, seed=SEED, epochs=40, batch=64, rate=4e-3, decay=0.02, augment=shift)
    network = [*before, *layers, Softmax()]
    rival = baselines.nearest_centroid(split)
    score = classification(network, split, "nearest centroid", rival, 0.05, "597 digits")
    return Evidence(
        name="digits-cnn",
        task="image classification",
        source=data.DIGITS,
        split="first 1200 digits train, last 597 held out, in file order",
        seed=SEED,
        input=Port("image", ("batch", 1, 8, 8), "ink per pixel, 0 (white) to 16 (black)"),
        output=Port("probabilities", ("batch", 10), "one probability per label"),
        labels=tuple("0123456789"),
        versions=[Version("model.onnx", "cases", "1.0.0", network, "1200 digits", score)],
        case_rows=split.held_x[:4],
    )
