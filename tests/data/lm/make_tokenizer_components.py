"""Writes tokenizer_components.json: what Hugging Face tokenizers makes of components that SentencePiece's and older files use.

Usage: python make_tokenizer_components.py BASE_TOKENIZER_JSON OUTPUT, with `tokenizers==0.22.2` installed.
A variant is the base file with some top-level keys replaced; where its model is a name, it is one of `models`.
"""
import json
import random
import sys

from tokenizers import Tokenizer, __version__

MARK = "\u2581"
TEXTS = [
    "", " ", "   ", "a", "The cat sat on the mat.", "  two  leading", "trailing  ", "tab\tand\nline\n", "a1b22c333 4444 \u0661\u00bd\u2167",
    "well... (so) [it] goes!?--- $5 +x=~^` \u00bfqu\u00e9? \u3002\u300c\u4e2d\u300d", "\u2581mark \u2581\u2581 inside\u2581", "na\u00efve caf\u00e9 \U0001f600",
    "<0x41> <0x0A>", "<s>", "a<s>b", " <s> ", "<s><s> the", "the</s>", "Abc ABC aaa", "\u00a0hard\u2003spaces\u3000", "the the the thethe", "1.000.000,5",
]


def random_texts(rng, count):
    pools = ["the cat", "  \t\n\u00a0", "0123\u0661\u00b2", ".,;!?-(\u00bf", "\u00e9\u4e2d\U0001f600\u2581", "<s>", "aAbBe "]
    return ["".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 20))) for _ in range(count)]


def bpe(byte_tokens, **options):
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256) if byte_tokens == "all" or (byte_tokens == "half" and b < 0xA0)]
    pieces += [MARK] + list("abcdefghijklmnopqrstuvwxyzABT.,<>0x4")
    merges = ["t h", "th e", f"{MARK} the", "a t", "c at", f"{MARK} cat", f"{MARK} {MARK}", "i n", "e a", f"{MARK} a", "a a"]
    pieces += [merge.replace(" ", "") for merge in merges]
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
            "byte_fallback": byte_tokens != "none", "ignore_merges": False, "vocab": {p: i for i, p in enumerate(pieces)},
            "merges": [merge.split(" ") for merge in merges], **options}


def unigram(byte_tokens=False, unk_id=0):
    scored = [["<unk>", 0.0], ["<s>", 0.0], ["</s>", 0.0], [MARK, -3.25], ["e", -3.5], ["t", -3.75], ["a", -3.75], ["h", -4.5], [f"{MARK}the", -4.0], ["th", -5.0],
              ["he", -5.0], ["at", -4.5], ["c", -5.5], ["ca", -7.0], ["s", -4.0], [f"{MARK}c", -6.0], ["in", -5.0], ["aa", -7.5], ["aaa", -11.25], [".", -4.0], ["\u00e9", -9.0]]
    if byte_tokens:
        scored += [[f"<0x{b:02X}>", -20.0] for b in range(256)]
    return {"type": "Unigram", "unk_id": unk_id, "vocab": scored, "byte_fallback": byte_tokens}


MODELS = {"fallback": bpe("all"), "half": bpe("half"), "none": bpe("none"), "none_apart": bpe("none", fuse_unk=False),
          "dropped": bpe("none", unk_token=None), "unigram": unigram(), "unigram_bytes": unigram(True)}


def metaspace(scheme, split=True, **others):
    return {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": split, **others}


def cut(behavior, invert=False, pattern=None):
    return {"type": "Split", "pattern": pattern or {"Regex": r"\s|[,.]"}, "behavior": behavior, "invert": invert}


def sequence(key, *members):
    return {"type": "Sequence", key: list(members)}


def variants(base):
    added = [dict(id=i, content=c, single_word=False, lstrip=False, rstrip=False, normalized=n, special=True)
             for i, c, n in ((1, "<s>", False), (2, "</s>", True))]
    letters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    marked = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    prepend = {"type": "Prepend", "prepend": MARK}
    spoken = {"type": "Replace", "pattern": {"String": MARK}, "content": " "}
    fallback, fuse = {"type": "ByteFallback"}, {"type": "Fuse"}
    strip = lambda start, stop: {"type": "Strip", "content": " ", "start": start, "stop": stop}
    llama = dict(normalizer=sequence("normalizers", prepend, marked), pre_tokenizer=None, post_processor=None, added_tokens=added,
                 decoder=sequence("decoders", spoken, fallback, fuse, strip(1, 0)))
    plain = {**llama, "normalizer": None}
    framed = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": True}
    rows = [(f"llama_{m}", {**llama, "model": m}) for m in ("fallback", "half", "none", "none_apart", "dropped")]
    for model in ("fallback", "unigram"):
        for scheme in ("always", "first", "never"):
            for split in (True, False):
                space = metaspace(scheme, split)
                rows.append((f"metaspace_{model}_{scheme}_{split}", {**plain, "model": model, "pre_tokenizer": space, "decoder": space}))
    rows += [
        ("old_metaspace", {**plain, "model": "unigram_bytes", "pre_tokenizer": {"type": "Metaspace", "replacement": MARK, "add_prefix_space": True},
                           "decoder": {"type": "Metaspace", "replacement": MARK, "add_prefix_space": True}}),
        ("white_space_then_metaspace", {**plain, "model": "unigram", "pre_tokenizer": sequence("pretokenizers", {"type": "WhitespaceSplit"}, metaspace("always")),
                                        "decoder": metaspace("always"), "post_processor": framed}),
        ("stripped", {**llama, "model": "fallback", "normalizer": sequence("normalizers", {"type": "Strip", "strip_left": True, "strip_right": True}, prepend, marked),
                      "post_processor": {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}}),
        ("stripped_left", {**llama, "model": "fallback", "normalizer": sequence("normalizers", {"type": "Strip", "strip_left": True, "strip_right": False}, marked)}),
        ("replaced_by_pattern", {**llama, "model": "unigram_bytes", "normalizer": sequence("normalizers", {"type": "Replace", "pattern": {"Regex": r"\s{2,}|[A-Z]"}, "content": " x"}, marked)}),
        ("no_decoder", {**llama, "model": "fallback", "decoder": None}),
        ("fallback_alone", {**llama, "model": "fallback", "decoder": fallback}),
        ("strip_left", {**llama, "model": "fallback", "decoder": sequence("decoders", spoken, fallback, strip(2, 0))}),
        ("strip_right", {**llama, "model": "fallback", "decoder": sequence("decoders", spoken, strip(0, 1))}),
        ("replaced_in_decoder", {**llama, "model": "fallback", "decoder": sequence("decoders", {"type": "Replace", "pattern": {"Regex": f"{MARK}+|a"}, "content": "_"}, fuse)}),
        ("digits_alone", {"normalizer": None, "pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, letters)}),
        ("digits_together", {"normalizer": None, "pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": False}, letters)}),
        ("by_characters", {"pre_tokenizer": sequence("pretokenizers", cut("MergedWithPrevious", pattern={"String": " "}), letters)}),
    ]
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        rows.append((f"punctuation_{behavior}", {"pre_tokenizer": sequence("pretokenizers", {"type": "Punctuation", "behavior": behavior}, letters)}))
        for invert in (False, True):
            rows.append((f"split_{behavior}_{invert}", {"pre_tokenizer": sequence("pretokenizers", cut(behavior, invert), letters)}))
    return rows


def main(base_path, output_path):
    base = json.load(open(base_path, encoding="utf-8"))
    texts = TEXTS + random_texts(random.Random(5), 6)
    result = []
    for name, top in variants(base):
        document = {**base, **top}
        if isinstance(document["model"], str):
            document["model"] = MODELS[document["model"]]
        tokenizer = Tokenizer.from_str(json.dumps(document))
        encoded = [tokenizer.encode(text).ids for text in texts]
        result.append({"name": name, "replace": top, "cases": [[i, ids, tokenizer.decode(ids, skip_special_tokens=False)] for i, ids in enumerate(encoded)]})
    header = {"tokenizers": __version__, "cases": "[place in texts, ids, decoded]"}
    with open(output_path, "w", encoding="utf-8") as out:
        json.dump({"about": header, "models": MODELS, "texts": texts, "variants": result}, out, separators=(",", ":"), ensure_ascii=False)
        out.write("\n")
    print(len(result), "variants,", sum(len(v["cases"]) for v in result), "cases")


main(*sys.argv[1:])
