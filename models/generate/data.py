"""The data sets, read from the files that Python packages ship, and how each is split.

No package is imported for its data: only its folder is looked up, so the data packages need none
of their own dependencies and nothing is ever downloaded. The held-out part of every split is used
for the numbers in `model.toml`, the recorded cases and the replayed stream, and for nothing else.
"""

import gzip
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from exact import F32

ARCHIVE_LICENCE = "archive terms: free for research, no licence text; redistributed inside sktime (BSD-3-Clause)"


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: its name, the package that ships it, citation, licence."""

    name: str
    package: str
    origin: str
    licence: str


DIGITS = Source(
    "Optical Recognition of Handwritten Digits (8x8)",
    "scikit-learn",
    "Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49",
    "CC-BY-4.0",
)
CANCER = Source(
    "Breast Cancer Wisconsin (Diagnostic)",
    "scikit-learn",
    "Wolberg, Mangasarian, Street and Street 1993, UCI Machine Learning Repository, doi:10.24432/C5DW2B",
    "CC-BY-4.0",
)
MOTIONS = Source(
    "BasicMotions",
    "sktime",
    "UEA multivariate time series archive (Bagnall et al. 2018), smart watch student project",
    ARCHIVE_LICENCE,
)
POWER = Source(
    "ItalyPowerDemand",
    "sktime",
    "UCR time series archive (Dau et al. 2019), from Keogh et al. 2006, Intelligent Icons",
    ARCHIVE_LICENCE,
)
WATCH = Source(
    "smart watch shoulder exercises",
    "seglearn",
    "Burns et al. 2018, Shoulder physiotherapy exercise recognition, arXiv:1802.01489",
    "BSD-3-Clause",
)

MOTION_LABELS = ("standing", "running", "walking", "badminton")
WATCH_LABELS = (
    "pendulum",
    "abduction",
    "forward-elevation",
    "internal-rotation",
    "external-rotation",
    "trapezius-extension",
    "upright-row",
)


def folder(package):
    """The installed folder of a package, without importing it."""
    return Path(find_spec(package).submodule_search_locations[0])


@dataclass(frozen=True)
class Split:
    """Training and held-out rows: x [N, ...] f32, y [N] class indices."""

    x: np.ndarray
    y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray


def digits():
    """x [N, 1, 8, 8] in 0..16, y in 0..9. The last 597 of 1797 are held out, in file order,
    so that most of their writers do not occur in training."""
    path = folder("sklearn") / "datasets/data/digits.csv.gz"
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    x, y = table[:, :64].reshape(-1, 1, 8, 8).astype(F32), table[:, 64].astype(np.int64)
    return Split(x[:1200], y[:1200], x[1200:], y[1200:])


def cancer():
    """x [N, 30] cell nucleus measurements, y 0 malignant, 1 benign. Every third row is held out."""
    path = folder("sklearn") / "datasets/data/breast_cancer.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    x, y = table[:, :30].astype(F32), table[:, 30].astype(np.int64)
    held = np.arange(len(x)) % 3 == 2
    return Split(x[~held], y[~held], x[held], y[held])


def _read_ts(path):
    """A `.ts` file of equal lengths: x [N, C, T] f64 and the class names."""
    rows = path.read_text().split("@data\n")[1].split()
    parts = [row.split(":") for row in rows]
    x = [[[float(v) for v in channel.split(",")] for channel in part[:-1]] for part in parts]
    return np.array(x), [part[-1] for part in parts]


def motions(window, hop, train="TRAIN", held="TEST"):
    """BasicMotions: x [N, window, 6] (acceleration xyz, angular velocity xyz, 10 Hz), y an index
    of MOTION_LABELS. The archive's own split into 40 and 40 series; either half can be the one held out."""
    parts = [cut(*motion_series(part), window, hop) for part in (train, held)]
    return Split(*parts[0], *parts[1])


def motion_series(part):
    """One half of BasicMotions, uncut: x [40, 100, 6], y [40]."""
    x, names = _read_ts(folder("sktime") / f"datasets/data/BasicMotions/BasicMotions_{part}.ts")
    return x.transpose(0, 2, 1).astype(F32), np.array([MOTION_LABELS.index(name.lower()) for name in names])


def cut(x, y, window, hop):
    """Windows [N, window, C] and labels [N] of equally long series x [S, T, C], y [S]."""
    starts = range(0, x.shape[1] - window + 1, hop)
    return np.concatenate([x[:, s : s + window] for s in starts]), np.tile(y, len(starts))


def power():
    """ItalyPowerDemand, training and held-out days [N, 24] of hourly demand. The archive's TRAIN days and the first 500
    of its TEST days train; the last 529 are held out. The archive scaled each day to mean 0 and
    deviation 1 over all 24 hours, so a forecast must not depend on scale: see `OwnScale`."""
    days = [
        _read_ts(folder("sktime") / f"datasets/data/ItalyPowerDemand/ItalyPowerDemand_{part}.ts")[0][:, 0]
        for part in ("TRAIN", "TEST")
    ]
    every = np.concatenate(days).astype(F32)
    return every[:567], every[567:]


@dataclass(frozen=True)
class Recording:
    """One exercise by one subject and arm: x [T, 6] (acceleration in g, angular velocity in rad/s), 25 Hz."""

    subject: int
    side: str
    label: int
    x: np.ndarray


def watch():
    """The 140 recordings of 10 subjects, 7 exercises, 2 arms, averaged pairwise from 50 Hz to 25 Hz.

    The package names no units; at rest the acceleration has length 1, and the angular velocity fits
    rad/s, as watches report it. It ships a pickled dictionary of arrays, hence `allow_pickle`.
    """
    path = folder("seglearn") / "data/watch_dataset.npy"
    table = np.load(path, allow_pickle=True).item()
    columns = zip(table["X"], table["y"], table["subject"], table["side"])
    recordings = [
        Recording(int(subject), "right" if side == 1 else "left", int(label), _halve(np.asarray(x, np.float64)))
        for x, label, subject, side in columns
    ]
    return sorted(recordings, key=lambda r: (r.subject, r.side, r.label))


def _halve(x):
    pairs = x[: len(x) // 2 * 2].reshape(-1, 2, x.shape[1])
    # what a device would send: three decimals
    return np.round(pairs.mean(axis=1), 3).astype(F32)


def watch_windows(recordings, window, hop):
    """Windows [N, window, 6] and labels [N] of some recordings; no window spans two recordings."""
    x, y = [], []
    for r in recordings:
        for start in range(0, len(r.x) - window + 1, hop):
            x.append(r.x[start : start + window])
            y.append(r.label)
    return np.array(x), np.array(y)
