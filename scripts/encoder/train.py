"""Trains the embedded encoder further on pictures that make.ts drew (PyTorch >= 2, safetensors, tokenizers; a GPU is used where there is one).

    python train.py ENCODER OUT DATA [DATA ...] --validation DATA [--steps 1000]

ENCODER is a folder as assets/encoder, to start from; OUT gets model.safetensors, expression_head.safetensors and report.json.

A batch is whole sittings: pictures of one person that differ by the expression alone. The loss is CLIP's (a sentence is also right for pictures of nearly the same
coefficients), the same between changes, picture minus the sitting's picture at rest against sentence minus "face", which is what an edit follows, and the squared error of
a linear map from the picture's embedding to the coefficients, the differences between left and right once more.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer

SITTING = 8  # pictures, as make.ts has them

parser = argparse.ArgumentParser()
parser.add_argument("encoder")
parser.add_argument("out")
parser.add_argument("data", nargs="+")
parser.add_argument("--validation", required=True)
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--sittings", type=int, default=16, help="of a batch")
parser.add_argument("--rate", type=float, default=3e-4)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
torch.manual_seed(options.seed)
rng = np.random.default_rng(options.seed)
device = "cuda" if torch.cuda.is_available() else "cpu"


def read_json(*path):
    with open(os.path.join(*path)) as f:
        return json.load(f)


config = read_json(options.encoder, "config.json")
tokenizer = Tokenizer.from_file(os.path.join(options.encoder, "tokenizer.json"))
SIZE = config["vision_config"]["image_size"]
TOKENS, END = config["text_config"]["max_position_embeddings"], config["text_config"]["eos_token_id"]
preprocessing = read_json(options.encoder, "preprocessor_config.json")
MEAN, STD = (torch.tensor(preprocessing[name], device=device).view(1, 3, 1, 1) for name in ("image_mean", "image_std"))


def read(folder):
    text = read_json(folder, "captions.json")
    pictures = np.memmap(os.path.join(folder, "pictures.u8"), np.uint8, "r").reshape(-1, SIZE, SIZE, 3)
    coefficients = np.fromfile(os.path.join(folder, "coefficients.f32"), np.float32).reshape(len(pictures), -1)
    return pictures, torch.from_numpy(coefficients), text["captions"], text["names"]


def load(path):
    with safe_open(path, "pt") as f:
        return {name: f.get_tensor(name).float().to(device) for name in f.keys()}, f.metadata()


weights, _ = load(os.path.join(options.encoder, "model.safetensors"))
head, head_metadata = load(os.path.join(options.encoder, "expression_head.safetensors"))


def linear(w, name, x):
    return F.linear(x, w[name + ".weight"], w[name + ".bias"])


def norm(w, name, x):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], 1e-5)


def transformer(w, prefix, x, layers, heads, causal):
    for i in range(layers):
        p = f"{prefix}.encoder.layers.{i}"
        h = norm(w, p + ".layer_norm1", x)
        q, k, v = (
            linear(w, f"{p}.self_attn.{part}_proj", h).view(*h.shape[:2], heads, -1).transpose(1, 2) for part in "qkv"
        )
        a = F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(h.shape)
        x = x + linear(w, p + ".self_attn.out_proj", a)
        h = linear(w, p + ".mlp.fc1", norm(w, p + ".layer_norm2", x))
        x = x + linear(w, p + ".mlp.fc2", h * torch.sigmoid(1.702 * h))
    return x


def encode_pictures(w, x):
    """x [B, 3, 112, 112], sRGB 0..1 -> unit rows [B, 128]."""
    c = config["vision_config"]
    patches = F.conv2d((x - MEAN) / STD, w["vision_model.embeddings.patch_embedding.weight"], stride=c["patch_size"]).flatten(2).transpose(1, 2)
    first = w["vision_model.embeddings.class_embedding"].expand(len(x), 1, -1)
    h = torch.cat([first, patches], 1) + w["vision_model.embeddings.position_embedding.weight"]
    h = transformer(w, "vision_model", norm(w, "vision_model.pre_layrnorm", h), c["num_hidden_layers"], c["num_attention_heads"], False)
    return F.normalize(F.linear(norm(w, "vision_model.post_layernorm", h[:, 0]), w["visual_projection.weight"]), dim=-1)


def encode_tokens(w, tokens):
    """tokens [B, 32] -> unit rows [B, 128]."""
    c = config["text_config"]
    h = w["text_model.embeddings.token_embedding.weight"][tokens] + w["text_model.embeddings.position_embedding.weight"]
    h = norm(w, "text_model.final_layer_norm", transformer(w, "text_model", h, c["num_hidden_layers"], c["num_attention_heads"], True))
    end = (tokens == END).int().argmax(1)
    return F.normalize(F.linear(h[torch.arange(len(h), device=h.device), end], w["text_projection.weight"]), dim=-1)


KNOWN = {}


def tokens_of(texts):
    for text in texts:
        if text not in KNOWN:
            ids = tokenizer.encode(text.lower()).ids
            KNOWN[text] = (ids if len(ids) <= TOKENS else ids[: TOKENS - 1] + [END]) + [END] * max(0, TOKENS - len(ids))
    return torch.tensor([KNOWN[text] for text in texts], device=device)


def pictures_of(rows):
    return torch.from_numpy(np.array(rows)).to(device).permute(0, 3, 1, 2).float() / 255


def augmented(x):
    """Crops, lights, blur and noise that all pictures of a sitting share, so that the expression alone tells them apart."""
    n = len(x) // SITTING
    scale = torch.rand(n, 1) * 0.25 + 0.75
    angle = torch.randn(n) * 0.05
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = scale[:, 0] * torch.cos(angle), -scale[:, 0] * torch.sin(angle)
    theta[:, 1, 0], theta[:, 1, 1] = scale[:, 0] * torch.sin(angle), scale[:, 0] * torch.cos(angle)
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * (1 - scale)
    grid = F.affine_grid(theta.to(device).repeat_interleave(SITTING, 0), list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False, padding_mode="border")
    if torch.rand(()) < 0.5:
        small = int(torch.randint(48, SIZE, ()))
        x = F.interpolate(F.interpolate(x, size=(small, small), mode="area"), size=(SIZE, SIZE), mode="bilinear")
    gamma = torch.exp(torch.randn(n, 1, 1, 1) * 0.2).repeat_interleave(SITTING, 0).to(device)
    gain = (1 + torch.randn(n, 3, 1, 1) * 0.08).repeat_interleave(SITTING, 0).to(device)
    x = (x.clamp(1e-4, 1) ** gamma * gain).clamp(0, 1)
    return x + torch.randn_like(x) * 0.02 * torch.rand((), device=device)


def contrast(pictures, sentences, alike, scale):
    """CLIP's loss, both ways; `alike` [B, B] says which sentences are right for which pictures."""
    logits = scale * pictures @ sentences.T
    target = alike / alike.sum(1, keepdim=True)
    other = alike.T / alike.T.sum(1, keepdim=True)
    return 0.5 * (-(target * logits.log_softmax(1)).sum(1).mean() - (other * logits.T.log_softmax(1)).sum(1).mean())


def near(coefficients):
    """Which expressions are nearly the same, [B, B]."""
    return torch.cdist(coefficients, coefficients) ** 2 < 0.2


def similar(coefficients, texts):
    same = torch.tensor([[a == b for b in texts] for a in texts], device=device)
    return (near(coefficients) | same).float()


sets = [read(folder) for folder in options.data]
validation = read(options.validation)
names = sets[0][3]
LEFT = [i for i, name in enumerate(names) if name.endswith("_L")]
RIGHT = [names.index(names[i][:-1] + "R") for i in LEFT]
places = [(s, i) for s, data in enumerate(sets) for i in range(len(data[0]) // SITTING)]
for tensor in [*weights.values(), *head.values()]:
    tensor.requires_grad_(True)
change_scale = torch.tensor(math.log(10.0), device=device, requires_grad=True)
trained = {**{"model." + k: v for k, v in weights.items()}, **{"head." + k: v for k, v in head.items()}, "change": change_scale}
decayed = [v for k, v in trained.items() if v.dim() > 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.05}, {"params": [v for v in trained.values() if v.dim() <= 1], "weight_decay": 0.0}], lr=options.rate
)
average = {k: v.detach().clone() for k, v in trained.items()}


@torch.no_grad()
def judge(w, h):
    """On unseen people: the mean error of the coefficients, and how often a sentence picks its own picture among the eight of the sitting."""
    pictures, coefficients, captions, _ = validation
    right = changed = total = 0
    error = 0.0
    rest = encode_tokens(w, tokens_of(["face"]))
    for i in range(0, len(pictures), SITTING):
        v = encode_pictures(w, pictures_of(pictures[i : i + SITTING]))
        t = encode_tokens(w, tokens_of([captions[i + j][0] for j in range(SITTING)]))
        c = coefficients[i : i + SITTING].to(device)
        error += (F.linear(v, h["weight"], h["bias"]) - c).abs().mean().item()
        own = near(c)
        best = (t @ v.T).argmax(1)
        right += own[torch.arange(SITTING), best].sum().item()
        best = 1 + (F.normalize(t[1:] - rest, dim=-1) @ F.normalize(v[1:] - v[:1], dim=-1).T).argmax(1)
        changed += own[torch.arange(1, SITTING), best].sum().item()
        total += 1
    return {"coefficient_mae": error / total, "own_of_8": right / total / SITTING, "own_change_of_7": changed / total / (SITTING - 1)}


print("before", judge(weights, head), flush=True)
began = time.time()
step = 0
order = []
while step < options.steps:
    if len(order) < options.sittings:
        order = [places[i] for i in rng.permutation(len(places))]
    batch, order = order[: options.sittings], order[options.sittings :]
    rows = np.concatenate([sets[s][0][i * SITTING : (i + 1) * SITTING] for s, i in batch])
    c = torch.cat([sets[s][1][i * SITTING : (i + 1) * SITTING] for s, i in batch]).to(device)
    captions = [sets[s][2][i * SITTING + j] for s, i in batch for j in range(SITTING)]
    texts = [own[rng.integers(len(own))] for own in captions]
    rate = options.rate * min(1, step / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    v = encode_pictures(weights, augmented(pictures_of(rows)))
    t = encode_tokens(weights, tokens_of([*texts, "face"]))
    rest, t = t[-1:], t[:-1]
    alike = similar(c, texts)
    whole = contrast(v, t, alike, weights["logit_scale"].exp().clamp(max=100))
    moved = torch.tensor([j % SITTING > 0 for j in range(len(rows))], device=device)
    first = v.view(-1, SITTING, v.shape[-1])[:, :1].expand(-1, SITTING, -1).reshape(v.shape)
    change = contrast(F.normalize((v - first)[moved], dim=-1), F.normalize((t - rest)[moved], dim=-1), alike[moved][:, moved], change_scale.exp().clamp(max=30))
    off = F.linear(v, head["weight"], head["bias"]) - c
    error = (off**2).mean()
    uneven = ((off[:, LEFT] - off[:, RIGHT]) ** 2).mean()  # which eye winks: half of what "wink" leaves open
    loss = whole + change + 40 * error + 40 * uneven
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
    optimizer.step()
    step += 1
    with torch.no_grad():
        keep = min(0.998, step / (step + 10))
        for k, value in trained.items():
            average[k].lerp_(value, 1 - keep)
    if step % 50 == 0:
        print(f"{step} {time.time() - began:.0f} s: {whole.item():.3f} {change.item():.3f} {error.item():.4f} {uneven.item():.4f}", flush=True)
    if step % 500 == 0:
        print(judge(weights, head), flush=True)

final = {k[6:]: v for k, v in average.items() if k.startswith("model.")}
final_head = {k[5:]: v for k, v in average.items() if k.startswith("head.")}
report = {"step": step, "seconds": round(time.time() - began), "pictures": len(places) * SITTING, "seed": options.seed, **judge(final, final_head)}
print("after", report, flush=True)
os.makedirs(options.out, exist_ok=True)
save_file({k: v.half().contiguous().cpu() for k, v in final.items()}, os.path.join(options.out, "model.safetensors"), {"format": "pt"})
save_file({k: v.contiguous().cpu() for k, v in final_head.items()}, os.path.join(options.out, "expression_head.safetensors"), head_metadata)
with open(os.path.join(options.out, "report.json"), "w") as f:
    json.dump(report, f, indent=1)
    f.write("\n")
