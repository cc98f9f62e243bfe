"""Exports in independent readers and in the engines that PyPI has, one table; see scripts/check_exports."""

import argparse
import importlib.metadata
import re
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

import check_gguf
import export_cases
import export_engines as engines
import export_models

TOLERANCE = 1e-4


def sentence(fault):
    return " ".join(f"{fault}".split()).replace("|", "/")


def quantized_by_the_tool(case, model, out, note):
    """The source quantized by compressed-tensors, and whether it packs to the folder's bytes; None for other targets, and
    for values of a search, whose scales are no tool's."""
    if case.target != "compressed-tensors" or case.keeps_scored_values:
        return None, True
    fake = engines.fake_quantized(model, out)
    unlike = engines.tensors_unlike(fake, out)
    if unlike:
        note(f"compressed-tensors packs {len(unlike)} tensors otherwise ({unlike[0]}, ...)")
    return fake, not unlike


def engine_figures(case, fake, out, prompts):
    """Differences, the last of which counts; none where no engine of PyPI takes what was written."""
    if case.target == "gguf":
        return [engines.by_llama_cpp(out)]
    if fake is None:
        return []
    wanted = engines.logits_of(fake, prompts)
    found = [engines.largest(engines.in_transformers(out, prompts), wanted)]
    if found[0] and any(name.endswith("weight_global_scale") for name in engines.tensors_of(out)):
        found.append(engines.largest(engines.in_transformers(out, prompts, restore_scales=True), wanted))
    return found


def run_engine(case, fake, out, foretold, note):
    """Part of a cell, and whether it is as it has to be: transformers equal to the fake quantization in every bit,
    llama.cpp to qgrain-lm where nothing is rounded, a refusal foretold by --engine."""
    engine = export_cases.ENGINES[case.target]
    try:
        found = engine_figures(case, fake, out, check_gguf.PROMPTS)
    except Exception as fault:
        note(f"{engine} stops ({type(fault).__name__}: {sentence(fault)[:110]})")
        if not foretold:
            note(f"--engine {engine} does not say so")
        return "; not run", bool(foretold)
    if found and foretold:
        note(f"--engine {engine} refuses what runs: {sentence(foretold)}")
    holds = not (found and foretold)
    if found and (fake is not None or case.title == "F32"):
        holds = holds and found[-1] <= (0 if fake is not None else TOLERANCE)
    shown = [f"{difference:.2g}" for difference in found]
    return "; " * bool(shown) + " (".join(shown) + ")" * (len(shown) > 1), holds


def check_export(case, model, scratch, note):
    """A cell, and whether all holds."""
    prompts = check_gguf.PROMPTS
    try:
        out, foretold = export_cases.export(case, model, engines.config_of(model), scratch)
    except export_cases.Refused as refusal:
        note(f"refused: {sentence(refusal)[:220]}")
        return "refused", case.may_be_refused
    own = engines.by_qgrain(out, prompts)
    read = engines.read_file(out, model, prompts) if case.target == "gguf" else engines.read_folder(out, prompts)
    difference = engines.largest(read, own)
    fake, same_bytes = quantized_by_the_tool(case, model, out, note)
    engine, runs = run_engine(case, fake, out, foretold, note)
    return f"{difference:.1e}{engine}", difference <= TOLERANCE and same_bytes and runs


def print_notes(notes):
    """Each sentence once, numbers aside."""
    kinds = {}
    for where, text in notes:
        kinds.setdefault(re.sub(r"[0-9]+", "#", text), []).append((where, text))
    for said in kinds.values():
        more = f" and {len(said) - 1} more" if len(said) > 1 else ""
        print(f"* {said[0][0]}{more}: {said[0][1]}")


def check_all(only):
    """Rows of schemes, columns of models: NumPy reader against qgrain-lm; engine."""
    failures, notes = 0, []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        models = export_models.models(scratch)
        print("| target | scheme | " + " | ".join(models) + " |\n" + "|---" * (2 + len(models)) + "|", flush=True)
        for case in export_cases.cases():
            if only and only not in f"{case.target} {case.title}":
                continue
            cells = []
            for title, model in models.items():
                note = lambda text: notes.append((f"{case.target} {case.title}, {title}", text))
                try:
                    cell, holds = check_export(case, model, scratch, note)
                except Exception as fault:
                    cell, holds = "FAILED", False
                    note(f"{type(fault).__name__}: {sentence(fault)[:300]}")
                failures += not holds
                cells.append(cell if holds else f"**{cell}**")
            print(f"| {case.target} | {case.title} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{failures} cells are not as they have to be\n")
    print_notes(notes)
    return failures


def recorded_logits(folder):
    path = Path(f"{folder}.logits.safetensors")
    return load_file(path) if path.exists() else {}


def check_folder(folder):
    """Rows of engine, what it is compared with, how much they may differ (none: a matter of the engine), difference."""
    config = engines.config_of(folder)
    recorded = recorded_logits(folder)
    prompts = [recorded[f"prompt.{i}"].tolist() for i in range(2)] if recorded else check_gguf.PROMPTS
    own = engines.by_qgrain(folder, prompts)
    head_is_dropped = config.get("tie_word_embeddings") and "lm_head.weight_scale" in engines.tensors_of(folder)
    if "weights.logits.0" in recorded and not head_is_dropped:  # the reader that recorded them took that head
        wanted = [recorded[f"weights.logits.{i}"] for i in range(2)]
        yield "qgrain-lm", "recorded logits of the weights", TOLERANCE, lambda: engines.largest(own, wanted)
    yield "NumPy reader", "qgrain-lm", TOLERANCE, lambda: engines.largest(engines.read_folder(folder, prompts), own)
    if config["quantization_config"]["quant_method"] == "compressed-tensors":
        against, wanted = "qgrain-lm (inputs not quantized)", own
        if "fake.logits.0" in recorded:
            against, wanted = "recorded fake quantization", [recorded[f"fake.logits.{i}"] for i in range(2)]
        run = lambda restored: engines.largest(engines.in_transformers(folder, prompts, restored), wanted)
        yield "transformers", against, None, lambda: run(False)
        if any(name.endswith("weight_global_scale") for name in engines.tensors_of(folder)):
            yield "transformers, global scales in float32", against, None, lambda: run(True)


def checks_of(path):
    if path.is_dir():
        yield from check_folder(path)
    else:
        yield "llama.cpp", "qgrain-lm (log-probabilities)", None, lambda: engines.by_llama_cpp(path)


def check_places(places):
    print("| what was written | run by | compared with | difference |\n|---|---|---|---|", flush=True)
    failures = 0
    for place in places:
        for engine, against, tolerance, difference in checks_of(place):
            try:
                found = difference()
                figure = f"{found:.2g}"
                failures += tolerance is not None and not found <= tolerance
            except Exception as fault:  # an engine's refusal is a result
                figure = f"not run: {type(fault).__name__}: {sentence(fault)}"[:100]
                failures += tolerance is not None
            print(f"| {place.name} | {engine} | {against} | {figure} |", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser(prog="check_exports")
    parser.add_argument("places", nargs="*", type=Path)
    parser.add_argument("--only", help="of the exports that are made: those whose target and scheme have this in them")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    names = ("torch", "transformers", "compressed-tensors", "xllamacpp", "gguf", "numpy")
    print("largest difference of logits; " + ", ".join(f"{n} {importlib.metadata.version(n)}" for n in names) + "\n")
    failures = check_places(arguments.places) if arguments.places else check_all(arguments.only)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
