"""Writes MobileNetV2-1.0-224 (Sandler et al. 2018, arXiv 1801.04381, table 2) with seeded random weights.

usage: mobilenet_v2.py MODEL.onnx INPUT.npz

Batch normalisation is folded as every exporter does, so that each layer is Conv + Clip. Weights are He-normal from a
fixed seed; the numbers mean nothing, the work is the real network's: 300.8 million multiply-accumulates.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# expansion, output channels, repeats, stride of the first repeat
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class Net:
    """Collects nodes and weights."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def constant(self, name, array):
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def conv(self, x, channels_in, channels_out, kernel, stride, groups=1, relu6=True):
        """x [1, channels_in, H, W] -> [1, channels_out, H / stride, W / stride]"""
        name = f"conv{len(self.nodes)}"
        fan_in = channels_in // groups * kernel * kernel
        shape = (channels_out, channels_in // groups, kernel, kernel)
        w = self.constant(name + ".w", self.rng.normal(0, np.sqrt(2 / fan_in), shape))
        b = self.constant(name + ".b", self.rng.normal(0, 0.1, channels_out))
        pad = kernel // 2
        self.nodes.append(helper.make_node(
            "Conv", [x, w, b], [name], name=name, kernel_shape=[kernel] * 2, strides=[stride] * 2,
            pads=[pad] * 4, group=groups))
        if not relu6:
            return name
        self.nodes.append(helper.make_node("Clip", [name, "zero", "six"], [name + ".clip"], name=name + ".clip"))
        return name + ".clip"

    def block(self, x, channels_in, channels_out, expansion, stride):
        hidden = channels_in * expansion
        y = x if expansion == 1 else self.conv(x, channels_in, hidden, 1, 1)
        y = self.conv(y, hidden, hidden, 3, stride, groups=hidden)
        y = self.conv(y, hidden, channels_out, 1, 1, relu6=False)
        if stride == 1 and channels_in == channels_out:
            name = f"add{len(self.nodes)}"
            self.nodes.append(helper.make_node("Add", [x, y], [name], name=name))
            y = name
        return y


def model(seed=20180113):
    net = Net(seed)
    net.constant("zero", np.array(0.0))
    net.constant("six", np.array(6.0))
    x, channels = net.conv("input", 3, 32, 3, 2), 32
    for expansion, out, repeats, stride in STAGES:
        for i in range(repeats):
            x = net.block(x, channels, out, expansion, stride if i == 0 else 1)
            channels = out
    x = net.conv(x, channels, 1280, 1, 1)
    net.nodes.append(helper.make_node("GlobalAveragePool", [x], ["pool"], name="pool"))
    net.nodes.append(helper.make_node("Flatten", ["pool"], ["features"], name="features"))
    net.constant("fc.w", net.rng.normal(0, np.sqrt(1 / 1280), (1280, 1000)))
    net.constant("fc.b", net.rng.normal(0, 0.1, 1000))
    net.nodes.append(helper.make_node("Gemm", ["features", "fc.w", "fc.b"], ["output"], name="fc"))
    graph = helper.make_graph(
        net.nodes, "mobilenet_v2",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1000])], net.weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="mote-peers")
    made.ir_version = 8
    return made


def main():
    path, inputs = sys.argv[1:]
    onnx.save(model(), path)
    image = np.random.default_rng(7).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    np.savez(inputs, input=image)


if __name__ == "__main__":
    main()
