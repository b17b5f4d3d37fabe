"""Cross-validates, on training data alone, the two choices that a build script cannot make by itself.

python choose.py    print the figures; exit 1 where a build script says otherwise

Which motion is the anomaly of `motion-autoencoder`, and which augmentation trains `activity-cnn1d`.
Held-out rows are never touched here, so the numbers in `model.toml` stay unselected.
"""

import os
import sys

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
sys.dont_write_bytecode = True

import numpy as np

import activity_cnn1d
import data
import motion_autoencoder


def anomaly():
    """The motion that is told from the others best."""
    figures = motion_autoencoder.surprises()
    print(f"motion-autoencoder, mean AUROC of {motion_autoencoder.FOLDS} folds with one motion strange:")
    for label, (value, rival) in zip(data.MOTION_LABELS, figures):
        print(f"  {label:<28} {value:.4f}, distance from the mean {rival:.4f}", flush=True)
    best = int(np.argmax([value for value, _ in figures]))
    return data.MOTION_LABELS[best], data.MOTION_LABELS[motion_autoencoder.STRANGE]


def recipe():
    """The augmentation with the highest mean accuracy."""
    figures = activity_cnn1d.recipes()
    folds = " / ".join(", ".join(map(str, fold)) for fold in activity_cnn1d.FOLDS)
    print(f"activity-cnn1d, accuracy on subjects {folds}, trained on the others of version 2:")
    for name, folds in figures.items():
        print(f"  {name:<28} mean {np.mean(folds):.4f} of {', '.join(f'{f:.4f}' for f in folds)}", flush=True)
    return max(figures, key=lambda name: np.mean(figures[name])), activity_cnn1d.RECIPE


def main():
    fault = 0
    for chosen, built in (anomaly(), recipe()):
        print(f"  -> {chosen}" + ("" if chosen == built else f", but the build script has {built}"))
        fault |= chosen != built
    return int(fault)


if __name__ == "__main__":
    sys.exit(main())
