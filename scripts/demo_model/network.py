"""The demo model's two towers in PyTorch, for training only (``train`` dependency group)."""

import torch
from torch import nn
from torch.nn import functional

from sightline.vision.text_input import MAX_WORDS


class _Block(nn.Module):
    """Two 3 x 3 convolutions with a shortcut around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(self.first(x)))


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ImageTower(nn.Module):
    """Bytes (n, 120, 160, 3) to unit vectors (n, dimension)."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 32, 7, 4),
            _Block(32),
            _conv(32, 64, 3, 2),
            _Block(64),
            _Block(64),
            _conv(64, 128, 3, 2),
            _Block(128),
        )
        self.project = nn.Linear(256, dimension)

    def pool(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the convolutions see, averaged and at its strongest: (n, 256)."""
        x = self.features(pixels.permute(0, 3, 1, 2).to(torch.float32).mul(1 / 64))
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)

    def place(self, pooled: torch.Tensor) -> torch.Tensor:
        """Pooled features as unit vectors (n, dimension)."""
        vectors: torch.Tensor = functional.normalize(self.project(pooled).float(), dim=1)
        return vectors

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.place(self.pool(pixels))


class _Attention(nn.Module):
    """Every word looks at every other one, then thinks for itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        split = self.mix(self.norm_in(x)).reshape(batch, length, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(2, 3) / (width / self.heads) ** 0.5
        scores = scores + padding[:, None, None, :]
        looked = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(batch, length, width)
        x = x + self.merge(looked)
        thought: torch.Tensor = x + self.think(self.norm_out(x))
        return thought


class TextTower(nn.Module):
    """Word numbers (n, words), zero for padding, to unit vectors (n, dimension)."""

    def __init__(self, words: int, dimension: int, width: int = 128) -> None:
        super().__init__()
        self.word = nn.Embedding(words, width, padding_idx=0)
        self.place = nn.Parameter(torch.randn(MAX_WORDS, width) * 0.02)
        self.layers = nn.ModuleList([_Attention(width, 4) for _ in range(2)])
        self.project = nn.Linear(width, dimension)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        known = (numbers > 0).float()
        padding = (known - 1.0) * 1e4
        x = self.word(numbers) + self.place[: numbers.shape[1]]
        for layer in self.layers:
            x = layer(x, padding)
        mean = (x * known[:, :, None]).sum(dim=1) / known.sum(dim=1, keepdim=True)
        vectors: torch.Tensor = functional.normalize(self.project(mean).float(), dim=1)
        return vectors
