"""The trivial predictors that a model has to beat, and the scores both are judged by."""

import numpy as np


def accuracy(predicted, truth):
    return float((predicted == truth).mean())


def majority(train_y, held_y):
    """Accuracy of always answering the most frequent training class."""
    return accuracy(np.bincount(train_y).argmax(), held_y)


def nearest_centroid(split):
    """Accuracy of answering the class whose training mean is nearest."""
    flat, held = _rows(split.x), _rows(split.held_x)
    centres = np.stack([flat[split.y == c].mean(axis=0) for c in range(split.y.max() + 1)])
    return accuracy(_nearest(centres, held), split.held_y)


def nearest_neighbour(split):
    """Accuracy of 1-NN by Euclidean distance on the raw values."""
    return accuracy(split.y[_nearest(_rows(split.x), _rows(split.held_x))], split.held_y)


def best_threshold(split):
    """Accuracy of the best single-feature threshold of a two-class task, chosen on training data."""
    best, chosen = -1.0, None
    for feature in range(split.x.shape[1]):
        for cut in np.unique(split.x[:, feature]):
            for above in (0, 1):
                score = accuracy(np.where(split.x[:, feature] > cut, above, 1 - above), split.y)
                if score > best:
                    best, chosen = score, (feature, cut, above)
    feature, cut, above = chosen
    return accuracy(np.where(split.held_x[:, feature] > cut, above, 1 - above), split.held_y)


def auroc(score, truth):
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half."""
    positive, negative = score[truth], np.sort(score[~truth])
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.sum() / 2 / (len(positive) * len(negative)))


def mean_absolute_error(predicted, truth):
    return float(np.abs(np.asarray(predicted, np.float64) - truth).mean())


def _rows(x):
    return x.reshape(len(x), -1).astype(np.float64)


def _nearest(points, queries):
    return np.array([np.square(points - q).sum(axis=1).argmin() for q in queries])
