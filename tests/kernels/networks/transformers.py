"""Transformers on patches, with PyTorch's layers and by hand."""

import torch
import torch.nn.functional as F
from torch import nn


class EncoderLayers(nn.Module):
    """PyTorch's encoder on patches of the image, with learned positions."""

    def __init__(self, dim=16, patch=7):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(patch * patch, dim)
        self.pos = nn.Parameter(torch.randn(1, 16, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            d_model=dim, nhead=2, dim_feedforward=32, dropout=0.1, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.fc = nn.Linear(dim, 10)

    def forward(self, x):
        b, c, h, w = x.shape
        p = self.patch
        x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5)
        x = x.reshape(b, (h // p) * (w // p), c * p * p)
        x = self.encoder(self.embed(x) + self.pos)
        return self.fc(x.mean(1))


class MultiheadBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim)
        )

    def forward(self, x):
        y = self.norm1(x)
        y, _ = self.attn(y, y, y, need_weights=False)
        x = x + y
        return x + self.mlp(self.norm2(x))


class WithMultihead(nn.Module):
    """PyTorch's attention in blocks of one's own, a class token in front."""

    def __init__(self, dim=16, depth=2):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=8, stride=8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.blocks = nn.ModuleList([MultiheadBlock(dim, 4) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.proj(x).flatten(2).transpose(1, 2)
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls, x), dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Attention(nn.Module):
    """Queries, keys and values from one product, taken apart by reshape and permute."""

    def __init__(self, dim, num_heads=2):
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3, bias=True)
        self.attn_drop = nn.Dropout(0.0)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attn = (q * self.scale) @ k.transpose(-2, -1)
        attn = self.attn_drop(attn.softmax(dim=-1))
        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj(x)


class ViT(nn.Module):
    def __init__(self, channels=1, size=28, patch=7, dim=16, depth=2, heads=2):
        super().__init__()
        self.patch_embed = nn.Conv2d(channels, dim, patch, stride=patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, dim) * 0.02)
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            mlp = nn.Sequential(
                nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
            )
            self.layers.append(nn.ModuleList([nn.LayerNorm(dim), Attention(dim, heads), mlp]))
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 10))

    def forward(self, img):
        x = self.patch_embed(img).flatten(2).permute(0, 2, 1)
        x = torch.cat([self.cls_token.repeat(img.shape[0], 1, 1), x], dim=1)
        x = x + self.pos_embed
        for norm, attn, ff in self.layers:
            x = x + attn(norm(x))
            x = x + ff(x)
        return self.head(x[:, 0])


class CausalRows(nn.Module):
    """Rows as tokens; each attends to those above it, by a mask."""

    def __init__(self, dim=16):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(28, dim, bias=False) for _ in range(3))
        self.register_buffer("mask", torch.tril(torch.ones(28, 28)).bool())
        self.out = nn.Linear(dim, 10)

    def forward(self, x):
        x = x.squeeze(1)
        scores = torch.bmm(self.q(x), self.k(x).transpose(1, 2)) / 4.0
        scores = scores.masked_fill(~self.mask, float("-inf"))
        return self.out(torch.bmm(F.softmax(scores, dim=2), self.v(x))[:, -1])


class FusedAttention(nn.Module):
    """chunk, unflatten, and PyTorch's fused attention."""

    def __init__(self, dim=16):
        super().__init__()
        self.to_tokens = nn.Sequential(nn.Conv2d(1, dim, 4, 4), nn.Flatten(2))
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.to_tokens(x).mT
        q, k, v = (
            part.unflatten(-1, (2, 8)).transpose(1, 2)
            for part in self.to_qkv(self.norm(x)).chunk(3, dim=-1)
        )
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + y.transpose(1, 2).flatten(2)
        return self.fc(x.mean(dim=1))


class AttentionPooling(nn.Module):
    """Positions weighted by a softmax; einsum for the sums."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 12, 5, stride=2), nn.ReLU())
        self.score = nn.Conv2d(12, 1, 1)
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        x = self.features(x)
        weights = torch.softmax(self.score(x).flatten(1), dim=-1)
        pooled = torch.einsum("bn,bcn->bc", weights, x.flatten(2))
        return self.fc(pooled)
