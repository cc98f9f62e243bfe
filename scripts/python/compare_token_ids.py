"""Token ids of a GGUF file's own tokenizer by llama.cpp and by qgrain-lm; see scripts/try_real_model.

    compare_token_ids.py FILE.gguf TEXTS.json

Special tokens spelled out in a text count as such on both sides. Exit code 1 where a text differs.
"""
import importlib.metadata
import json
import os
import subprocess
import sys
import urllib.request

from check_gguf import in_own_process, open_server


def by_llama_cpp(model, texts):
    server = open_server(model)
    results = []
    for text in texts:
        question = json.dumps({"content": text, "add_special": True, "parse_special": True}).encode()
        request = urllib.request.Request(server.listening_address + "/tokenize", question, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            results.append(json.load(answer)["tokens"])
    return results


def main(model, texts_path):
    with open(texts_path, encoding="utf-8") as file:
        texts = json.load(file)
    wanted = in_own_process(by_llama_cpp, model, texts)
    found = json.loads(subprocess.run([os.environ["QGRAIN_LM"], "--model", model, "--encode-file", texts_path], check=True, capture_output=True).stdout)
    different = [(text, theirs, ours) for text, theirs, ours in zip(texts, wanted, found, strict=True) if theirs != ours]
    for text, theirs, ours in different:
        print(f"{text!r}: llama.cpp {theirs}, qgrain {ours}")
    print(f"token ids equal to llama.cpp's (xllamacpp {importlib.metadata.version('xllamacpp')}): {len(texts) - len(different)} of {len(texts)} texts")
    sys.exit(1 if different else 0)


main(*sys.argv[1:])
