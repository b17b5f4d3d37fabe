"""An autoencoder that knows three everyday motions, and is surprised by anything else.

It learns from the archive's TEST series and is held to its TRAIN series, the other way round than
`motion_gru.py`. Which motion is the strange one was settled by `surprises`, on the training half alone.
"""

import numpy as np

import baselines
import data
from data import Split
from evidence import Evidence, Port, Score, Version
from exact import F32
from layers import Dense, Flatten, ReconstructionError, Standardise, Tanh, run
from nn import predict, squared_error, train

SEED = 6
WINDOW, HOP = 20, 5
TRAIN, HELD = "TEST", "TRAIN"
STRANGE = data.MOTION_LABELS.index("badminton")
FOLDS = 5
QUANTILE = 0.99


def body(rng):
    """Flattened standardised windows [N, 120] -> the same, through 8 numbers."""
    size = WINDOW * 6
    return [
        *(Dense(rng, size, 32), Tanh(), Dense(rng, 32, 8)),
        *(Dense(rng, 8, 32), Tanh(), Dense(rng, 32, size)),
    ]


def fit(known):
    """The network that scores windows [N, 20, 6] by how little they look like the known ones."""
    before, layers = [Standardise(known), Flatten()], body(np.random.Generator(np.random.PCG64(SEED)))
    x = run(before, known)
    train(layers, x, x, squared_error, seed=SEED, epochs=120, batch=32, rate=4e-3)
    return [*before, ReconstructionError(layers)]


def distance(known, held):
    """The baseline's score: squared distance from the mean training window, each value in its own deviations."""
    mean, std = known.mean(axis=0), known.std(axis=0)
    return np.square((held - mean) / std).sum(axis=(1, 2))


def judge(split, stranger):
    """The network that never saw motion `stranger`, its AUROC at telling it from the others, and the baseline's."""
    known, strange = split.x[split.y != stranger], split.held_y == stranger
    network = fit(known)
    scores = predict(network, split.held_x), distance(known, split.held_x)
    return network, *(baselines.auroc(score, strange) for score in scores)


def surprises():
    """For each motion, when it is the strange one: mean AUROC of network and baseline over `FOLDS` folds of
    the training series."""
    x, y = data.motion_series(TRAIN)
    fold = np.arange(len(y)) % FOLDS  # series come sorted by motion: every fold holds all four
    splits = [
        Split(*data.cut(x[fold != f], y[fold != f], WINDOW, HOP), *data.cut(x[fold == f], y[fold == f], WINDOW, HOP))
        for f in range(FOLDS)
    ]
    return [
        np.mean([judge(split, stranger)[1:] for split in splits], axis=0) for stranger in range(len(data.MOTION_LABELS))
    ]


def build():
    split = data.motions(WINDOW, HOP, TRAIN, HELD)
    network, value, rival = judge(split, STRANGE)
    known, strange = split.x[split.y != STRANGE], split.held_y == STRANGE
    threshold = float(np.sort(predict(network, known))[int(QUANTILE * len(known))])
    score = Score("AUROC", value, "distance from the mean", rival, 0.05, f"{len(strange)} windows of 40 series")
    rows = np.concatenate([split.held_x[~strange][[0, 100]], split.held_x[strange][[0, 100]]])
    name = data.MOTION_LABELS[STRANGE]
    return Evidence(
        name="motion-autoencoder",
        task="anomaly detection",
        source=data.MOTIONS,
        split=f"by series: the archive's TEST half trains, without {name}; its TRAIN half is held out, with {name} as the anomaly",
        seed=SEED,
        input=Port("window", ("batch", WINDOW, 6), "2 s at 10 Hz, [time, channel]: acceleration xyz, angular velocity xyz"),
        output=Port("score", ("batch",), "mean squared reconstruction error; higher is stranger"),
        versions=[Version("model.onnx", "cases", "1.0.0", network, f"{len(known)} windows of known motions", score)],
        case_rows=rows.astype(F32),
        tables={"anomaly": {"threshold": round(threshold, 4), "rule": f"quantile {QUANTILE} of the training scores"}},
    )
