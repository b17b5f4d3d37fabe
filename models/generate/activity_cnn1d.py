"""A 1-D CNN that names a shoulder exercise from a wrist watch, and its retraining.

Version 1 learnt from a pilot of two people, version 2 from seven: same network, same recipe. Three
other people are held out from both; the demo replays them as devices from `stream.csv`. The recipe
was settled by `recipes`, on the seven alone.
"""

import numpy as np

import baselines
import data
from data import Split
from evidence import Evidence, Port, Version, classification
from exact import F32
from layers import BatchNorm, ChannelsFirst, Conv, Dense, GlobalAverage, Relu, Softmax, Standardise, run
from nn import cross_entropy, predict, train

SEED = 1
RATE = 25.0
WINDOW, HOP, DEBOUNCE = 64, 16, 3
CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
PILOT, EVERYONE, HELD = (1, 2), (1, 2, 3, 4, 8, 9, 10), (5, 6, 7)
FOLDS = ((1, 2), (3, 4), (8, 9, 10))
DEVICES = ((5, "left"), (6, "right"), (7, "left"))
SEGMENT = 192  # samples of each exercise in the stream

# the other wrist: acceleration mirrors along x, angular velocity (a pseudovector) along y and z
MIRROR = np.array([-1, 1, 1, 1, -1, -1], F32)


def body(rng):
    """Standardised windows [N, 64, 6] -> logits [N, 7]."""
    return [
        *(ChannelsFirst(), Conv(rng, 6, 16, (5,), stride=2), BatchNorm(16), Relu()),
        *(Conv(rng, 16, 16, (5,), depthwise=True), BatchNorm(16), Relu(top=6)),
        *(Conv(rng, 16, 32, (1,)), BatchNorm(32), Relu()),
        *(Conv(rng, 32, 32, (5,), stride=2, depthwise=True), BatchNorm(32), Relu(top=6)),
        *(Conv(rng, 32, 48, (1,)), BatchNorm(48), Relu()),
        *(GlobalAverage(), Dense(rng, 48, len(data.WATCH_LABELS))),
    ]


def loosen(x, rng):
    """Another watch on the same wrist: gain within 15 %, a small offset per channel."""
    gain = 1 + 0.15 * (2 * rng.random((len(x), 1, 6)) - 1)
    offset = 0.1 * (2 * rng.random((len(x), 1, 6)) - 1)
    return (x * gain + offset).astype(F32)


def wear(x, rng):
    """Wear the watch differently: as `loosen`, and half the time on the other wrist."""
    flip = rng.random(len(x)) < 0.5
    return loosen(np.where(flip[:, None, None], x * MIRROR, x), rng)


RECIPES = {"as recorded": None, "gain and offset": loosen, "gain, offset and other wrist": wear}
RECIPE = "gain, offset and other wrist"


class Units(Standardise):
    """One deviation for acceleration, one for angular velocity, no centring: mirroring stays a sign."""

    def __init__(self, samples):
        super().__init__(samples)
        self.mean[:] = 0
        self.std[:3], self.std[3:] = self.std[:3].mean(), self.std[3:].mean()


def fit(split, recipe):
    """A network trained on the training half of a split."""
    before, layers = [Units(split.x)], body(np.random.Generator(np.random.PCG64(SEED)))
    x = run(before, split.x)
    augment = RECIPES[recipe]
    train(layers, x, split.y, cross_entropy, seed=SEED, epochs=20, batch=64, rate=3e-3, decay=0.01, augment=augment)
    return [*before, *layers, Softmax()]


def recipes():
    """For each recipe: its accuracy on each of `FOLDS`, trained on the rest of version 2's people."""
    recordings = data.watch()
    splits = []
    for fold in FOLDS:
        rest = [subject for subject in EVERYONE if subject not in fold]
        splits.append(Split(*windows(recordings, rest), *windows(recordings, fold)))
    return {
        recipe: [baselines.accuracy(predict(fit(s, recipe), s.held_x).argmax(axis=1), s.held_y) for s in splits]
        for recipe in RECIPES
    }


def version(recordings, subjects, number, file, cases, rival, margin):
    """Train on some subjects and score on the held-out ones, beside `rival` = (name, baseline) given the same windows."""
    split = Split(*windows(recordings, subjects), *windows(recordings, HELD))
    network = fit(split, RECIPE)
    held_out = f"{len(split.held_x)} windows of subjects {', '.join(map(str, HELD))}"
    score = classification(network, split, rival[0], rival[1](split), margin, held_out)
    people = f"{len(split.x)} windows of subjects {', '.join(map(str, subjects))}"
    return Version(file, cases, number, network, people, score)


def windows(recordings, subjects):
    return data.watch_windows([r for r in recordings if r.subject in subjects], WINDOW, HOP)


def stream(recordings):
    """Rows (device, t, six channels, label): each device does the exercises one after another,
    starting with a different one. Each segment is the middle of one recording."""
    rows = ["series,t," + ",".join(CHANNELS) + ",label"]
    segments = []
    for i, (subject, side) in enumerate(DEVICES):
        mine = [r for r in recordings if (r.subject, r.side) == (subject, side)]
        tick = 0
        for r in mine[2 * i :] + mine[: 2 * i]:
            first = (len(r.x) - SEGMENT) // 2
            segments.append((r.x[first : first + SEGMENT], r.label))
            for sample in segments[-1][0]:
                values = ",".join(f"{v:.3f}".rstrip("0").rstrip(".") for v in sample)
                rows.append(f"watch-{subject},{tick / RATE:.2f},{values},{data.WATCH_LABELS[r.label]}")
                tick += 1
    return "\n".join(rows) + "\n", segments


def stream_accuracy(version, segments):
    """Share of right windows among those that lie within one exercise of the stream."""
    starts = range(0, SEGMENT - WINDOW + 1, HOP)
    x = np.stack([samples[s : s + WINDOW] for samples, _ in segments for s in starts])
    truth = np.repeat([label for _, label in segments], len(starts))
    return round(baselines.accuracy(predict(version.network, x).argmax(axis=1), truth), 4)


def build():
    recordings = data.watch()
    centroid, neighbour = ("nearest centroid", baselines.nearest_centroid), ("1-NN", baselines.nearest_neighbour)
    first = version(recordings, PILOT, "1.0.0", "model.onnx", "cases", centroid, 0.1)
    second = version(recordings, EVERYONE, "2.0.0", "model-v2.onnx", "cases-v2", neighbour, 0.1)
    assert second.score.value >= first.score.value + 0.1, "the retraining must be clearly better"
    text, segments = stream(recordings)
    held = windows(recordings, HELD)
    neighbours = [baselines.nearest_neighbour(Split(*windows(recordings, s), *held)) for s in (PILOT, EVERYONE)]
    return Evidence(
        name="activity-cnn1d",
        task="activity recognition",
        source=data.WATCH,
        split="by person: subjects 1 to 4 and 8 to 10 train (version 1: 1 and 2 only), 5 to 7 held out and streamed",
        seed=SEED,
        input=Port("window", (1, WINDOW, 6), "2.56 s at 25 Hz, [time, channel]: ax ay az in g, wx wy wz in rad/s"),
        output=Port("probabilities", (1, len(data.WATCH_LABELS)), "one probability per label"),
        labels=data.WATCH_LABELS,
        versions=[first, second],
        case_rows=held[0][::600][:4],
        tables={
            "stream": {
                "file": "stream.csv",
                "channels": CHANNELS,
                "sample_rate_hz": RATE,
                "window": WINDOW,
                "hop": HOP,
                "debounce": DEBOUNCE,
                "devices": [f"watch-{subject}" for subject, _ in DEVICES],
                "segment": SEGMENT,
                "accuracy": [stream_accuracy(v, segments) for v in (first, second)],
            },
            "also": {"one_nn_accuracy": [round(n, 4) for n in neighbours]},
        },
        files={"stream.csv": text.encode()},
    )
