"""The temperature of a network: what its logits are divided by, so that its probabilities mean what they say."""

from typing import Any

from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics.functional.classification import multiclass_calibration_error

import fashionzoo as fz
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.zoo.evaluation import load_test_split


def calibration(network: Network) -> dict[str, Any]:
    """Return the temperature that fits the validation images best, and what it does on the test images.

    The temperature minimizes the cross-entropy (Guo et al. 2017); the calibration error has 15 bins and the l1 norm.

    Args:
        network: Trained, in evaluation mode.
    """
    data = fz.FashionMNISTDataModule()
    data.prepare_data()
    data.setup("validate")
    val = data.datasets["val"]
    logits = compute_logits(network, val.images)
    found = minimize_scalar(lambda t: float(cross_entropy(logits / t, val.labels)), bounds=(0.05, 5), method="bounded")
    temperature = round(float(found.x), 4)
    images, labels = load_test_split(network)
    logits = compute_logits(network, images)
    return {"temperature": temperature, "calibrated_error": round(calibration_error(logits / temperature, labels), 6)}


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """Return by how much confidence and accuracy differ on average, over 15 bins."""
    return float(multiclass_calibration_error(logits.softmax(dim=1), labels, logits.shape[1], n_bins=15, norm="l1"))
