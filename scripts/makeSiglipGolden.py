"""Makes test/golden/siglip_tiny*: a small random SigLIP, run by Hugging Face transformers.

    pip install torch transformers tokenizers safetensors pillow   # versions: siglip_tiny.json
    python scripts/makeSiglipGolden.py

Reference in float64 on weights that are exact in float32; tolerances as test/golden/README.md says.
"""
import json
import platform
import re
import string
from pathlib import Path

import numpy as np
import PIL
import tokenizers
import torch
import transformers
from PIL import Image
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import Siglip2Tokenizer, SiglipConfig, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

GOLDEN = Path(__file__).resolve().parent.parent / "test" / "golden"
FOLDER = GOLDEN / "siglip_tiny"
CONTEXT = 16
MADE_BY = (
    f"transformers {transformers.__version__}, torch {torch.__version__}, tokenizers {tokenizers.__version__}, "
    f"pillow {PIL.__version__}, numpy {np.__version__}, Python {platform.python_version()}"
)
SENTENCES = [
    "a surprised face", "a photo of a smiling face with closed eyes", "an angry man opens the mouth", "the portrait of a sad woman",
    "raised eyebrows and an open mouth", "a picture of a person who winks", "closed eyes and a smile", "a close up of a happy face",
    "disgusted, with a wrinkled nose", "she looks to the left side", "he is afraid of the dark", "puffed cheeks and pursed lips",
]
PROMPTS = [
    "a surprised face", "A Surprised FACE!", "closed eyes, and  an open mouth...", "it's a (happy) person; isn't it?", "  naïve café — 50%  ",
    "smiling", "une femme qui sourit", "a photo of " * 12, "日本", "x_y-z/é",
]


def canonical(text):
    """What SigLIP's text has gone through: lower case, no ASCII punctuation, single spaces."""
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", bare).strip()


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def gemma_like():
    """BPE with bytes for what it has no piece of, as Gemma's; no lower-casing, which transformers adds when it loads it for SigLIP 2."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[*special, *(f"<0x{b:02X}>" for b in range(256))], show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    whole = json.loads(tokenizer.to_str())
    whole["added_tokens"] = [token for token in whole["added_tokens"] if token["content"] in special]
    whole["post_processor"] = json.loads(unigram().to_str())["post_processor"] | {
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
        "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}},
    }
    return whole


def padded(ids, end, pad):
    row = [*ids[: CONTEXT - 1], end]
    return row + [pad] * (CONTEXT - len(row))


def tokens():
    first = unigram()
    second = gemma_like()
    reference = Siglip2Tokenizer(vocab=second["model"]["vocab"], merges=[tuple(m) for m in second["model"]["merges"]])
    plain = lambda text: reference(text, add_special_tokens=False)["input_ids"]
    return {
        "context": CONTEXT,
        "made_by": MADE_BY,
        "siglip2_tokenizer": second,
        "prompts": [
            {
                "text": text,
                "siglip": padded(first.encode(canonical(text), add_special_tokens=False).ids, 1, 1),
                "siglip2": padded(plain(text), 1, 0),
            }
            for text in PROMPTS
        ],
    }, first


def randomise(model):
    generator = torch.Generator().manual_seed(7)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        matrix = p.dim() > 1 and "embedding.weight" not in name and "probe" not in name
        scale = 1.2 / p[0].numel() ** 0.5 if matrix or "patch_embedding.weight" in name else 0.5 if p.dim() > 1 else 0.1
        offset = 1 if "norm" in name and name.endswith("weight") else 0
        p.data = offset + scale * noise


def measure(model, dtype, pixels, ids, cotangent):
    model = model.to(dtype)
    x = pixels.to(dtype).clone().requires_grad_()
    image = model.vision_model(pixel_values=x, output_hidden_states=True)
    (image.pooler_output * cotangent.to(dtype)).sum().backward()
    with torch.no_grad():
        text = model.text_model(input_ids=ids, output_hidden_states=True)
    out = {"out/image_features": image.pooler_output, "out/text_features": text.pooler_output, "grad/pixel_values": x.grad}
    out |= {f"out/vision_hidden_{i}": h for i, h in enumerate(image.hidden_states)}
    out |= {"out/text_hidden_first": text.hidden_states[0], "out/text_hidden_last": text.hidden_states[-1]}
    return {name: value.detach().double().numpy() for name, value in out.items()}


def main():
    FOLDER.mkdir(exist_ok=True)
    told, tokenizer = tokens()
    (GOLDEN / "siglip_tokens.json").write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")
    (FOLDER / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")

    # 34 is no multiple of 8: the last two rows and columns are seen by no patch; the text's head changes the width
    config = SiglipConfig(
        text_config=dict(vocab_size=160, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                         max_position_embeddings=CONTEXT, projection_size=24, bos_token_id=0, eos_token_id=1),
        vision_config=dict(hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=4, image_size=34, patch_size=8),
        attn_implementation="sdpa",
    )
    model = SiglipModel(config).eval()
    randomise(model)
    model.save_pretrained(FOLDER)
    processors_ = {way: SiglipImageProcessorPil(size={"height": 34, "width": 34}, resample=way) for way in (3, 2)}
    processors_[3].save_pretrained(FOLDER)

    rng = np.random.default_rng(3)
    pixels = torch.from_numpy(rng.uniform(-1, 1, (2, 3, 34, 34)).astype(np.float32))
    cotangent = torch.from_numpy(rng.standard_normal((2, 24)).astype(np.float32))
    ids = torch.tensor([p["siglip"] for p in told["prompts"][:3]])
    tensors = {"in/pixel_values": pixels.numpy(), "cot/image_features": cotangent.numpy(), "in/input_ids": ids.numpy().astype(np.int32)}
    single = measure(model, torch.float32, pixels, ids, cotangent)
    double = measure(model, torch.float64, pixels, ids, cotangent)
    facts = {}
    for name, value in double.items():
        deviation, largest = np.abs(single[name] - value).max(), np.abs(value).max()
        tensors[name] = value.astype(np.float32)
        facts[name] = {
            "atol": float(f"{max(8 * deviation, 4e-6 * largest):.2g}"), "rtol": 1e-4,
            "float32_reference_max_abs_dev": float(f"{deviation:.3g}"), "max_abs": float(f"{largest:.4g}"),
        }

    rows, columns = np.mgrid[0:23, 0:51]
    picture = np.stack([127 + 120 * np.sin(0.4 * rows + 0.1 * columns), 5 * columns % 256, 11 * rows % 256], -1).astype(np.uint8)
    tensors["in/image"] = picture
    for way, name in ((3, "bicubic"), (2, "bilinear")):
        seen = processors_[way](Image.fromarray(picture), return_tensors="np")["pixel_values"][0]
        tensors[f"out/{name}/pixel_values"] = seen.astype(np.float32)
        note = "rounded to 8 bits: one grey level on at most 1 % of values; at most 1 % of values may differ by more than 1e-4"
        facts[f"out/{name}/pixel_values"] = {"atol": 0.0079, "rtol": 1e-4, "max_abs": float(np.abs(seen).max()), "note": note}
    case = {f"tiny/{name}": np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(case, GOLDEN / "siglip_tiny.safetensors")
    described = {
        name: {"dtype": str(value.dtype), "shape": list(value.shape), **facts.get(name.removeprefix("tiny/"), {})} for name, value in sorted(case.items())
    }
    notes = {"tiny": {"model": "siglip_tiny (as save_pretrained writes it)", "texts": "the first three of siglip_tokens.json"}}
    whole = {"cases": notes, "check": "abs(x - ref) <= atol + rtol * abs(ref), elementwise", "file": "siglip_tiny.safetensors",
             "made_by": MADE_BY, "tensors": described}
    (GOLDEN / "siglip_tiny.json").write_text(json.dumps(whole, indent=1) + "\n")


main()
