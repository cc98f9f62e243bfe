"""Token ids of a GGUF file's own tokenizer by llama.cpp and by qgrain-lm; see scripts/try_real_model.

    compare_token_ids.py FILE.gguf TEXTS.json

Special tokens spelled out in a text count as such on both sides. Exit code 1 where a text differs.
"""
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

import xllamacpp


def by_llama_cpp(model, texts):
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 64
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.warmup = False
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    results = []
    for text in texts:
        question = json.dumps({"content": text, "add_special": True, "parse_special": True}).encode()
        request = urllib.request.Request(server.listening_address + "/tokenize", question, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            results.append(json.load(answer)["tokens"])
    return results


def in_own_process(model, texts):
    """The server writes its log to standard error and does not always end with its process."""
    with tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with open(file.name, "w", encoding="utf-8") as out:
                json.dump(by_llama_cpp(model, texts), out)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"llama.cpp could not read {model}")
        with open(file.name, encoding="utf-8") as results:
            return json.load(results)


def main(model, texts_path):
    with open(texts_path, encoding="utf-8") as file:
        texts = json.load(file)
    wanted = in_own_process(model, texts)
    found = json.loads(subprocess.run([os.environ["QGRAIN_LM"], "--model", model, "--encode-file", texts_path], check=True, capture_output=True).stdout)
    different = [(text, theirs, ours) for text, theirs, ours in zip(texts, wanted, found, strict=True) if theirs != ours]
    for text, theirs, ours in different:
        print(f"{text!r}: llama.cpp {theirs}, qgrain {ours}")
    print(f"token ids equal to llama.cpp's (xllamacpp {importlib.metadata.version('xllamacpp')}): {len(texts) - len(different)} of {len(texts)} texts")
    sys.exit(1 if different else 0)


main(*sys.argv[1:])
