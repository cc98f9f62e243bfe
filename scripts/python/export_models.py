"""The models whose exports scripts/check_exports runs: two of the repository, and two made here of random numbers
(Llama: several files, untied head, Llama 3's RoPE, float16; Qwen3-VL with its vision tower)."""

import json
import shutil
from pathlib import Path

import torch
import transformers

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = REPOSITORY / "tests/data/export/base/q3s"


def with_random_weights(model, folder, kind, **saving):
    """Weights of a size at which logits are as large as a trained model's; the tokenizer is that of BASE."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.1 * noise if "norm" in name and name.endswith("weight") else 0.1 * noise)
    model.to(kind).save_pretrained(folder, **saving)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"):
        shutil.copy(BASE / name, folder / name)
    return folder


def make_llama(folder):
    config = json.loads((REPOSITORY / "tests/data/lm/families/llama3/config.json").read_text())
    config.update(hidden_size=128, intermediate_size=256, head_dim=32, vocab_size=271, attention_bias=False)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config))
    return with_random_weights(model, folder, torch.float16, max_shard_size="250KB")


def make_qwen3vl(folder):
    config = json.loads((REPOSITORY / "tests/data/lm/families/qwen3vl/config.json").read_text())
    config.update(image_token_id=265, video_token_id=266, vision_start_token_id=267, vision_end_token_id=268)
    config["text_config"].update(hidden_size=128, intermediate_size=256, head_dim=32, vocab_size=271)
    config["text_config"]["rope_scaling"]["mrope_section"] = [6, 5, 5]
    config["vision_config"]["out_hidden_size"] = 128
    model = transformers.Qwen3VLForConditionalGeneration(transformers.Qwen3VLConfig(**config))
    return with_random_weights(model, folder, torch.bfloat16)


def models(folder):
    """Title and model folder of each; makes those that the repository has not in this size."""
    return {
        "q3s": BASE,
        "tiny-qwen3": REPOSITORY / "examples/models/tiny-qwen3",
        "Llama": make_llama(folder / "llama"),
        "Qwen3-VL": make_qwen3vl(folder / "qwen3vl"),
    }
