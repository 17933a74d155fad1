"""The six networks for ``torch.hub.load(REPOSITORY, "cnn_balanced", weights="tuned")``."""

from functools import partial as _partial

from fashionzoo.zoo.models import get_model as _get_model
from fashionzoo.zoo.registry import list_models as _list_models

dependencies = ["numpy", "PIL", "safetensors", "torch"]

globals().update({name: _partial(_get_model, name) for name in _list_models()})
