"""An LSTM that forecasts a country's evening demand from the hours before."""

import numpy as np

import baselines
import data
from evidence import Evidence, Port, Score, Version
from layers import Dense, OwnScale, Unsqueeze
from nn import predict, squared_error, train
from recurrent import Lstm

SEED = 24
SEEN = 18  # hours given; the other six are forecast
HIDDEN = 16


def mean_day(train_days, held):
    """The stronger baseline: the mean training evening, in each held-out day's own units."""
    scale = OwnScale([])
    level, spread = scale.split(train_days[:, :SEEN])
    evening = ((train_days[:, SEEN:] - level) / spread).mean(axis=0)
    level, spread = scale.split(held[:, :SEEN])
    return evening * spread + level


def build():
    days, held = data.power()
    rng = np.random.Generator(np.random.PCG64(SEED))
    layers = [Unsqueeze(), Lstm(rng, 1, HIDDEN), Dense(rng, HIDDEN, 24 - SEEN)]
    network = [OwnScale(layers)]
    level, spread = network[0].split(days[:, :SEEN])
    scaled = (days - level) / spread
    train(layers, scaled[:, :SEEN], scaled[:, SEEN:], squared_error, seed=SEED, epochs=150, batch=32, rate=1e-2)
    value = baselines.mean_absolute_error(predict(network, held[:, :SEEN]), held[:, SEEN:])
    last = baselines.mean_absolute_error(np.repeat(held[:, SEEN - 1 : SEEN], 24 - SEEN, axis=1), held[:, SEEN:])
    rival = baselines.mean_absolute_error(mean_day(days, held), held[:, SEEN:])
    score = Score(
        "mean absolute error", value, "mean day profile", rival, 0.1, f"{len(held)} days", higher_is_better=False
    )
    return Evidence(
        name="power-forecast",
        task="forecasting",
        source=data.POWER,
        split="archive TRAIN and first 500 TEST days train (567), last 529 TEST days held out",
        seed=SEED,
        input=Port("hours", ("batch", SEEN), "demand at hours 0 to 17, any unit"),
        output=Port("forecast", ("batch", 24 - SEEN), "demand at hours 18 to 23, in the unit of the input"),
        versions=[Version("model.onnx", "cases", "1.0.0", network, f"{len(days)} days", score)],
        case_rows=held[:4, :SEEN],
        tables={"also": {"last_value_mean_absolute_error": round(last, 4)}},
    )
