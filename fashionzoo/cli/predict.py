"""`fashionzoo predict`: the most likely classes of images."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.cli.options import (
    ALL_NETWORKS,
    DEFAULT_NETWORK,
    add_hardware,
    add_json,
    add_source,
    given,
    load_network_from_options,
    network_help,
    say_default,
    trained_networks,
    use_hardware,
)
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import UNFAMILIAR
from fashionzoo.io import expand
from fashionzoo.terminal import warnings_as_lines

if TYPE_CHECKING:
    from fashionzoo.images.classes import Prediction
    from fashionzoo.images.preparation import Ground
    from fashionzoo.zoo.loading import LoadedNetwork

HELP = "classify images"
EXAMPLES = "fashionzoo predict shirt.png --show steps.png", "fashionzoo predict shirt.png --model all --top 1"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "images", nargs="+", type=given, metavar="IMAGE", help="image files of any size, or folders of them"
    )
    parser.add_argument(
        "--model",
        type=given,
        metavar="NETWORK",
        help=f"{network_help()}, or {ALL_NETWORKS}; default: {DEFAULT_NETWORK}",
    )
    add_source(parser)
    add_hardware(parser)
    add_json(parser)
    top = range(1, 11)  # Fashion-MNIST has ten classes
    parser.add_argument("--top", type=int, default=3, choices=top, metavar="K", help="classes to show; default: 3")
    parser.add_argument(
        "--ground",
        choices=("auto", "bright", "dark", "ready"),
        help="background of the picture; auto, the default, finds it out; ready: use the picture as it is",
    )
    parser.add_argument("--invert", action="store_true", help="deprecated, as --ground bright")
    parser.add_argument(
        "--show",
        nargs="?",
        const="",
        metavar="FILE",
        help="draw how the picture was prepared; default: its name with -steps.png, in this folder",
    )


def run(options: Namespace) -> None:
    """Print the most likely classes of each image; an image that cannot be read does not stop the others."""
    if options.model == ALL_NETWORKS and options.checkpoint:
        raise FashionZooError("--checkpoint holds one network: leave out --model all")
    if options.invert:
        if options.ground:
            raise FashionZooError("--invert is --ground bright: leave one of them out")
        print("fashionzoo: warning: --invert is deprecated: use --ground bright", file=sys.stderr)
    ground: Ground = "bright" if options.invert else options.ground or "auto"
    names = [options.model or (None if options.checkpoint else DEFAULT_NETWORK)]
    if options.model == ALL_NETWORKS:
        names = [*trained_networks()]
    device = use_hardware(options)
    models = [load_network_from_options(name, options) for name in names]
    for model in models:
        model.network.to(device)
    if options.show is not None:
        _show(options, models, ground)
    from fashionzoo.images.batches import prepare_paths

    errors: list[FashionZooError] = []
    answers: list[dict[str, Any]] = []
    with warnings_as_lines():
        for paths, pixels in prepare_paths(map(Path, options.images), ground, errors):
            predictions = [model.network.predictions(pixels) for model in models]
            for path, of_image in zip(paths, zip(*predictions, strict=True), strict=True):
                for model, prediction in zip(models, of_image, strict=True):
                    if options.json:
                        answers.append(_to_dict(path, model, prediction, options.top))
                    else:
                        prefix = f"{model.name:22} " if options.model == ALL_NETWORKS else ""
                        print(f"{path}: {prefix}{describe(prediction, options.top)}")
    if options.json:
        print(json.dumps(answers, indent=1))
    for refusal in errors:
        print(f"fashionzoo: error: {refusal}", file=sys.stderr)
    if errors:
        sys.exit(2)
    if options.model == ALL_NETWORKS and not options.weights:
        print(
            "each is in the version tuned, the default: --weights report is as the report trained it", file=sys.stderr
        )
    elif not options.weights:
        say_default(names[0], models[0])


def describe(prediction: Prediction, top: int) -> str:
    """Return a prediction in words: its most likely classes, and whether it may be none of them."""
    classes = ", ".join(f"{name} {100 * share:.1f} %" for name, share in prediction.top_classes(top).items())
    return classes if prediction.is_familiar else f"{UNFAMILIAR}; of the ten classes, {classes}"


def _to_dict(path: Path, model: LoadedNetwork, prediction: Prediction, top: int) -> dict[str, Any]:
    """Return a prediction for JSON."""
    source = {"image": str(path), "network": model.name, "weights": model.weights}
    answer = {**source, **prediction._asdict(), "is_familiar": prediction.is_familiar}
    return {**answer, "probabilities": prediction.top_classes(top)}


def _show(options: Namespace, models: list[LoadedNetwork], ground: Ground) -> None:
    """Draw the steps of one picture's preparation and one network's answer."""
    if len(options.images) != 1 or Path(options.images[0]).is_dir() or len(models) != 1:
        raise FashionZooError("--show draws one picture and one network: name one of each")
    from fashionzoo.images.conversion import prepare_steps, to_pixels
    from fashionzoo.plots.figures import figure_format, save_figure
    from fashionzoo.plots.steps import plot_steps

    source, (model,) = Path(options.images[0]), models
    path = Path(expand(options.show) or f"{source.stem}-steps.png")
    figure_format(path)
    if path.exists() and path.samefile(source):
        raise FashionZooError(f"--show would write over the picture {source}: name another file")
    steps = prepare_steps(source, ground)
    (prediction,) = model.network.predictions(to_pixels(steps.prepared))
    title = f"{source.name}, {model.label}: {describe(prediction, 1)}"
    save_figure(plot_steps(steps, title, prediction.top_classes(options.top)), path)
    print(f"wrote {path}", file=sys.stderr)
