"""Times ONNX Runtime's quantization operators with a copy of the same float32 bytes in turns, one thread.

Prints rows of kernel_bench's table. A call goes through a session with its inputs and outputs bound, some microseconds
that kernel_bench's rows do not have; the smallest footprint shows them most.
"""

import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

SHAPES = {"L2": (64, 1024), "L3": (1024, 2048)}
ROUNDS = 15
REPETITIONS = 5
VALUE_BYTES = {TensorProto.INT8: 1, TensorProto.UINT8: 1, TensorProto.FLOAT8E4M3FN: 1, TensorProto.INT4: 0.5}


def on_lines(values):
    """A copy that begins at a cache line: some processors copy many times slower between odd addresses."""
    room = np.empty(values.nbytes + 64, np.uint8)
    first = -room.ctypes.data % 64
    there = room[first:first + values.nbytes].view(values.dtype).reshape(values.shape)
    there[...] = values
    return there


def inputs(shape):
    return on_lines(np.random.default_rng(1).standard_normal(shape, dtype=np.float32))


def session(node, inputs, outputs, constants):
    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def seconds_per_call(body, calls):
    body()
    start = time.perf_counter()
    for _ in range(calls):
        body()
    return (time.perf_counter() - start) / calls


def calls_for(body):
    body()
    start = time.perf_counter()
    body()
    return max(1, min(64, round(2e-4 / (time.perf_counter() - start))))


def measure(body, x):
    y = on_lines(x)

    def copy():
        np.copyto(y, x)

    body_calls, copy_calls = calls_for(body), calls_for(copy)
    repetitions = []
    for _ in range(REPETITIONS):
        times, ratios = [], []
        for _ in range(ROUNDS):
            copied = seconds_per_call(copy, copy_calls)
            times.append(seconds_per_call(body, body_calls))
            ratios.append(times[-1] / copied)
        repetitions.append((statistics.median(times), statistics.median(ratios)))
    return repetitions


def scale_of(kind, shape, block):
    rows, cols = shape
    dims = {"tensor": [], "row": [rows], "block": [rows, cols // (block or 1)]}[kind]
    count = int(np.prod(dims)) if dims else 1
    return helper.make_tensor("scale", TensorProto.FLOAT, dims, [3.5 / 127] * count), count * 4


def add_row(work, recipe, footprint, scale, bytes_in, bytes_out, elements, repetitions, note):
    ns = statistics.median(t for t, _ in repetitions) / elements * 1e9
    ratios = sorted(r for _, r in repetitions)
    cells = [
        "onnxruntime", work, recipe, "f32", footprint, "1",
        f"{bytes_in / elements:.4g}, {bytes_out / elements:.4g}", scale, "ONNX tensors", f"{ns:.3f}",
        f"{(bytes_in + bytes_out) / elements / ns:.1f}", f"{statistics.median(ratios):.2f}",
        f"{ratios[0]:.2f}, {ratios[-1]:.2f}", "", note,
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def bound(model, inputs):
    binding = model.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, value)
    for output in model.get_outputs():
        binding.bind_output(output.name, "cpu")
    return lambda: model.run_with_iobinding(binding)


def quantize_linear(name, code_type, kind, block, recipe):
    for footprint, shape in SHAPES.items():
        x = inputs(shape)
        scale, scale_bytes = scale_of(kind, shape, block)
        attributes = {"axis": 0} if kind == "row" else {"axis": 1, "block_size": block} if kind == "block" else {}
        node = helper.make_node("QuantizeLinear", ["x", "scale"], ["q"], output_dtype=code_type, **attributes)
        model = session(node, [("x", TensorProto.FLOAT, shape)], [("q", code_type, shape)], [scale])
        body = bound(model, {"x": ort.OrtValue.ortvalue_from_numpy(x)})
        code_bytes = x.size * VALUE_BYTES[code_type]
        add_row("quantize_static", recipe, footprint, "given f32", x.nbytes + scale_bytes, code_bytes, x.size,
                measure(body, x), f"{name}; scales given, session call included")


def dynamic_quantize_linear():
    for footprint, shape in SHAPES.items():
        x = inputs(shape)
        node = helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"])
        outputs = [("q", TensorProto.UINT8, shape), ("scale", TensorProto.FLOAT, []), ("zero", TensorProto.UINT8, [])]
        model = session(node, [("x", TensorProto.FLOAT, shape)], outputs, [])
        body = bound(model, {"x": ort.OrtValue.ortvalue_from_numpy(x)})
        add_row("quantize", "onnx_dynamic_uint8", footprint, "affine f32", x.nbytes, x.size + 5, x.size,
                measure(body, x), "asymmetric uint8, session call included")


def dequantize_linear():
    for footprint, shape in SHAPES.items():
        x = inputs(shape)
        codes = np.random.default_rng(2).integers(-127, 128, shape, dtype=np.int8)
        scale, _ = scale_of("tensor", shape, None)
        node = helper.make_node("DequantizeLinear", ["q", "scale"], ["y"])
        model = session(node, [("q", TensorProto.INT8, shape)], [("y", TensorProto.FLOAT, shape)], [scale])
        body = bound(model, {"q": ort.OrtValue.ortvalue_from_numpy(codes)})
        add_row("dequantize", "int8/per_tensor", footprint, "given f32", codes.nbytes, x.nbytes, x.size,
                measure(body, x), "session call included")


def main():
    cases = [
        lambda: quantize_linear("QuantizeLinear", TensorProto.INT8, "tensor", None, "int8/per_tensor"),
        lambda: quantize_linear("QuantizeLinear, axis", TensorProto.INT8, "row", None, "int8/per_out_channel"),
        lambda: quantize_linear("QuantizeLinear, blocks", TensorProto.INT8, "block", 32, "int8/group32"),
        lambda: quantize_linear("QuantizeLinear, blocks", TensorProto.INT4, "block", 128, "int4/group128"),
        lambda: quantize_linear("QuantizeLinear", TensorProto.FLOAT8E4M3FN, "tensor", None, "float8_e4m3fn/per_tensor"),
        dynamic_quantize_linear,
        dequantize_linear,
    ]
    for case in cases:
        try:
            case()
        except Exception as failure:  # an operator that this version lacks is no reason to leave the others out
            print(f"onnxruntime_bench: left out: {str(failure).splitlines()[0]}", file=sys.stderr)


if __name__ == "__main__":
    main()
