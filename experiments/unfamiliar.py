"""How well scores tell clothes from what is none: the one that ships, and those of the tuned networks themselves.

python experiments/unfamiliar.py               # two minutes; writes unfamiliar.json, which make_results.py reads

The images that are no clothes: digits of scikit-learn, parts of its two sample photographs, noise, gray, checkerboards,
letters, blobs. The area under the ROC curve (AUROC) is against the test images; "passing" is the share above the
threshold of FAMILIAR or, of the other scores, above the threshold that 95 % of the validation images pass.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from sklearn.datasets import load_digits, load_sample_images
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import normalize

import fashionzoo as fz
from fashionzoo.images.classes import FAMILIAR
from fashionzoo.models.network import BlockNetwork
from fashionzoo.weights.familiarity import familiarity
from fashionzoo.zoo.evaluation import load_test_split

OUTPUT = Path(__file__).parent / "unfamiliar.json"
NUM_IMAGES, NUM_TRAINING, NEIGHBOR = 1000, 20_000, 20
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make_images() -> dict[str, Tensor]:
    """Return images that are no clothes, by kind: shape ``(N, 28, 28)``, uint8."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:28, 0:28]
    photographs = [np.asarray(Image.fromarray(image).convert("L")) for image in load_sample_images().images]
    fonts = [
        ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)
        for name in ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono")
        for size in (20, 24, 28)
    ]

    def patch() -> Image.Image:
        image, side = photographs[rng.integers(2)], int(rng.integers(28, 200))
        top, left = rng.integers(image.shape[0] - side), rng.integers(image.shape[1] - side)
        return _resize(image[top : top + side, left : left + side])

    def checkerboard() -> NDArray[Any]:
        side, (low, high), (down, right) = rng.integers(1, 9), np.sort(rng.integers(0, 256, 2)), rng.integers(0, 8, 2)
        return np.asarray(np.where(((rows + down) // side + (columns + right) // side) % 2, high, low))

    def letter() -> Image.Image:
        image = Image.new("L", (28, 28))
        text, font = LETTERS[rng.integers(52)], fonts[rng.integers(len(fonts))]
        ImageDraw.Draw(image).text((14, 14), text, fill=255, font=font, anchor="mm")
        return image

    def blob() -> NDArray[np.float64]:
        values = ndimage.gaussian_filter(rng.normal(size=(28, 28)), 4)
        return np.asarray(255 * (values - values.min()) / np.ptp(values))

    kinds: dict[str, list[Any]] = {
        "digits": [_resize(255 / 16 * image) for image in load_digits().images[:NUM_IMAGES]],
        "photographs": [patch() for _ in range(NUM_IMAGES)],
        "noise": [rng.integers(0, 256, (28, 28)) for _ in range(NUM_IMAGES)],
        "gray": [np.full((28, 28), level) for level in range(1, 256)],
        "checkerboards": [checkerboard() for _ in range(NUM_IMAGES)],
        "letters": [letter() for _ in range(NUM_IMAGES)],
        "blobs": [blob() for _ in range(NUM_IMAGES)],
    }
    return {kind: torch.from_numpy(np.stack(images).astype(np.uint8)) for kind, images in kinds.items()}


def _resize(image: NDArray[np.generic]) -> Image.Image:
    """Return a gray image at 28x28."""
    return Image.fromarray(image.astype(np.uint8)).resize((28, 28), Image.Resampling.BICUBIC)


@torch.inference_mode()
def features_and_logits(network: BlockNetwork, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return what reaches a network's head, and its logits."""
    features = []
    for batch in images.split(1000):
        values = network.preprocess(batch)
        for block in network.blocks:
            values = block(values)
        features.append(network.pool(values).flatten(1))
    everything = torch.cat(features)
    return everything, network.head(everything)


def own_scores(network: BlockNetwork, images: Tensor, labels: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """Return the scores that a network's logits and features give, by name; a higher one is more familiar."""
    features, _ = features_and_logits(network, images)
    means = torch.stack([features[labels == label].mean(dim=0) for label in range(10)])
    spread = torch.cov((features - means[labels]).T)
    precision = torch.linalg.inv(spread + 1e-3 * features.var(dim=0).mean() * torch.eye(len(spread)))
    directions = normalize(features, dim=1)

    def mahalanobis(images: Tensor) -> Tensor:
        offsets = features_and_logits(network, images)[0][:, None] - means
        return -torch.einsum("ncd,de,nce->nc", offsets, precision, offsets).amin(dim=1)

    def neighbor(images: Tensor) -> Tensor:
        own = normalize(features_and_logits(network, images)[0], dim=1)
        return torch.cat([(batch @ directions.T).topk(NEIGHBOR, dim=1).values[:, -1] for batch in own.split(1000)])

    return {
        "maximum probability": lambda images: features_and_logits(network, images)[1].softmax(dim=1).amax(dim=1),
        "energy": lambda images: features_and_logits(network, images)[1].logsumexp(dim=1),
        "Mahalanobis distance": mahalanobis,
        f"{NEIGHBOR}th neighbor of {NUM_TRAINING:,}": neighbor,
    }


def measure(
    score: Callable[[Tensor], Tensor], familiar: Tensor, kinds: dict[str, Tensor], threshold: float
) -> dict[str, dict[str, float]]:
    """Return the AUROC and the share passing the threshold, by kind."""
    test, result = score(familiar), {}
    for kind, images in kinds.items():
        others = score(images)
        truth = np.repeat([1, 0], [len(test), len(others)])
        result[kind] = {
            "auroc": round(float(roc_auc_score(truth, torch.cat([test, others]))), 4),
            "passing": round(float((others >= threshold).float().mean()), 4),
        }
    return {**result, "test images": {"passing": round(float((test >= threshold).float().mean()), 4)}}


def main() -> None:
    """Measure all scores."""
    data = fz.FashionMNISTDataModule()
    data.prepare_data()
    data.setup("fit")
    train, val = data.datasets["train"], data.datasets["val"]
    test, kinds, results = load_test_split(fz.get_model("cnn_plain", "tuned"))[0], make_images(), {}
    results["all"] = {"the score that ships": measure(familiarity, test, kinds, FAMILIAR)}
    for name in fz.list_models():
        network = fz.get_model(name, "tuned")
        assert isinstance(network, BlockNetwork)
        results[name] = {
            score_name: measure(score, test, kinds, float(score(val.images).quantile(0.05)))
            for score_name, score in own_scores(
                network, train.images[:NUM_TRAINING], train.labels[:NUM_TRAINING]
            ).items()
        }
        print(name, json.dumps(results[name]), flush=True)
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
