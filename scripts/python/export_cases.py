"""What scripts/check_exports writes with qgrain-export: every scheme of every target, mixes, a head of its own."""

import dataclasses
import json
import os
import subprocess

TEXT = "a photo of a dog on the beach\nthe red house stands by the sea\na man rides a horse through the old town\n"
# The engine of PyPI, or else one whose rules the plan knows.
ENGINES = {"compressed-tensors": "transformers", "gguf": "llama.cpp", "modelopt": "vllm", "deepseek-fp8": "vllm"}
GRANULARITIES = {"FP8A16": ("per_tensor", "per_out_channel", "tile128x128")}
GROUPS = ("group32", "group64", "per_out_channel")
# Of two layers in turn: q, k, v; o; gate, up; down. What engines fuse has one scheme.
PLACES = (("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), ("self_attn.o_proj",),
          ("mlp.gate_proj", "mlp.up_proj"), ("mlp.down_proj",))  # fmt: skip
MIXES = {
    "compressed-tensors": {
        "mix of schemes": ("W4A16/group64", "FP8_DYNAMIC", "W8A8", "MXFP8", "W8A16", "FP8", "MXFP4A16", None),
        "mix with NVFP4": ("W4A16/group64", "FP8_DYNAMIC", "NVFP4", "W8A8", "NVFP4A16", None, "W4AFP8", "FP8_BLOCK"),
        "mix of 2 to 7 bits": ("ct_int3/group64", "ct_int2/group32", "ct_int5/group64", "ct_int6/per_out_channel",
                               "ct_int7/group64", "ct_int3/per_out_channel", "ct_int2/group64", "ct_int5/group32"),
        "mix of the sweep's recipes": ("int3/group32", "int5/group64", "int6/per_out_channel", "int8/group32",
                                       "int2/group32", "int7/group64", "fp8/per_out_channel", None),
    },
    "modelopt": {"mix": ("FP8", "NVFP4", "MXFP8", "FP8_DYNAMIC", "NVFP4A16", None, "NVFP4", "FP8")},
    "deepseek-fp8": {"mix": ("FP8_BLOCK", None, "FP8_BLOCK", None, None, "FP8_BLOCK", "FP8_BLOCK", "FP8_BLOCK")},
    "gguf": {
        "mix": ("Q8_0", "Q4_0", "Q5_1", "MXFP4", "NVFP4", "BF16", "Q4_1", "Q5_0"),
        "mix of the sweep's recipes": ("int8/group32", "int4/group32", "mxfp4_rceil", "int5/group32", None, "nvfp4_modelopt",
                                       "int4/per_out_channel", "int8/per_tensor"),
    },
}  # fmt: skip
HEADS = {
    "compressed-tensors": ("W4A16/group64", "W8A16"),
    "modelopt": ("NVFP4", "FP8"),
    "deepseek-fp8": ("FP8_BLOCK", "FP8_BLOCK"),
    "gguf": ("Q4_0", "NVFP4"),
}


class Refused(Exception):
    pass


@dataclasses.dataclass
class Case:
    target: str
    title: str
    options: list
    mix: tuple = ()
    keeps_scored_values: bool = False

    @property
    def may_be_refused(self):
        """llama.cpp has no place for NVFP4's scale in Qwen3-VL's MLP."""
        return self.target == "gguf" and self.title == "NVFP4"


def cases():
    """All that --list shows, with each granularity where it leaves them open."""
    listed = subprocess.run([os.environ["QGRAIN_EXPORT"], "--list"], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        target, *names = line.split()
        for name in names:
            base, _, is_open = name.partition("/")
            for granularity in GRANULARITIES.get(base, GROUPS) if is_open else ("",):
                title = base + (f"/{granularity}" if granularity else "")
                yield Case(target, title, ["--scheme", title])
        scheme, head = HEADS[target]
        yield Case(target, f"{scheme}, untied head {head}", ["--scheme", scheme, "--head", head, "--untie"])
        for title, choices in MIXES[target].items():
            yield Case(target, title, [], choices, title.endswith("recipes"))


def write_mix(path, config, choices):
    prefix = "model.language_model." if "text_config" in config else "model."
    linears = {}
    for layer in range(config.get("text_config", config)["num_hidden_layers"]):
        for place, parts in enumerate(PLACES):
            weight = choices[layer % 2 * len(PLACES) + place] or "fp16"
            linears.update({f"{prefix}layers.{layer}.{part}": {"weight": weight} for part in parts})
    path.write_text(json.dumps({"linears": linears}))


def options_of(case, config, scratch):
    options = list(case.options)
    is_tied = config.get("tie_word_embeddings")
    if case.mix:
        write_mix(scratch / "mix.json", config, case.mix)
        options += ["--mix", scratch / "mix.json"]
    if not is_tied and "--untie" in options:
        options.remove("--untie")
    if case.target == "gguf" and case.title == "NVFP4" and is_tied:
        options += ["--head", "Q8_0"]  # a tied head is the embedding, which has no scale there
    if case.target in ("compressed-tensors", "modelopt"):
        (scratch / "text").write_text(TEXT)
        options += ["--text", scratch / "text"]
    return options


def export(case, model, config, scratch):
    """The path of what was written, and what --engine would have refused; Refused with the program's sentence."""
    out = scratch / "out"
    subprocess.run(["rm", "-rf", out, f"{out}.partial"], check=True)
    command = [os.environ["QGRAIN_EXPORT"], "--model", model, "--to", case.target, "--out", out]
    command += options_of(case, config, scratch)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr.strip().removeprefix("qgrain-export: ").replace(f"{out}: ", ""))
    planned = [*command[:5], "--out", scratch / "none", *command[7:], "--dry-run", "--json", "--engine", ENGINES[case.target]]
    plan = json.loads(subprocess.run(planned, capture_output=True, text=True).stdout)
    return out, "; ".join(plan["refusals"])
