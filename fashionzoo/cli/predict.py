"""`fashionzoo predict`: the most likely classes of images."""

from __future__ import annotations

import json
import sys
import warnings
from argparse import ArgumentParser, Namespace
from pathlib import Path

from fashionzoo.cli.options import DEFAULT_NETWORK, add_json, add_source, given, load_network_from_options, network_help
from fashionzoo.errors import FashionZooError
from fashionzoo.weights.manifest import manifest
from fashionzoo.zoo.registry import list_models, package_of

HELP = "classify images"
ALL_NETWORKS = "all"  # in place of a network's name


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
    add_json(parser)
    top = range(1, 11)  # Fashion-MNIST has ten classes
    parser.add_argument("--top", type=int, default=3, choices=top, metavar="K", help="classes to show; default: 3")
    parser.add_argument("--invert", action="store_true", help="the images are black on white")


def run(options: Namespace) -> None:
    """Print the most likely classes of each image; images that cannot be read do not keep back the others."""
    from fashionzoo.images import conversion

    if options.model == ALL_NETWORKS and options.checkpoint:
        raise FashionZooError("--checkpoint holds one network: leave out --model all")
    names = [options.model or (None if options.checkpoint else DEFAULT_NETWORK)]
    if options.model == ALL_NETWORKS:
        names = [name for name in list_models() if name in manifest(package_of(name))]
    models = [load_network_from_options(name, options) for name in names]
    errors, answers = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda warning, *_: print(f"fashionzoo: warning: {warning}", file=sys.stderr)
        for image in conversion.expand_image_paths(map(Path, options.images)):
            try:
                pixels = conversion.to_uint8(image, options.invert)
            except FashionZooError as error:
                errors.append(error)
                continue
            for model in models:
                (prediction,) = model.network.predictions(pixels)
                top_classes = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[: options.top]
                if options.json:
                    source = {"image": str(image), "network": model.name, "weights": model.weights}
                    answers.append({**source, **prediction._asdict(), "probabilities": dict(top_classes)})
                else:
                    prefix = f"{model.name:22} " if options.model == ALL_NETWORKS else ""
                    print(f"{image}: {prefix}" + ", ".join(f"{name} {share:.1%}" for name, share in top_classes))
    if options.json:
        print(json.dumps(answers, indent=1))
    for refusal in errors:
        print(f"fashionzoo: error: {refusal}", file=sys.stderr)
    if errors:
        sys.exit(2)
