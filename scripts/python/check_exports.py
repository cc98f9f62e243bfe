"""Quantized folders and GGUF files in the engines that PyPI has, one table; see scripts/check_exports."""

import argparse
import importlib.metadata
import json
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationScheme
from safetensors import safe_open
from safetensors.torch import load_file

import check_gguf

E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
PARTS = ("weight_packed", "weight_scale", "weight_scale_inv")


def tensors_of(folder):
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            found.update({name: file.get_tensor(name) for name in file.keys()})
    return found


def group_of(config, module):
    """Exact names before regular expressions before the class."""
    groups = list(config["config_groups"].values())
    for fits in (lambda t: t == module, lambda t: t[:3] == "re:" and re.match(t[3:], module), lambda t: t == "Linear"):
        for group in groups:
            if any(fits(target) for target in group["targets"]):
                return group
    raise KeyError(f"no group has {module}")


def by_compressed_tensors(config, module, parts):
    if "weight_global_scale" in parts:  # the tool itself unpacks these to bfloat16
        scale = parts["weight_scale"].float() / parts["weight_global_scale"]
        return by_definition({"weight": parts["weight_packed"], "weight_scale": scale, "is_e2m1": True})
    group = group_of(config, module)
    kind = group.get("format") or config["format"]
    wide = {k: v.float() if v.dtype in (torch.bfloat16, torch.float16) else v for k, v in parts.items()}
    return BaseCompressor.get_value_from_registry(kind).decompress(wide, QuantizationScheme(**group))["weight"].float()


def spread(scale, shape):
    """[], [R], [R, G] or tiles of 128 x 128 to the weight's shape."""
    scale = scale.float()
    if scale.numel() == 1:
        return scale.reshape(()).expand(shape)
    if scale.dim() == 4:
        scale = scale[:, 0, :, 0]
    if scale.dim() == 1:
        scale = scale[:, None]
    if scale.shape[0] != shape[0]:
        return scale.repeat_interleave(128, 0)[: shape[0]].repeat_interleave(128, 1)[:, : shape[1]]
    return scale.repeat_interleave(shape[1] // scale.shape[1], 1)


def by_definition(parts):
    """ModelOpt's layouts, and DeepSeek's."""
    codes, scale = parts["weight"], parts.get("weight_scale_inv", parts.get("weight_scale"))
    exponents = scale.dtype == torch.uint8
    if exponents:
        scale = torch.exp2(scale.float() - 127)
    if "weight_scale_2" in parts and scale.dtype == torch.float8_e4m3fn:
        scale = scale.float() * parts["weight_scale_2"]
    elif codes.dtype == torch.uint8 and not exponents and "is_e2m1" not in parts:  # two rows in a byte
        codes = torch.stack([codes & 15, codes >> 4], 1).flatten(0, 1).to(torch.int8)
        codes = torch.where(codes > 7, codes - 16, codes)
    if codes.dtype == torch.uint8:
        codes = E2M1[torch.stack([codes & 15, codes >> 4], -1).flatten(1).int()]
    values = codes.float() * spread(scale, codes.shape)
    return values * parts["pre_quant_scale"].float() if "pre_quant_scale" in parts else values


def decoded_weights(folder, config):
    quantization = config["quantization_config"]
    tensors = tensors_of(folder)
    modules = {}
    for name, tensor in tensors.items():
        module, _, part = name.rpartition(".")
        modules.setdefault(module, {})[part] = tensor
    weights = {}
    for module, parts in modules.items():
        coded = any(part in parts for part in PARTS)
        if coded and quantization["quant_method"] == "compressed-tensors":
            weights[module + ".weight"] = by_compressed_tensors(quantization, module, parts)
        elif coded:
            weights[module + ".weight"] = by_definition(parts)
        elif "weight" in parts:
            weights[module + ".weight"] = parts["weight"].float()
        if "bias" in parts:
            weights[module + ".bias"] = parts["bias"].float()
    return weights


def model_of(config):
    with tempfile.TemporaryDirectory() as name:
        plain = {**{k: v for k, v in config.items() if k != "quantization_config"}, "dtype": "float32"}
        (Path(name) / "config.json").write_text(json.dumps(plain))
        read = transformers.AutoConfig.from_pretrained(name)
    if read.model_type == "qwen3_vl":
        return transformers.Qwen3VLForConditionalGeneration(read).eval()
    return transformers.AutoModelForCausalLM.from_config(read).eval()


@torch.no_grad()
def logits_of(model, prompts):
    return [model(input_ids=torch.tensor([ids])).logits[0].float() for ids in prompts]


def largest(found, wanted):
    return max((a - b).abs().max().item() for a, b in zip(found, wanted))


def decoded_in_float32(folder, config, prompts):
    weights = decoded_weights(folder, config)
    model = model_of(config).float()
    tied = config.get("tie_word_embeddings", False)
    if tied:  # as engines: a tied head is the embedding
        weights.pop("lm_head.weight", None)
    loaded = model.load_state_dict(weights, strict=False)
    missing = [name for name in loaded.missing_keys if not (tied and name == "lm_head.weight")]
    if missing or loaded.unexpected_keys:
        raise KeyError(f"missing {missing[:2]}, unexpected {loaded.unexpected_keys[:2]}")
    return logits_of(model, prompts)


def by_qgrain(folder, prompts):
    return [torch.from_numpy(check_gguf.logits_by_qgrain(folder, ids).copy()) for ids in prompts]


def recorded_logits(folder):
    path = Path(f"{folder}.logits.safetensors")
    return load_file(path) if path.exists() else {}


def check_folder(folder):
    """Rows of engine, what it is compared with, how much they may differ (none: a matter of the engine), difference."""
    config = json.loads((folder / "config.json").read_text())
    recorded = recorded_logits(folder)
    prompts = [recorded[f"prompt.{i}"].tolist() for i in range(2)] if recorded else check_gguf.PROMPTS
    method = config["quantization_config"]["quant_method"]
    own = by_qgrain(folder, prompts)
    head_is_dropped = config.get("tie_word_embeddings") and "lm_head.weight_scale" in tensors_of(folder)
    if "weights.logits.0" in recorded and not head_is_dropped:  # the reader that recorded them took that head
        wanted = [recorded[f"weights.logits.{i}"] for i in range(2)]
        yield "qgrain-lm", "recorded logits of the weights", 1e-4, lambda: largest(own, wanted)
    reader = "compressed-tensors' weights" if method == "compressed-tensors" else "weights by definition"
    yield f"{reader}, float32", "qgrain-lm", 1e-4, lambda: largest(decoded_in_float32(folder, config, prompts), own)
    if method == "compressed-tensors":
        kind = transformers.AutoModelForCausalLM
        engine = lambda: logits_of(kind.from_pretrained(folder, dtype="auto").eval(), prompts)
        if "fake.logits.0" in recorded:
            fake = [recorded[f"fake.logits.{i}"] for i in range(2)]
            yield "transformers", "recorded fake quantization", None, lambda: largest(engine(), fake)
        else:
            yield "transformers", "qgrain-lm (inputs not quantized)", None, lambda: largest(engine(), own)


def check_file(path):
    """In a process of its own: llama.cpp's server ends its process where it cannot load a file."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(write_end, str(float(check_gguf.compare(path, None)[1][0])).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    text = b"".join(iter(lambda: os.read(read_end, 4096), b""))
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError("llama.cpp does not load it")
    return float(text)


def checks_of(path):
    if path.is_dir():
        yield from check_folder(path)
    else:
        yield "llama.cpp", "qgrain-lm (log-probabilities)", None, lambda: check_file(path)


def main():
    parser = argparse.ArgumentParser(prog="check_exports")
    parser.add_argument("places", nargs="+", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    names = ("torch", "transformers", "compressed-tensors", "xllamacpp", "gguf")
    print("largest difference of logits; " + ", ".join(f"{n} {importlib.metadata.version(n)}" for n in names))
    print("| what was written | run by | compared with | difference |\n|---|---|---|---|", flush=True)
    failures = 0
    for place in arguments.places:
        for engine, against, tolerance, difference in checks_of(place):
            try:
                found = difference()
                figure = f"{found:.2g}"
                failures += tolerance is not None and not found <= tolerance
            except Exception as fault:  # an engine's refusal is a result
                figure = "not run: " + " ".join(f"{type(fault).__name__}: {fault}".split())[:100].replace("|", "/")
                failures += tolerance is not None
            print(f"| {place.name} | {engine} | {against} | {figure} |", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
