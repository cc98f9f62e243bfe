"""Exports in the engines that PyPI has; see scripts/check_exports."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig, QuantizationScheme, apply_quantization_config
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from safetensors import safe_open

import check_gguf
import export_reader

TILE = 128
FUSED = (("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), ("mlp.gate_proj", "mlp.up_proj"))


def tensors_of(folder):
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            found.update({name: file.get_tensor(name) for name in file.keys()})
    return found


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def class_of(config):
    is_vl = config["model_type"] == "qwen3_vl"
    return transformers.Qwen3VLForConditionalGeneration if is_vl else transformers.AutoModelForCausalLM


@torch.no_grad()
def logits_of(model, prompts):
    return [model(input_ids=torch.tensor([ids])).logits[0].float() for ids in prompts]


def largest(found, wanted):
    return max((a - b).abs().max().item() for a, b in zip(found, wanted))


def by_qgrain(path, prompts):
    return [torch.from_numpy(check_gguf.logits_by_qgrain(path, ids).copy()) for ids in prompts]


def in_float32(values, config, prompts):
    """Logits of transformers' float32 model of these weights."""
    plain = {**{k: v for k, v in config.items() if k != "quantization_config"}, "dtype": "float32"}
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "config.json").write_text(json.dumps(plain))
        read = transformers.AutoConfig.from_pretrained(name)
    kind = class_of(config)
    model = (kind(read) if config["model_type"] == "qwen3_vl" else kind.from_config(read)).eval().float()
    tied = read.tie_word_embeddings
    if tied:  # as engines: a tied head is the embedding
        values = {name: array for name, array in values.items() if not name.startswith("lm_head.")}
    loaded = model.load_state_dict({k: torch.from_numpy(np.array(v, np.float32)) for k, v in values.items()}, strict=False)
    missing = [n for n in loaded.missing_keys if not (tied and n == "lm_head.weight") and ".visual." not in n]
    if missing or loaded.unexpected_keys:
        raise KeyError(f"missing {missing[:2]}, unexpected {loaded.unexpected_keys[:2]}")
    return logits_of(model, prompts)


def read_folder(folder, prompts):
    config = config_of(folder)
    return in_float32(export_reader.folder_values(folder, config), config, prompts)


def read_file(path, model_folder, prompts):
    config = config_of(model_folder)
    values = export_reader.gguf_values(path, config)
    for part in (config, config.get("text_config", {})):
        part["tie_word_embeddings"] = "lm_head.weight" not in values
    return in_float32(values, config, prompts)


def decompressed(module, parts, quantization):
    """The weight of a layer by compressed-tensors itself, in the type of the scales."""
    group = export_reader.group_of(quantization, module)
    kind = group.get("format") or quantization["format"]
    return BaseCompressor.get_value_from_registry(kind).decompress(dict(parts), QuantizationScheme(**group))["weight"]


def parts_of_modules(tensors):
    modules = {}
    for name, tensor in tensors.items():
        module, _, part = name.rpartition(".")
        modules.setdefault(module, {})[part] = tensor
    return {m: p for m, p in modules.items() if "weight_packed" in p or "weight_scale" in p}


def in_transformers(folder, prompts, restore_scales=False):
    """Loaded by transformers and run with its quantized inputs. `restore_scales`: transformers rounds NVFP4's float32
    global scales to the type of the model; they are put back, and what was decoded by them is decoded once more."""
    config = config_of(folder)
    model = class_of(config).from_pretrained(folder, dtype="auto").eval()
    logits_of(model, prompts[:1])  # what is decoded on first use is decoded now
    for module, parts in parts_of_modules(tensors_of(folder)).items() if restore_scales else ():
        if "weight_global_scale" in parts:
            layer = model.get_submodule(module)
            layer.weight.data = decompressed(module, parts, config["quantization_config"]).to(layer.weight.dtype)
            if "input_global_scale" in parts:
                layer.input_global_scale.data = parts["input_global_scale"]
    return logits_of(model, prompts)


def ends_of(weight, arguments):
    """Smallest and largest value of what has one scale."""
    if arguments.strategy == "block":
        tiles = [-(-size // TILE) for size in weight.shape]
        padded = weight.new_zeros([tile * TILE for tile in tiles])
        padded[: weight.shape[0], : weight.shape[1]] = weight
        blocks = padded.unflatten(0, (tiles[0], TILE)).unflatten(2, (tiles[1], TILE)).transpose(1, 2)
        return torch.aminmax(blocks.flatten(2), dim=-1)
    if arguments.strategy == "tensor":
        low, high = torch.aminmax(weight)
        return low.reshape(1), high.reshape(1)
    if arguments.strategy == "channel":
        return torch.aminmax(weight, dim=1, keepdim=True)
    return torch.aminmax(weight.unflatten(1, (-1, arguments.group_size)), dim=-1)


def partners_of(name, layers):
    """The Linears that engines make one layer of with this one."""
    for parts in FUSED:
        for part in parts:
            if name.endswith(part):
                return [layers[name[: -len(part)] + other] for other in parts]
    return [layers[name]]


def fake_quantized(model_folder, folder):
    """The source in its own type, quantized by compressed-tensors without packing: scales of weights from their ends by
    its own rule, those of inputs as the export has them."""
    config = config_of(folder)
    model = class_of(config).from_pretrained(model_folder, dtype="auto").eval()
    wanted = {**config["quantization_config"], "quantization_status": "frozen"}
    apply_quantization_config(model, QuantizationConfig.model_validate(wanted))
    stored = tensors_of(folder)
    layers = {n: m for n, m in model.named_modules() if getattr(m, "quantization_scheme", None) is not None}
    for name, layer in layers.items():
        arguments, weight = layer.quantization_scheme.weights, layer.weight.data
        whole = None
        if arguments.strategy == "tensor_group":  # scales of blocks are E4M3 in the file, whether or not it says so
            arguments = arguments.model_copy(update={"scale_dtype": torch.float8_e4m3fn})
            ends = [torch.aminmax(partner.weight.data) for partner in partners_of(name, layers)]
            low, high = torch.stack([e.min for e in ends]).min(), torch.stack([e.max for e in ends]).max()
            whole = layer.weight_global_scale.data = generate_gparam(low, high, dtype=low.dtype).float()
        low, high = ends_of(weight, arguments)
        scale, zero = calculate_qparams(low, high, arguments, whole)
        layer.weight_scale.data = scale
        if getattr(layer, "weight_zero_point", None) is not None:
            layer.weight_zero_point.data = zero
        for part in ("input_scale", "input_zero_point", "input_global_scale"):
            if f"{name}.{part}" in stored:
                value = stored[f"{name}.{part}"]
                getattr(layer, part).data = value if part == "input_global_scale" else value.to(getattr(layer, part).dtype)
    return model


def tensors_unlike(model, folder):
    """Names of the folder's tensors that compressed-tensors, packing the layers of fake_quantized, has otherwise."""
    config, stored = config_of(folder), tensors_of(folder)
    unlike = []
    for name, layer in model.named_modules():
        scheme = getattr(layer, "quantization_scheme", None)
        if scheme is None:
            continue
        group = export_reader.group_of(config["quantization_config"], name)
        packer = BaseCompressor.get_value_from_registry(group.get("format") or config["quantization_config"]["format"])
        own = {part: value.data for part, value in layer.named_parameters(recurse=False) if part != "bias"}
        for part, value in packer.compress(own, scheme).items():
            have = stored.get(f"{name}.{part}")
            if have is None or have.dtype != value.dtype or have.shape != value.shape or bytes_of(have) != bytes_of(value):
                unlike.append(f"{name}.{part}")
    return unlike


def bytes_of(tensor):
    values = tensor.detach().flatten().clone()
    return values.view(torch.uint8).numpy().tobytes()


def by_llama_cpp(path):
    """Largest difference of log-probabilities to qgrain-lm. In a process of its own: llama.cpp's server ends its process
    where it cannot load a file."""
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
