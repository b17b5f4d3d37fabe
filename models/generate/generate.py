"""Writes every folder of `models/`, or compares what it would write with what is there.

python generate.py            write
python generate.py --check    compare; exit 1 on any difference
python generate.py --out DIR  the same in another folder
python generate.py NAME ...   only these models; the table in README.md is then left alone
"""

import argparse
import io
import os
import sys
import time
from pathlib import Path

# before numpy: exact.py does not use BLAS, and nothing else should spread over threads
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
sys.dont_write_bytecode = True  # the source tree stays as it was

import numpy as np
import onnx

import activity_cnn1d
import cancer_mlp
import digits_cnn
import motion_autoencoder
import motion_gru
import power_forecast
from onnx_write import parameter_count

HERE = Path(__file__).resolve().parent
BUILDERS = {
    "digits-cnn": digits_cnn.build,
    "cancer-mlp": cancer_mlp.build,
    "motion-autoencoder": motion_autoencoder.build,
    "motion-gru": motion_gru.build,
    "power-forecast": power_forecast.build,
    "activity-cnn1d": activity_cnn1d.build,
}
TABLE = ("<!-- table: written by generate.py -->\n", "<!-- end of table -->\n")
WEIGHT_TOLERANCE = 1e-6  # of the largest weight of a tensor
OUTPUT_TOLERANCE = 1e-5  # of the largest output: ONNX Runtime's kernels differ by processor


def rows(evidence, files):
    """The README's table rows of one model, one per version."""
    for v in evidence.versions:
        score = f"{v.score.metric} {v.score.value:.4f}"
        rival = f"{v.score.baseline} {v.score.baseline_value:.4f}"
        licence = evidence.source.licence.split(":")[0]
        cells = [
            f"`{evidence.name}/{v.file}`",
            evidence.task,
            f"{evidence.source.name} ({evidence.source.package})",
            f"{parameter_count(v.network)}",
            f"{len(files[v.file]) / 1000:.1f} kB",
            f"{score}, {rival} (margin {v.score.margin})",
            licence,
        ]
        yield f"| {' | '.join(cells)} |"


def with_table(readme, lines):
    """README text with its table replaced."""
    head = ["| file | task | data | parameters | size | held-out metric, baseline | data licence |", "|-|-|-|-|-|-|-|"]
    before, rest = readme.split(TABLE[0])
    after = rest.split(TABLE[1])[1]
    return before + TABLE[0] + "\n".join(head + lines) + "\n" + TABLE[1] + after


def compare(path, wanted):
    """How the file at `path` differs from the bytes wanted: "" (equal), "~..." (tolerated) or a fault."""
    if not path.exists():
        return "missing"
    found = path.read_bytes()
    if found == wanted:
        return ""
    if path.suffix == ".onnx":
        return _within(_weights(found), _weights(wanted), WEIGHT_TOLERANCE)
    if path.name.endswith(".out.npz"):
        return _within(_arrays(found), _arrays(wanted), OUTPUT_TOLERANCE)
    return "differs"


def _weights(data):
    """Initializers by name, and the rest of the file as one more entry."""
    model = onnx.load_model_from_string(data)
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    del model.graph.initializer[:]
    arrays[""] = np.frombuffer(model.SerializeToString(deterministic=True), np.uint8).astype(np.int64)
    return arrays


def _arrays(data):
    return dict(np.load(io.BytesIO(data)))


def _within(found, wanted, tolerance):
    if found.keys() != wanted.keys():
        return "differs in its arrays' names"
    worst = 0.0
    for name, b in wanted.items():
        a = found[name]
        if a.shape != b.shape:
            return f"differs in the shape of {name or 'the graph'}"
        gap = np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-30)
        if not gap <= tolerance:
            return f"differs in {name or 'the graph'} by {gap:.1e}"
        worst = max(worst, gap)
    return f"~ not byte for byte, but within {worst:.1e} (tolerance {tolerance:.0e})"


def check(folder, files):
    """Print and count the faults of one folder; a file that nothing writes is one."""
    faults = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if str(path.relative_to(folder)) not in files:
            print(f"  {path.name}: not written by the script")
            faults += 1
    for name, wanted in files.items():
        verdict = compare(folder / name, wanted)
        if verdict:
            print(f"  {name}: {verdict}")
        faults += bool(verdict) and not verdict.startswith("~")
    return faults


def store(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return 0


def check_readme(folder, wanted):
    verdict = compare(folder / "README.md", wanted)
    if verdict:
        print(f"  README.md: its table {verdict}")
    return int(bool(verdict))


def report(evidence, seconds):
    for v in evidence.versions:
        s = v.score
        print(f"{evidence.name} {v.number}: {s.metric} {s.value:.4f}, {s.baseline} {s.baseline_value:.4f}, {seconds:.0f} s")
    sys.stdout.flush()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder that holds the model folders")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BUILDERS)}; default all")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BUILDERS):
        parser.error(f"no model called {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    faults, lines = 0, []
    for name in options.names or BUILDERS:
        start = time.monotonic()
        evidence = BUILDERS[name]()
        files = evidence.render()
        faults += (check if options.check else store)(options.out / name, files)
        lines += rows(evidence, files)
        report(evidence, time.monotonic() - start)
    if not options.names:
        readme = with_table((HERE.parent / "README.md").read_text(), lines).encode()
        faults += check_readme(options.out, readme) if options.check else store(options.out, {"README.md": readme})
    print(f"{'checked' if options.check else 'wrote'} {len(lines)} models, {faults} differences")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
