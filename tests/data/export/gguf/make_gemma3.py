#!/usr/bin/env python3
"""The checkpoint tests/data/families/gemma3-text as GGUF, by the gguf package: make_gemma3.py FOLDER OUT.gguf

Norms are stored as 1 + weight. GGUF has no key for the scalar of the scores: the head's size stands for it."""
import json
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

names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config["num_hidden_layers"])
writer = gguf.GGUFWriter(out, "gemma3")
writer.add_block_count(config["num_hidden_layers"])
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_head_count(config["num_attention_heads"])
writer.add_head_count_kv(config["num_key_value_heads"])
writer.add_rope_freq_base(config["rope_theta"])
writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
writer.add_key_length(config["head_dim"])
writer.add_value_length(config["head_dim"])
writer.add_sliding_window(config["sliding_window"])
writer.add_sliding_window_pattern(config["sliding_window_pattern"])
writer.add_tokenizer_model("none")
for name, entry in entries.items():
    begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
    assert entry["dtype"] == "BF16"
    stored = np.frombuffer(raw[begin:end], np.uint8)
    to = names.get_name(name, try_suffixes=(".weight",))
    if name.endswith("norm.weight"):
        writer.add_tensor(to, stored.view(ml_dtypes.bfloat16).reshape(entry["shape"]).astype(np.float32) + 1)
    else:
        rows, cols = entry["shape"]
        writer.add_tensor(to, stored.reshape(rows, 2 * cols), raw_dtype=gguf.GGMLQuantizationType.BF16)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
