"""What a run leaves for TensorBoard beside its scalars: curves on one chart, pictures, histograms, graph and texts.

Pictures and histograms come at epochs 1, 2, 4, 8, ...: often while much changes, and never a burden on a long run.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from fashionzoo.callbacks.trainer_data import get_split, tensorboards
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.models.activations import SAMPLE, activations, near_zero_fraction
from fashionzoo.models.evaluation_mode import eval_mode
from fashionzoo.plots.figures import plot_confusion
from fashionzoo.training.classifier import Classifier

GRID = 5  # mistakes a side of the grid
HISTOGRAM_BINS = 64  # TensorBoard draws 30; its default of some 1,500 makes up a third of an event file
HPARAM_METRICS = ("val/acc", "val/loss", "train/acc", "train/loss", "test/acc", "test/loss", "test/calibration_error")
CUSTOM_SCALARS_LAYOUT = {
    "curves": {
        "loss": ["Multiline", ["train/loss", "val/loss"]],
        "accuracy": ["Multiline", ["train/acc$", "val/acc"]],  # regular expressions
    }
}


class TensorBoardMedia(Callback):
    """Write everything that is not a scalar of each epoch.

    Args:
        recipe: The recipe's name.
        description: Its text.
        changed: What differs from it.
    """

    def __init__(self, recipe: str, description: str, changed: str) -> None:
        self.recipe, self.description, self.changed = recipe, description, changed
        self.final: dict[str, Tensor] = {}

    @rank_zero_only
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the texts, the graph and the layout of the charts."""
        assert isinstance(pl_module, Classifier)
        for logger in tensorboards(trainer) if trainer.current_epoch == 0 else []:  # a resumed run has them
            writer = logger.experiment
            writer.add_custom_scalars(CUSTOM_SCALARS_LAYOUT)
            writer.add_text(f"recipe/{self.recipe}", self.description)
            writer.add_text("changed", self.changed or "nothing: as the recipe says")
            settings = "\n".join(f"| {key} | {value} |" for key, value in logger.hparams.items())
            writer.add_text("hyperparameters", f"| name | value |\n|---|---|\n{settings}")
            network = copy.deepcopy(pl_module.network).eval()  # the copy is not compiled, which could not be traced
            writer.add_graph(network, network.preprocess(torch.zeros(IMAGE_SIZE, IMAGE_SIZE, device=pl_module.device)))

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the confusion matrix and the histograms, at epochs that are powers of two."""
        assert isinstance(pl_module, Classifier)
        epoch = pl_module.epoch_number
        if trainer.sanity_checking or epoch & (epoch - 1):
            return
        confusion = pl_module.eval_metrics["confusion"].compute().tolist()
        images, _ = get_split(trainer, "val", SAMPLE)
        for logger in tensorboards(trainer):
            writer = logger.experiment
            title = f"{pl_module.name}, validation after epoch {epoch}"
            writer.add_figure("val/confusion", plot_confusion(confusion, title, pl_module.class_names), epoch)
            for name, parameter in pl_module.network.named_parameters():
                writer.add_histogram(f"weights/{name}", parameter.float(), epoch, bins=HISTOGRAM_BINS)
            with eval_mode(pl_module.network):
                for name, values in activations(pl_module.network, images).items():
                    writer.add_histogram(f"activations/{name}", values.float(), epoch, bins=HISTOGRAM_BINS)
                    writer.add_scalar(f"near_zero/{name}", near_zero_fraction(values), epoch)

    @rank_zero_only
    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Put all that was logged on the disk before the checkpoint that will not log it again.

        Raises:
            FashionZooError: The folder of the logs was deleted during the run.
        """
        for logger in tensorboards(trainer):
            logger.experiment.flush()
            if not Path(logger.log_dir).is_dir():
                raise FashionZooError(
                    f"{logger.log_dir} was deleted during the run: start again, what was logged is lost"
                )

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the last metrics of training, which testing clears."""
        self.final = {key: value for key, value in trainer.callback_metrics.items() if key in HPARAM_METRICS}

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the pictures of the tested network, and the hyperparameters with the final metrics."""
        assert isinstance(pl_module, Classifier)
        tested = {key: value for key, value in trainer.callback_metrics.items() if key in HPARAM_METRICS}
        rank_images = get_split(trainer, "test")[0][trainer.global_rank :: trainer.world_size]  # as the sampler shares
        for logger in tensorboards(trainer):
            writer = logger.experiment
            writer.add_figure(
                "test/confusion",
                plot_confusion(
                    pl_module.eval_metrics["confusion"].compute().tolist(),
                    f"{pl_module.name}, test",
                    pl_module.class_names,
                ),
                pl_module.epoch_number,
            )
            writer.add_figure("test/mistakes", plot_confident_errors(pl_module, rank_images), pl_module.epoch_number)
            # Not Lightning's log_hyperparams, which would log the metrics a second time.
            settings = {key: value if isinstance(value, float) else str(value) for key, value in logger.hparams.items()}
            settings |= {"recipe": self.recipe, "changed": self.changed}
            for summary in hparams(settings, {**self.final, **tested}):
                writer.file_writer.add_summary(summary)


def plot_confident_errors(classifier: Classifier, images: Tensor) -> Figure:
    """Plot the images that the network is most confident and wrong about, the worst first.

    Args:
        classifier: Has just been evaluated on the images.
        images: Shape ``(N, 1, 28, 28)``, uint8 or float in [0, 1], in the order of the evaluation.
    """
    logits, labels = (tensor.cpu() for tensor in classifier.eval_predictions.compute())
    names = classifier.class_names
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    errors = (predicted != labels).nonzero().squeeze(1)
    worst = errors[confidence[errors].argsort(descending=True)][: GRID * GRID]
    width, height = IMAGE_SIZE + 4, IMAGE_SIZE + 10  # of a tile, with room for two lines above the image
    mosaic = torch.full((GRID * height, GRID * width), 255, dtype=torch.uint8)
    pixels = images if images.dtype == torch.uint8 else (images * 255).round().to(torch.uint8)
    figure = Figure(figsize=(7, 8.5))
    axes = figure.add_axes((0, 0, 1, 1))
    for tile, index in enumerate(worst.tolist()):
        bottom, left = tile // GRID * height + height, tile % GRID * width + 2
        mosaic[bottom - IMAGE_SIZE : bottom, left : left + IMAGE_SIZE] = pixels[index, 0].cpu()
        text = f"{names[predicted[index]]} {confidence[index]:.0%}\nis {names[labels[index]]}"
        axes.text(left + IMAGE_SIZE / 2, bottom - IMAGE_SIZE - 1, text, fontsize=7, ha="center", va="bottom")
    axes.imshow(mosaic, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.axis("off")
    return figure
