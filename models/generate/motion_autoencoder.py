"""An autoencoder that knows standing, running and walking, and is surprised by anything else."""

import numpy as np

import baselines
import data
from evidence import Evidence, Port, Score, Version
from exact import F32
from layers import Dense, Flatten, ReconstructionError, Standardise, Tanh, run
from nn import predict, squared_error, train

SEED = 6
WINDOW, HOP = 20, 5
STRANGE = data.MOTION_LABELS.index("badminton")
QUANTILE = 0.99


def body(rng):
    """Flattened standardised windows [N, 120] -> the same, through 8 numbers."""
    size = WINDOW * 6
    return [
        *(Dense(rng, size, 32), Tanh(), Dense(rng, 32, 8)),
        *(Dense(rng, 8, 32), Tanh(), Dense(rng, 32, size)),
    ]


def distance(known, held):
    """The baseline's score: squared distance from the mean training window, each value in its own deviations."""
    mean, std = known.mean(axis=0), known.std(axis=0)
    return np.square((held - mean) / std).sum(axis=(1, 2))


def build():
    split = data.motions(WINDOW, HOP)
    known = split.x[split.y != STRANGE]
    before, layers = [Standardise(known), Flatten()], body(np.random.Generator(np.random.PCG64(SEED)))
    x = run(before, known)
    train(layers, x, x, squared_error, seed=SEED, epochs=120, batch=32, rate=4e-3)
    network = [*before, ReconstructionError(layers)]
    strange = split.held_y == STRANGE
    value = baselines.auroc(predict(network, split.held_x), strange)
    rival = baselines.auroc(distance(known, split.held_x), strange)
    threshold = float(np.sort(predict(network, known))[int(QUANTILE * len(known))])
    score = Score("AUROC", value, "distance from the mean", rival, 0.05, f"{len(strange)} windows")
    rows = np.concatenate([split.held_x[~strange][[0, 100]], split.held_x[strange][[0, 100]]])
    return Evidence(
        name="motion-autoencoder",
        task="anomaly detection",
        source=data.MOTIONS,
        split="archive split by series; badminton windows occur only among the held-out ones, as the anomaly",
        seed=SEED,
        input=Port("window", ("batch", WINDOW, 6), "2 s at 10 Hz, [time, channel]: acceleration xyz, angular velocity xyz"),
        output=Port("score", ("batch",), "mean squared reconstruction error; higher is stranger"),
        versions=[Version("model.onnx", "cases", "1.0.0", network, f"{len(known)} windows of known motions", score)],
        case_rows=rows.astype(F32),
        tables={"anomaly": {"threshold": round(threshold, 4), "rule": f"quantile {QUANTILE} of the training scores"}},
    )
