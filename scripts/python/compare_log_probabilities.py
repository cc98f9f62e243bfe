"""Log-probabilities of a GGUF file along a text by llama.cpp and by qgrain-lm; see scripts/try_real_model.

    compare_log_probabilities.py FILE.gguf TEXT LEAST [THEIRS.gguf]

llama.cpp reads THEIRS, where it is named: the same values in another type. In front of quantized weights it multiplies with
inputs in 8 bits. Exit code 1 where the likeliest token agrees at a smaller share of the positions than LEAST.
"""
import importlib.metadata
import json
import os
import subprocess
import sys

import numpy as np
from check_gguf import in_own_process, log_softmax, logits_by_qgrain, open_server

TOKENS = 560  # more than a window


def llama_cpp_tops(model, ids):
    """At each position the likeliest token and its log-probability."""
    server = open_server(model, 1024)
    tops = []
    for end in range(1, len(ids) + 1):
        # The likeliest token may be half a character, which the server would wait for: another one is forced to follow.
        request = {"prompt": ids[:end], "n_predict": 1, "n_probs": 1, "temperature": 0.0, "logit_bias": [[ids[1], 1000.0]]}
        answer = server.handle_completions(request)
        answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
        top = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]
        tops.append((top["id"], top["logprob"]))
    return tops


def main(model, text_path, least, theirs=None):
    with open(text_path, encoding="utf-8") as file:
        text = file.read()
    encoded = subprocess.run([os.environ["QGRAIN_LM"], "--model", model, "--encode", text], check=True, capture_output=True)
    ids = [int(number) for number in encoded.stdout.split()][:TOKENS]
    tops = in_own_process(llama_cpp_tops, theirs or model, ids)
    logits = logits_by_qgrain(model, ids)
    same = 0
    differences = []
    for (token, probability), row in zip(tops, logits, strict=True):
        ours = log_softmax(row.astype(np.float64))
        same += int(ours.argmax()) == token
        differences.append(abs(ours[token] - probability))
    share = same / len(ids)
    print(f"llama.cpp (xllamacpp {importlib.metadata.version('xllamacpp')}), {os.path.basename(theirs or model)}, {len(ids)} positions of {os.path.basename(text_path)}: the likeliest token is the same at {share:.1%}; "
          f"its log-probability differs by {np.mean(differences):.2g} in the mean, {np.max(differences):.2g} at most")
    sys.exit(0 if share >= float(least) else 1)


main(*sys.argv[1:])
