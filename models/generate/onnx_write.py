"""Writes a list of layers as an ONNX file whose bytes depend on the weights alone."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import layers

OPSET = 17
IR_VERSION = 8


class Graph:
    """Nodes and initializers under readable names: `conv_3`, `conv_3.weight`."""

    def __init__(self):
        self.nodes, self.initializers = [], []
        self.pending = []

    def constant(self, role, value):
        """Keep `value` as an initializer of the next node; returns a name `node` resolves."""
        self.pending.append((role, np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)))
        return len(self.pending) - 1

    def node(self, operator, inputs, unused_outputs=0, **attributes):
        """Append a node; integer inputs are constants made since the last one."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        names = [f"{name}.{self.pending[i][0]}" if isinstance(i, int) else i for i in inputs]
        for role, value in self.pending:
            self.initializers.append(numpy_helper.from_array(value, f"{name}.{role}"))
        self.pending = []
        outputs = [""] * unused_outputs + [name]
        self.nodes.append(helper.make_node(operator, names, outputs, name=name, **attributes))
        return name


def write(name, network, inputs, outputs):
    """Bytes of the model; `inputs` and `outputs` are one (name, shape) each, a shape may hold "batch"."""
    graph = Graph()
    last = layers.emit_all(network, graph, inputs[0])
    assert graph.nodes[-1].output[0] == last
    graph.nodes[-1].output[0] = outputs[0]
    proto = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info(inputs[0], TensorProto.FLOAT, inputs[1])],
        [helper.make_tensor_value_info(outputs[0], TensorProto.FLOAT, outputs[1])],
        graph.initializers,
    )
    model = helper.make_model(
        proto,
        producer_name="mote-models",
        producer_version="1",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def parameter_count(network):
    """Trained numbers of a list of layers."""
    return sum(p.value.size for layer in network for p in layer.parameters)
