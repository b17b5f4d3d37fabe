"""What a model folder holds, and the proof that the file in it does what the numbers say."""

import io
from dataclasses import dataclass, field

import numpy as np
import onnxruntime

import baselines
import onnx_write
from data import Source
from exact import F32
from nn import predict

SIZE_LIMIT = 150_000  # bytes of one ONNX file
RUNTIME_TOLERANCE = 2e-5  # our forward pass against ONNX Runtime, relative to the largest output


@dataclass(frozen=True)
class Port:
    """An input or output: name, shape (a dimension may be "batch"), meaning."""

    name: str
    shape: tuple
    meaning: str


@dataclass(frozen=True)
class Score:
    """A held-out metric beside a trivial baseline; the model must win by `margin`."""

    metric: str
    value: float
    baseline: str
    baseline_value: float
    margin: float
    held_out: str
    higher_is_better: bool = True

    def check(self, name):
        gain = self.value - self.baseline_value
        gain = gain if self.higher_is_better else -gain
        assert gain >= self.margin, f"{name}: {self.value:.4f} against {self.baseline_value:.4f}"


@dataclass(frozen=True)
class Version:
    """One trained network: file stem, where its cases go, the layers, what it was trained on."""

    file: str
    cases: str
    number: str
    network: list
    trained_on: str
    score: Score


@dataclass(frozen=True)
class Evidence:
    """Everything `models/<name>/` is written from."""

    name: str
    task: str
    source: Source
    split: str
    seed: int
    input: Port
    output: Port
    versions: list
    case_rows: np.ndarray
    labels: tuple = ()
    tables: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)

    def render(self):
        """The folder as a dictionary from relative path to bytes."""
        out = dict(self.files)
        for version in self.versions:
            version.score.check(f"{self.name} {version.number}")
            onnx = onnx_write.write(
                self.name,
                version.network,
                (self.input.name, self.input.shape),
                (self.output.name, self.output.shape),
            )
            assert len(onnx) < SIZE_LIMIT, f"{self.name}: {len(onnx)} bytes"
            out[version.file] = onnx
            out.update(self._cases(version, onnx))
        out["model.toml"] = self._toml().encode()
        return out

    def _cases(self, version, onnx):
        """Recorded rows, one per case, with what ONNX Runtime answers."""
        answers = ask_runtime(onnx, self.input.name, self.case_rows)
        ours = predict(version.network, self.case_rows)
        limit = RUNTIME_TOLERANCE * np.abs(answers).max()
        assert np.abs(ours - answers).max() <= limit, f"{self.name}: trained and written functions differ"
        out = {}
        for i, (row, answer) in enumerate(zip(self.case_rows, answers)):
            out[f"{version.cases}/case{i}.in.npz"] = npz(self.input.name, row[None])
            out[f"{version.cases}/case{i}.out.npz"] = npz(self.output.name, answer[None])
        return out

    def _toml(self):
        top = {"name": self.name, "version": self.versions[0].number, "task": self.task, "seed": self.seed}
        if self.labels:
            top["labels"] = list(self.labels)
        tables = {
            "data": {
                "name": self.source.name,
                "package": self.source.package,
                "origin": self.source.origin,
                "licence": self.source.licence,
                "split": self.split,
            },
            "input": _port(self.input),
            "output": _port(self.output),
            **self.tables,
        }
        text = _lines(top) + "".join(f"\n[{name}]\n{_lines(table)}" for name, table in tables.items())
        return text + "".join(f"\n[[versions]]\n{_lines(_version(v))}" for v in self.versions)


def ask_runtime(onnx, name, rows):
    """ONNX Runtime's answers to rows [N, ...], one at a time, graph optimisations off, one thread."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in rows])


def npz(name, array):
    """An uncompressed archive of one array; numpy stamps its entries 1980-01-01."""
    file = io.BytesIO()
    np.savez(file, **{name: np.ascontiguousarray(array, F32)})
    return file.getvalue()


def classification(network, split, baseline, baseline_value, margin, held_out):
    """Accuracy of a network whose output is one probability per class."""
    guess = predict(network, split.held_x).argmax(axis=1)
    value = baselines.accuracy(guess, split.held_y)
    return Score("accuracy", value, baseline, baseline_value, margin, held_out)


def _port(port):
    return {"name": port.name, "dtype": "f32", "shape": list(port.shape), "meaning": port.meaning}


def _version(version):
    score = version.score
    return {
        "version": version.number,
        "file": version.file,
        "cases": version.cases,
        "trained_on": version.trained_on,
        "parameters": onnx_write.parameter_count(version.network),
        "metric": score.metric,
        "value": round(score.value, 4),
        "higher_is_better": score.higher_is_better,
        "baseline": score.baseline,
        "baseline_value": round(score.baseline_value, 4),
        "margin": score.margin,
        "held_out": score.held_out,
    }


def _lines(table):
    return "".join(f"{key} = {_toml_value(value)}\n" for key, value in table.items())


def _toml_value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        assert '"' not in value and "\\" not in value
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml_value(v) for v in value)}]"
    return repr(value)
