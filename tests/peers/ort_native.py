"""Times native ONNX Runtime on one thread. usage: ort_native.py MODEL.onnx INPUT.npz OUTPUT.npz RUNS

Prints one JSON object: name, version, and milliseconds of thread-pinned CPU time per run (median, min, max)."""
import json
import statistics
import sys
import time

import numpy as np
import onnxruntime


def main():
    model, inputs, output, runs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = dict(np.load(inputs))
    names = [o.name for o in session.get_outputs()]
    np.savez(output, **dict(zip(names, session.run(names, feed))))
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(names, feed)
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"name": "onnxruntime native", "version": onnxruntime.__version__,
                      "median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times)}))


if __name__ == "__main__":
    main()
