#!/usr/bin/env python3
"""The checkpoint tests/data/lm/families/llama3 as F32 GGUF, by the gguf package: make_llama3.py FOLDER OUT.gguf

Rows of q and k, weights and biases, in ggml's order of RoPE; the frequencies' divisors as a tensor."""
import json
import math
import sys
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np

folder, out = Path(sys.argv[1]), sys.argv[2]
config = json.loads((folder / "config.json").read_text())
raw = (folder / "model.safetensors").read_bytes()
header_bytes = int.from_bytes(raw[:8], "little")
entries = json.loads(raw[8 : 8 + header_bytes])
entries.pop("__metadata__", None)
types = {"BF16": ml_dtypes.bfloat16, "F16": np.float16, "F32": np.float32}
tensors = {}
for name, entry in entries.items():
    begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
    tensors[name] = np.frombuffer(raw[begin:end], types[entry["dtype"]]).reshape(entry["shape"]).astype(np.float32)

size = config["head_dim"]
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
writer = gguf.GGUFWriter(out, "llama")
writer.add_block_count(config["num_hidden_layers"])
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_head_count(config["num_attention_heads"])
writer.add_head_count_kv(config["num_key_value_heads"])
writer.add_rope_freq_base(config["rope_theta"])
writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
writer.add_key_length(size)
writer.add_value_length(size)
writer.add_rope_dimension_count(size)
writer.add_vocab_size(config["vocab_size"])
writer.add_tokenizer_model("none")
for name, values in tensors.items():
    if ".q_proj." in name or ".k_proj." in name:
        # Each head: first half and second half interleaved.
        heads = values.reshape(-1, 2, size // 2, *values.shape[1:])
        values = np.ascontiguousarray(heads.swapaxes(1, 2).reshape(values.shape))
    writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), values)
scaling = config["rope_scaling"]
divisors = []
for i in range(size // 2):
    wave = 2 * math.pi * config["rope_theta"] ** (2 * i / size)
    turns = scaling["original_max_position_embeddings"] / wave
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    if turns < low:
        divisors.append(scaling["factor"])
    elif turns > high:
        divisors.append(1.0)
    else:
        smooth = (turns - low) / (high - low)
        divisors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
writer.add_tensor("rope_freqs.weight", np.array(divisors, np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
