"""An MLP over cell nucleus measurements that standardises its raw inputs itself."""

import numpy as np

import baselines
import data
from evidence import Evidence, Port, Version, classification
from layers import BothClasses, Dense, Relu, Standardise, Tanh, run
from nn import Tensor, mean, squash, train

SEED = 30


def body(rng):
    """Standardised [N, 30] -> one logit [N, 1] of "benign"."""
    return [Dense(rng, 30, 16), Relu(), Dense(rng, 16, 8), Tanh(), Dense(rng, 8, 1)]


def brier(logit, target):
    """Mean squared difference between the probability and the truth: bounded, so outliers cannot dominate."""
    gap = squash(logit, "sigmoid") - Tensor(target[:, None])
    return mean(gap * gap, (0, 1))


def build():
    split = data.cancer()
    before, layers = [Standardise(split.x)], body(np.random.Generator(np.random.PCG64(SEED)))
    x = run(before, split.x)
    train(layers, x, split.y, brier, seed=SEED, epochs=60, batch=32, rate=5e-3, decay=0.1)
    network = [*before, *layers, BothClasses()]
    rival = baselines.best_threshold(split)
    score = classification(network, split, "best single threshold", rival, 0.03, "189 patients")
    return Evidence(
        name="cancer-mlp",
        task="tabular classification",
        source=data.CANCER,
        split="rows 2, 5, 8, ... held out (189), the others train (380)",
        seed=SEED,
        input=Port("measurements", ("batch", 30), "raw columns of the data set: mean, error and worst of 10 features"),
        output=Port("probabilities", ("batch", 2), "one probability per label"),
        labels=("malignant", "benign"),
        versions=[Version("model.onnx", "cases", "1.0.0", network, "380 patients", score)],
        case_rows=split.held_x[:4],
    )
