"""Values of quantized folders and GGUF files as float32, in NumPy: from the layouts in docs/export.md and docs/gguf.md,
sharing no code with the C++ programs nor with the tools that define the layouts. GGUF blocks are decoded by the gguf package."""

import json
import re

import numpy as np

WORDS = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "F64": "<f8"}
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
MARKS_OF_CODES = ("weight_packed", "weight_scale", "weight_scale_inv")


def table_of_e4m3():
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, codes & 7
    magnitude = np.where(exponent == 0, mantissa * 2.0**-9, (8 + mantissa) * 2.0 ** (exponent - 10.0))
    magnitude[(codes & 127) == 127] = np.nan
    return np.where(codes > 127, -magnitude, magnitude).astype(np.float32)


E4M3 = table_of_e4m3()


class Stored:
    """A tensor as it lies in a file: the name of its type, and an array (float32 for all floating-point types)."""

    def __init__(self, kind, shape, raw):
        self.kind = kind
        if kind == "BF16":
            words = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
            self.values = words.view(np.float32).reshape(shape)
        elif kind == "F8_E4M3":
            self.values = E4M3[np.frombuffer(raw, "u1")].reshape(shape)
        else:
            values = np.frombuffer(raw, WORDS[kind]).reshape(shape)
            self.values = values.astype(np.float32) if kind[0] == "F" else values


def tensors_of(folder):
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        raw = path.read_bytes()
        begin = 8 + int.from_bytes(raw[:8], "little")
        for name, entry in json.loads(raw[8:begin]).items():
            if name != "__metadata__":
                first, last = entry["data_offsets"]
                found[name] = Stored(entry["dtype"], entry["shape"], raw[begin + first : begin + last])
    return found


def group_of(config, module):
    """Exact names before regular expressions before the class."""
    groups = list(config["config_groups"].values())
    for fits in (lambda t: t == module, lambda t: t[:3] == "re:" and re.match(t[3:], module), lambda t: t == "Linear"):
        for group in groups:
            if any(fits(target) for target in group["targets"]):
                return group
    raise KeyError(f"no group has {module}")


def bits_of_words(words, bits, count):
    """[rows, words] to [rows, count] unsigned codes: one stream of bits in each row, the low ones first."""
    stream = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")
    stream = stream[:, : count * bits].reshape(len(words), count, bits)
    return (stream.astype(np.int64) << np.arange(bits)).sum(-1)


def in_pairs(codes):
    """Two FP4 codes in a byte, the low half first."""
    halves = np.stack([codes & 15, codes >> 4], -1).reshape(codes.shape[0], -1)
    return np.where(halves > 7, -E2M1[halves & 7], E2M1[halves & 7])


def rows_in_pairs(codes):
    """Two rows of int4 in a byte, the even one low."""
    rows = np.stack([codes & 15, codes >> 4], 1).reshape(-1, codes.shape[1]).astype(np.int64)
    return (rows ^ 8) - 8


def over(scale, shape):
    """One scale, one a row, groups along rows, or tiles: to the shape of the weight."""
    if scale.size == 1:
        return scale.reshape(1, 1)
    if scale.ndim == 4:
        scale = scale[:, 0, :, 0]
    if scale.ndim == 1:
        scale = scale[:, None]
    rows = 1 if scale.shape[0] == shape[0] else 128
    columns = 128 if rows == 128 else shape[1] // scale.shape[1]
    return np.repeat(np.repeat(scale, rows, 0), columns, 1)[: shape[0], : shape[1]]


def scale_of(parts):
    stored = parts.get("weight_scale") or parts["weight_scale_inv"]
    if stored.kind == "U8":
        return np.ldexp(np.float32(1), stored.values.astype(np.int32) - 127)
    if "weight_global_scale" in parts:
        return stored.values / parts["weight_global_scale"].values
    return stored.values * parts["weight_scale_2"].values if "weight_scale_2" in parts else stored.values


def packed_integers(parts, bits):
    rows, columns = (int(size) for size in parts["weight_shape"].values)
    codes = bits_of_words(parts["weight_packed"].values, bits, columns)
    if "weight_zero_point" not in parts:
        return codes - (1 << bits - 1)
    zeros = bits_of_words(parts["weight_zero_point"].values.T, bits, rows).T
    return codes - np.repeat(zeros, columns // zeros.shape[1], 1)


def weight_of(module, parts, config):
    scale = scale_of(parts)
    if "weight_packed" in parts and parts["weight_packed"].kind == "I32":
        codes = packed_integers(parts, group_of(config, module)["weights"]["num_bits"])
    else:
        stored = parts.get("weight_packed") or parts["weight"]
        codes = stored.values
        if stored.kind == "U8":
            fp4 = "weight_packed" in parts or parts["weight_scale"].kind in ("F8_E4M3", "U8")
            codes = in_pairs(codes) if fp4 else rows_in_pairs(codes)
    values = codes.astype(np.float32) * over(scale, codes.shape)
    return values * parts["pre_quant_scale"].values if "pre_quant_scale" in parts else values


def parts_of_modules(tensors):
    modules = {}
    for name, stored in tensors.items():
        module, _, part = name.rpartition(".")
        modules.setdefault(module, {})[part] = stored
    return modules


def folder_values(folder, config):
    """Weights and biases by name."""
    quantization = config.get("quantization_config", {})
    values = {}
    for module, parts in parts_of_modules(tensors_of(folder)).items():
        if any(part in parts for part in MARKS_OF_CODES):
            values[module + ".weight"] = weight_of(module, parts, quantization)
        elif "weight" in parts:
            values[module + ".weight"] = parts["weight"].values
        if "bias" in parts:
            values[module + ".bias"] = parts["bias"].values
    return values


GGUF_NAMES = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip


def name_in_folder(name, prefix):
    whole = {"token_embd": prefix + "embed_tokens", "output_norm": prefix + "norm", "output": "lm_head"}
    stem, _, part = name.rpartition(".")
    if stem in whole:
        return f"{whole[stem]}.{part}"
    _, layer, inner = stem.split(".", 2)
    return f"{prefix}layers.{layer}.{GGUF_NAMES[inner]}.{part}"


def gguf_values(path, config):
    """Values of a file under the names of the folder that it was made of; llama's rows of q and k in that order again."""
    import gguf

    text = config.get("text_config", config)
    prefix = "model.language_model." if "text_config" in config else "model."
    values, scales = {}, {}
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        shape = [int(size) for size in tensor.shape[::-1]]
        decoded = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32).reshape(shape)
        (scales if tensor.name.endswith(".scale") else values)[name_in_folder(tensor.name, prefix)] = decoded
    for name, scale in scales.items():
        values[name[: -len("scale")] + "weight"] *= scale
    if config["model_type"] == "llama":
        for name in [n for n in values if ".q_proj." in n or ".k_proj." in n]:
            rows = values[name].reshape(-1, text["head_dim"] // 2, 2, *values[name].shape[1:])
            values[name] = rows.swapaxes(1, 2).reshape(values[name].shape)
    return values
