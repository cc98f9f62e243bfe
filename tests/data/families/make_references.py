"""Checkpoints, and what the tests compare of the reference results, small enough for a repository.

    make_references.py MODELS OUT [all]

MODELS has a folder per model with config.json, its weights, expected_logits, plain_batch and padded_batch; beside it lies
models.json with the losses. With `all` no row is left out.
"""
import json, os, shutil, struct, sys

LOGIT_ROWS = {40: range(7, 40, 8), 200: range(9, 200, 10)}  # of longer prompts
PLAIN_ROWS = range(0, 12, 2)  # gradients
# In the padded batch 0 to 3 and 12 are padding positions, of which only 3 and 12 have a gradient.
STATE_ROWS = [0, 3, 4, 7, 11, 12, 13, 16, 19, 23]
PADDED_ROWS = [3, 5, 11, 12, 14, 20]


def read(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    return {k: (v["dtype"], v["shape"], body[slice(*v["data_offsets"])])
            for k, v in header.items() if k != "__metadata__"}


def write(path, tensors):
    header, body = {}, b""
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def ints(values):
    return "I32", [len(values)], struct.pack(f"<{len(values)}i", *values)


def rows_of(tensor, rows):
    dtype, shape, data = tensor
    width = shape[-1] * 4
    return dtype, [len(rows), shape[-1]], b"".join(data[r * width:(r + 1) * width] for r in rows)


def keep(prefix, tensors, gradient_rows, state_rows, kept):
    kept[prefix + "gradient_rows"] = ints(list(gradient_rows))
    if state_rows:
        kept[prefix + "state_rows"] = ints(list(state_rows))
    for name, tensor in tensors.items():
        if name.startswith("hidden.") or name == "logits":
            tensor = rows_of(tensor, state_rows)
        elif name.startswith("grad.") and ".experts." not in name:
            tensor = rows_of(tensor, gradient_rows)
        kept[prefix + name] = tensor


def make(source, out, losses, everything):
    os.makedirs(out, exist_ok=True)
    for name in os.listdir(source):
        if name.startswith("model") or name == "config.json":
            shutil.copyfile(os.path.join(source, name), os.path.join(out, name))
            os.chmod(os.path.join(out, name), 0o644)
    kept = {}
    prompts = read(os.path.join(source, "expected_logits.safetensors"))
    for name, tensor in prompts.items():
        if name.endswith(".logits"):
            n = tensor[1][0]
            rows = list(range(n) if everything else LOGIT_ROWS.get(n, range(n)))
            kept[name] = rows_of(tensor, rows)
            kept[name.replace(".logits", ".rows")] = ints(rows)
        elif ".route." not in name or everything or name.startswith("prompt1"):
            kept[name] = tensor
    plain = os.path.join(source, "plain_batch.safetensors")
    if os.path.exists(plain):
        keep("plain.", read(plain), list(range(12)) if everything else PLAIN_ROWS, [], kept)
        rows = list(range(24))
        keep("padded.", read(os.path.join(source, "padded_batch.safetensors")), rows if everything else PADDED_ROWS,
             rows if everything else STATE_ROWS, kept)
        for batch in ("plain", "padded"):
            kept[batch + ".loss"] = "F32", [1], struct.pack("<f", losses[batch + "_loss"])
    write(os.path.join(out, "reference.safetensors"), kept)


if __name__ == "__main__":
    models, out = sys.argv[1:3]
    with open(os.path.join(models, "..", "models.json")) as f:
        known = json.load(f)
    for entry in known["models"] if isinstance(known, dict) else known:
        name = entry["name"]
        make(os.path.join(models, name), os.path.join(out, name), entry, sys.argv[3:] == ["all"])
