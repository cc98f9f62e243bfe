"""Writes tokenizer_variants.json: what Hugging Face tokenizers makes of variants of the embedded tokenizer.

Usage: python make_tokenizer_variants.py BASE_TOKENIZER_JSON OUTPUT, with `tokenizers==0.22.2` installed.
A variant is the base file with some top-level keys replaced and some keys of `model` replaced.
"""
import json
import random
import sys

from tokenizers import Tokenizer, __version__

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PUNCTUATED = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
              r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

TEXTS = [
    "", " ", "  ", "\n", "a", "Hello, world!", " leading", "trailing ", "two  spaces   three", "tab\there",
    "line\nbreak\r\nand\n\n\nmore \n x", "don't DON'T we'll WE'LL I'm they're you've she'd it's IT'S '\u017f x'\u017fy",
    "1", "12", "123", "1234 12345 1,234,567.89", "\u0661\u0662\u0663\u0664 \u00bd \u2167", "The quick brown fox jumps over the lazy dog.",
    "a\u000bb\u000cc\u001cd\u0085e\u00a0f\u1680g\u180eh\u2003i\u200bj\u2028k\u2029l\u202fm\u3000n\ufeffo", "\u00a0\u00a0x \u3000 y\u2003\n",
    "e\u0301 A\u030a \u212b \u1e9b\u0323 \ufb01 \uff21 \u2460 \uac00 \u1100\u1161", "na\u00efve caf\u00e9 \u00dcber stra\u00dfe \u01c5 \u02b0 \u0130I\u0131i",
    "\u4f60\u597d\u4e16\u754c \u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4", "\u041f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f", "f(x) = {a: [1, 2], b: \"c\"}; // note\n\treturn 0;/\n/",
    "http://example.org/a_b-c?d=e&f=g#h \\ ~ ` ^ | @user #tag 50% $5", "camelCase HTTPServer XMLHttpRequest ABCdef ABC", "\u0000\u0001\u007f\u00ad",
    "<|endoftext|>", "a<|endoftext|>b", " <|im_start|> user\n<|im_end|>  x", "<|im_start|<|im_end|>", "<|endoftext|><|endoftext|>",
]
ADDED_TEXTS = [
    "<l> x <r> y <b> z", "a  <l>  b", "a  <r>  b", "a \n<b>\t b", "<l><r><b>", "  <l>", "<r>  ", "<r> <l>", "<r>   <l>  <b>   <b>",
    "word words sword word_ _word word1 word.", "word", " word ", "\u00e9word wordi\u0301 word\u200d word\u203f", "(word) \u4f60word word\u597d -word-",
    "abc abcd abcde abcdef abab ababab abcabcd", "abcab", "caf\u00e9 cafe\u0301 cafe", "\ufb01ne fine \uff21", "two words twowords two  words",
    "\u00a0<l>\u2003x\u2003<r>\u3000y", "x<l>", "<r>x", "\u0085<l> \u000b<b>\u001c", "h\u00e9llo he\u0301llo h\u00e9", "a <r> word <l> b",
    "in begin in-in inn", "wordword", "<b>word<b>", "abc<l>abcd",
]


def random_texts(rng, count):
    pools = ["abcdeXYZ ", " \t\n\r\u00a0\u2003\u000b\u0085", "0123456789\u0661\u00b2", "'sStTrReEvVmMlLdD ", ".,;:!?-_/\\()[]{}<>|\"'",
             "\u00e9e\u0301\u0308\u0327\u1100\u1161\u11a8\u212b\ufb01\u00df", "\u4e2d\u6587\u3042\ud55c", "\U0001f600\u200d\ufe0f", "\u0430\u0411\u05d0\u0639\u0915\u094d"]
    return ["".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 24))) for _ in range(count)]


def token(id, content, **flags):
    entry = dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return {**entry, **flags}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(**options):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False, **options}


def sequence(*members):
    return {"type": "Sequence", "pretokenizers": list(members)}


def variants(base):
    tokens, merges = base["model"]["vocab"], base["model"]["merges"]
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                           {"SpecialToken": {"id": "end", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [1022], "tokens": ["<|im_start|>"]},
                                   "end": {"id": "end", "ids": [1023, 1021], "tokens": ["<|im_end|>", "<|endoftext|>"]}}}
    new = [("<l>", dict(lstrip=True, special=True)), ("<r>", dict(rstrip=True, special=True)),
           ("<b>", dict(lstrip=True, rstrip=True)), ("word", dict(single_word=True)), ("abc", {}),
           ("abcde", dict(normalized=True)), ("abcd", {}), ("cafe\u0301", dict(normalized=True)),
           ("two words", dict(normalized=True, rstrip=True)), ("h\u00e9llo", {}),
           ("\ufb01ne", dict(normalized=True, single_word=True))]
    known = [("ab", {}), ("in", dict(normalized=True, single_word=True))]
    added = base["added_tokens"] + [token(1024 + i, content, **flags) for i, (content, flags) in enumerate(new)]
    added += [token(tokens[content], content, **flags) for content, flags in known]
    return [
        ("byte_level_gpt2_pattern", {"pre_tokenizer": byte_level(use_regex=True), "normalizer": None}, {}),
        ("prefix_space", {"pre_tokenizer": byte_level(use_regex=True, add_prefix_space=True)}, {}),
        ("prefix_space_after_split", {"pre_tokenizer": sequence(split(LLAMA3), byte_level(add_prefix_space=True))}, {}),
        ("llama3_template", {"normalizer": None, "pre_tokenizer": sequence(split(LLAMA3), byte_level()),
                             "post_processor": {"type": "Sequence", "processors": [byte_level(), template]}}, {}),
        ("ignore_merges", {"pre_tokenizer": sequence(split(LLAMA3), byte_level())},
         {"ignore_merges": True, "merges": merges[: len(merges) // 3]}),
        ("cased_pattern", {"pre_tokenizer": sequence(split(CASED), byte_level())}, {}),
        ("three_splits", {"pre_tokenizer": sequence(split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
                                                    split(PUNCTUATED), byte_level())}, {}),
        ("removed_inverted", {"pre_tokenizer": sequence(split(LLAMA3, "Removed", True), byte_level())}, {}),
        ("removed_spaces", {"pre_tokenizer": sequence(split(r"\s+", "Removed"), byte_level())}, {}),
        ("fixed_string", {"pre_tokenizer": sequence(split(" ", kind="String"), split(".", "Removed", kind="String"), byte_level())}, {}),
        ("classes", {"pre_tokenizer": sequence(split(r"^[\w]+|[^\W\d]+$|\h{2}|[\S]\w|[\s\d]"), byte_level())}, {}),
        ("empty_matches", {"pre_tokenizer": sequence(split(r"(?=(\p{N}{3})+(?!\p{N}))"), byte_level())}, {}),
        ("nfkc", {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "NFKC"}]}}, {}),
        ("nfkd", {"normalizer": {"type": "NFKD"}}, {}),
        ("string_merges", {}, {"merges": [" ".join(pair) for pair in merges]}),
        ("no_pre_tokenizer", {"pre_tokenizer": byte_level()}, {}),
        ("unknown_token", {"pre_tokenizer": None}, {"unk_token": "!", "fuse_unk": False}),
        ("unknown_token_fused", {"pre_tokenizer": None}, {"unk_token": "!", "fuse_unk": True}),
        ("added_tokens", {"added_tokens": added}, {}),
        ("added_tokens_prefix_space", {"added_tokens": added, "pre_tokenizer": byte_level(use_regex=True, add_prefix_space=True)}, {}),
        ("added_tokens_no_normalizer", {"added_tokens": added, "normalizer": None, "post_processor": template}, {}),
    ]


def main(base_path, output_path):
    base = json.load(open(base_path, encoding="utf-8"))
    rng = random.Random(20)
    result = []
    for name, top, model in variants(base):
        document = {**base, **top, "model": {**base["model"], **model}}
        tokenizer = Tokenizer.from_str(json.dumps(document))
        texts = TEXTS + random_texts(rng, 25) + (ADDED_TEXTS if name.startswith("added") else [])
        encoded = [(text, tokenizer.encode(text).ids) for text in texts]
        cases = [[text, ids, tokenizer.decode(ids, skip_special_tokens=False)] for text, ids in encoded]
        # Merges are long: only the difference to the base is stored.
        stored = {"merges": "strings"} if name == "string_merges" else dict(model)
        if name == "ignore_merges":
            stored["merges"] = len(model["merges"])
        result.append({"name": name, "replace": top, "replace_in_model": stored, "cases": cases})
    size = Tokenizer.from_str(json.dumps(base)).get_vocab_size()
    plain = Tokenizer.from_str(json.dumps(base))
    draws = [[rng.randrange(size) for _ in range(rng.randrange(1, 12))] for _ in range(50)]
    draws += [[rng.randrange(94, 256) for _ in range(rng.randrange(1, 12))] for _ in range(150)]
    decodes = [[ids, plain.decode(ids, skip_special_tokens=False)] for ids in draws]
    header = {"tokenizers": __version__, "cases": "[text, ids, decoded]", "decodes": "[ids, decoded], base tokenizer"}
    with open(output_path, "w", encoding="utf-8") as out:
        json.dump({"about": header, "variants": result, "decodes": decodes}, out, separators=(",", ":"))
        out.write("\n")
    print(sum(len(v["cases"]) for v in result), "cases,", len(decodes), "decodes")


main(*sys.argv[1:])
