"""The temperature of a network: what its logits are divided by, so that its probabilities mean what they say."""

from scipy.optimize import minimize_scalar
from torch.nn.functional import cross_entropy

import fashionzoo as fz
from fashionzoo.models.network import Network, compute_logits


def fit_temperature(network: Network) -> float:
    """Return the temperature that minimizes the cross-entropy on the validation images (Guo et al. 2017).

    Args:
        network: Trained, in evaluation mode.
    """
    data = fz.FashionMNISTDataModule()
    data.prepare_data()
    data.setup("validate")
    val = data.datasets["val"]
    logits = compute_logits(network, val.images)
    found = minimize_scalar(lambda t: float(cross_entropy(logits / t, val.labels)), bounds=(0.05, 5), method="bounded")
    return round(float(found.x), 4)
