"""A GRU that names the motion in four seconds of smart watch samples."""

import numpy as np

import baselines
import data
from evidence import Evidence, Port, Version, classification
from layers import Dense, Softmax, Standardise, run
from nn import cross_entropy, train
from recurrent import Gru

SEED = 3
WINDOW, HOP = 40, 20
HIDDEN = 16


def build():
    split = data.motions(WINDOW, HOP)
    rng = np.random.Generator(np.random.PCG64(SEED))
    before, layers = [Standardise(split.x)], [Gru(rng, 6, HIDDEN), Dense(rng, HIDDEN, 4)]
    x = run(before, split.x)
    train(layers, x, split.y, cross_entropy, seed=SEED, epochs=60, batch=16, rate=1e-2, decay=0.02)
    network = [*before, *layers, Softmax()]
    rival = baselines.nearest_neighbour(split)
    score = classification(network, split, "1-NN", rival, 0.1, f"{len(split.held_x)} windows of 40 series")
    return Evidence(
        name="motion-gru",
        task="sensor window classification",
        source=data.MOTIONS,
        split="archive split by series: 40 train, 40 held out",
        seed=SEED,
        input=Port("window", (1, WINDOW, 6), "4 s at 10 Hz, [time, channel]: acceleration xyz, angular velocity xyz"),
        output=Port("probabilities", (1, 4), "one probability per label"),
        labels=data.MOTION_LABELS,
        versions=[Version("model.onnx", "cases", "1.0.0", network, f"{len(x)} windows of 40 series", score)],
        case_rows=split.held_x[::40][:4],
    )
