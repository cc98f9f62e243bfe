"""Log-probabilities of GGUF files by llama.cpp and by qgrain-lm; see scripts/check_gguf."""

import argparse
import collections
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

# Ids that the smallest vocabulary has.
PROMPTS = [
    [64, 220, 79, 71, 78, 83, 78],
    [38, 262, 220, 65, 81, 265, 220, 67, 78, 70, 257, 13, 268, 5, 200, 31],
]


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def write_ids(path, ids):
    data = np.array(ids, np.int32).tobytes()
    header = {"ids": {"dtype": "I32", "shape": [len(ids)], "data_offsets": [0, len(data)]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def read_logits(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8 : 8 + size])["logits"]
    begin, end = (8 + size + offset for offset in entry["data_offsets"])
    return np.frombuffer(raw[begin:end], np.float32).reshape(entry["shape"])


def logits_by_qgrain(model, ids):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ids(folder / "ids", ids)
        command = [os.environ["QGRAIN_LM"], "--model", str(model), "--tokens", folder / "ids", "--logits", folder / "out"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return read_logits(folder / "out")


def by_qgrain(model, ids):
    return log_softmax(logits_by_qgrain(model, ids).astype(np.float64))


def open_server(path, context=256):
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = params.n_batch = params.n_ubatch = context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.warmup = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    return xllamacpp.Server(params)


def in_own_process(question, model, *arguments):
    """question(model, *arguments), whose answer JSON can hold: the server writes its log to standard error and does not
    always end with its process."""
    with tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                with open(file.name, "w", encoding="utf-8") as out:
                    json.dump(question(model, *arguments), out)
                code = 0
            finally:
                os._exit(code)  # without the end of Python, which would remove the parent's file
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"llama.cpp could not run {model}")
        with open(file.name, encoding="utf-8") as results:
            return json.load(results)


def by_llama_cpp(path, vocabulary):
    """One request for each prefix; a token that is text by itself is forced to follow, which the
    log-probabilities do not see."""
    server = open_server(path)
    results = []
    for ids in PROMPTS:
        rows = np.full((len(ids), vocabulary), np.nan)
        for last in range(len(ids)):
            request = {
                "prompt": ids[: last + 1],
                "n_predict": 1,
                "n_probs": vocabulary,
                "temperature": 0.0,
                "cache_prompt": False,
                "logit_bias": [[64, 1000.0]],
            }
            answer = server.handle_completions(request)
            answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
            for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
                rows[last, token["id"]] = token["logprob"]
        results.append(rows)
    return results


def largest_difference(results, model):
    return max(np.abs(rows - by_qgrain(model, ids)).max() for rows, ids in zip(results, PROMPTS))


def compare(path, against):
    """The types of the file's matrices, and the largest differences."""
    tensors = gguf.GGUFReader(path).tensors
    vocabulary = int(next(t for t in tensors if t.name == "token_embd.weight").shape[1])
    types = collections.Counter(t.tensor_type.name for t in tensors if len(t.shape) > 1)
    results = by_llama_cpp(path, vocabulary)
    columns = [largest_difference(results, path)]
    if against:
        columns.append(largest_difference(results, against))
    return types, columns


def check(path, against):
    types, columns = compare(path, against)
    print("| {} | {} | {} |".format(path.name, " ".join(types), " | ".join(f"{c:.2g}" for c in columns)), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="check_gguf")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--against", type=Path, help="the model that an F32 file was made of")
    arguments = parser.parse_args()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("xllamacpp", "gguf"))
    print(f"largest difference of log-probabilities, llama.cpp ({versions}) against qgrain-lm")
    print("| file | types | same file |" + (f" {arguments.against} |" if arguments.against else ""))
    print("|---|---|---|" + ("---|" if arguments.against else ""), flush=True)
    failures = 0
    for path in arguments.files:
        # Each in a process of its own: the server ends its process where it cannot load a file.
        child = os.fork()
        if child == 0:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 2)
            check(path, arguments.against)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            print(f"| {path.name} | not run by llama.cpp |", flush=True)
            failures += 1
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
