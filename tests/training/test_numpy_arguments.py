"""NumPy's numbers and texts as arguments, as a sweep over them has them."""

from typing import Any

import numpy as np
import torch

import fashionzoo as fz
from tests.training.fitting import fitted


def test_a_network_made_with_numpys_values_is_saved_and_read_again(data: fz.FashionMNISTDataModule) -> None:
    names = list(np.array(fz.CLASSES))
    sizes: dict[str, Any] = {name: np.int64(data.hparams[name]) for name in ("batch_size", "val_size", "seed")}
    augment = fz.Augment(flip=np.True_, shift=np.int64(1))  # type: ignore[arg-type]
    numpy_data = fz.FashionMNISTDataModule(data.root, augment=augment, class_names=names, **sizes)
    network = fz.PlainCNN(
        lr=np.logspace(-3, -2, 2)[0],
        momentum=np.float32(0.5),  # type: ignore[arg-type]
        dropout=np.float64(0.1),
        channels=list(np.array([8, 4])),
        hidden=list(np.array([16])),
        batch_norm=np.True_,
        optimizer=np.str_("sgd"),
        class_names=names,
    )
    trainer, _ = fitted(numpy_data, network, checkpoints=True)
    path = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    trainer.test(network, numpy_data, ckpt_path="best", verbose=False)
    for again in (fz.get_model(weights=path), fz.PlainCNN.load_from_checkpoint(path).network):
        for one, other in zip(again.parameters(), network.parameters(), strict=True):
            assert torch.equal(one, other)
    assert again.config == {**again.config, "channels": [8, 4], "hidden": [16], "dropout": 0.1, "batch_norm": True}
