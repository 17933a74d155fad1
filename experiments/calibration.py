"""The temperature of a network: what its logits are divided by, so that its probabilities mean what they say."""

from typing import Any

from scipy.optimize import minimize_scalar
from torch.nn.functional import cross_entropy

import fashionzoo as fz
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.zoo.evaluation import load_test_split, measure


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
    scores = measure(logits / temperature, labels, network.class_names)
    return {"temperature": temperature, "calibrated_error": round(scores.metrics["test/calibration_error"], 6)}
