"""Small random checkpoints of the supported architectures with logits, loss and gradients by transformers.

    make_families.py OUT
"""
import os, sys
import torch
from safetensors.torch import save_file
from transformers import (LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM, Qwen3VLConfig,
                          Qwen3VLForConditionalGeneration)

COMMON = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5)


def make(folder, model, ids):
    os.makedirs(folder, exist_ok=True)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(1 + 0.1 * torch.randn_like(p) if "norm" in name else 0.2 * torch.randn_like(p))
            p.copy_(p.bfloat16().float())  # what the file will hold
            p.requires_grad_("embed" in name)
    model.eval()
    gradients = {}

    def watch(name):
        def hook(module, inputs, output):
            output.register_hook(lambda g: gradients.__setitem__(name, g[0].detach().clone().contiguous()))
        return hook
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "visual" not in name:
            module.register_forward_hook(watch(name))
    logits = model(input_ids=ids).logits
    loss = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:])
    loss.backward()
    save_file({"ids": ids[0].to(torch.int32), "logits": logits[0].detach().contiguous(), "loss": loss.detach().reshape(1),
               **{f"grad.{n}": g for n, g in gradients.items()}}, os.path.join(folder, "reference.safetensors"))
    model.to(torch.bfloat16).save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))


def main():
    out = sys.argv[1]
    torch.manual_seed(7)
    ids = torch.randint(0, 90, (1, 150))
    make(os.path.join(out, "llama3"), LlamaForCausalLM(LlamaConfig(
        **COMMON, attention_bias=True, rope_theta=10000.0, tie_word_embeddings=False,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=64))), ids)
    make(os.path.join(out, "qwen3vl"), Qwen3VLForConditionalGeneration(Qwen3VLConfig(
        text_config=dict(**COMMON, head_dim=8, rope_theta=500000.0, tie_word_embeddings=True,
                         rope_scaling=dict(rope_type="default", mrope_section=[2, 1, 1], mrope_interleaved=True)),
        vision_config=dict(depth=1, hidden_size=16, intermediate_size=16, num_heads=2, patch_size=4, out_hidden_size=32,
                           num_position_embeddings=16, deepstack_visual_indexes=[0], temporal_patch_size=2,
                           spatial_merge_size=2),
        tie_word_embeddings=True, image_token_id=90, video_token_id=91, vision_start_token_id=92, vision_end_token_id=93)),
        ids[:, :40])
    make(os.path.join(out, "qwen3_untied"), Qwen3ForCausalLM(Qwen3Config(
        **COMMON, head_dim=16, attention_bias=True, rope_theta=1e6, tie_word_embeddings=False)), ids[:, :30])


if __name__ == "__main__":
    main()
