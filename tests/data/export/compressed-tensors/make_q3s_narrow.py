#!/usr/bin/env python3
"""The weights of q3s-narrow, by compressed-tensors alone: make_q3s_narrow.py BASE_FOLDER OUT_FOLDER

Scales from the ends of each group, by its own rule; each layer packed by the compressor of its group."""
import sys
from pathlib import Path

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import load_file, save_file

MXFP8 = {"num_bits": 8, "type": "float", "strategy": "group", "group_size": 32, "scale_dtype": "torch.uint8"}


def integers(bits, group=None, symmetric=True):
    grouping = {"strategy": "group", "group_size": group} if group else {"strategy": "channel"}
    return {"num_bits": bits, "type": "int", "symmetric": symmetric, **grouping}


LAYERS = {
    "layers.0.self_attn.q k v": MXFP8,
    "layers.0.self_attn.o": integers(2, 32),
    "layers.0.mlp.gate up": integers(3, 64),
    "layers.0.mlp.down": integers(5, None, False),
    "layers.1.self_attn.q k v": integers(6, 32, False),
    "layers.1.self_attn.o": integers(7, 64),
    "layers.1.mlp.gate up": integers(3, 32, False),
    "layers.1.mlp.down": MXFP8,
}


def packed(weight, arguments):
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments)
    grouped = weight.unflatten(1, (-1, arguments.get("group_size") or weight.shape[1]))
    scale, zero = calculate_qparams(*torch.aminmax(grouped, dim=-1), scheme.weights)
    kind = "mxfp8-quantized" if arguments is MXFP8 else "pack-quantized"
    parts = {"weight": weight, "weight_scale": scale, "weight_zero_point": zero}
    if scheme.weights.symmetric:
        del parts["weight_zero_point"]
    return BaseCompressor.get_value_from_registry(kind).compress(parts, scheme)


def main():
    base, out = Path(sys.argv[1]), Path(sys.argv[2])
    tensors = load_file(base / "model.safetensors")
    for place, arguments in LAYERS.items():
        block, _, leaves = place.rpartition(".")
        for leaf in leaves.split():
            module = f"model.{block}.{leaf}_proj"
            parts = packed(tensors.pop(module + ".weight"), arguments)
            tensors.update({f"{module}.{part}": value.detach().clone().contiguous() for part, value in parts.items()})
    out.mkdir()
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
