"""Model cards, written by ``export_weights.py`` from the manifest."""

import sys
from collections.abc import Mapping, Sequence

import markdown
import yaml

from fashionzoo.images.classes import CLASSES
from fashionzoo.plots.tables import top_confusions
from fashionzoo.weights.manifest import Weights
from fashionzoo.zoo.registry import get_class

ABOUT = {"report": "as the report describes it", "tuned": "as well as is known today"}
BY_RECIPE = ("dropout", "standardize")  # the versions of one architecture may differ in these


def card(versions: Sequence[Weights]) -> str:
    """Return the model card of a network.

    Args:
        versions: Its trained versions.
    """
    name, entry, config = versions[0].name, versions[0].meta, versions[0].config
    what = (sys.modules[get_class(name).__module__].__doc__ or "").splitlines()[0]
    architecture = ", ".join(f"{key} {config[key]}" for key in config if key not in ("family", *BY_RECIPE))
    lines = [
        "---",
        *front_matter(versions),
        "---",
        "",
        f"# {name}",
        "",
        f"{what} {entry['parameters']:,} parameters, {entry['flops'] / 1e6:.1f} MFLOPs per image.",
        "",
        f"{config['family']}: {architecture}.",
        "",
        "```python",
        "import fashionzoo as fz",
        "",
        f'network = fz.get_model("{name}", weights="{versions[-1].version}")',
        'print(network.classify("shirt.png").name)',
        "```",
        "",
        "It takes a picture with one article of clothing on a plain ground, or gray images of 28x28 pixels, white on "
        f"black, and says which of ten classes is on it: {', '.join(CLASSES)}.",
        "",
        "## Training details",
        "",
        *(line for weights in versions for line in (training(weights), "")),
        *version_table("flag (empty: none)", versions, settings(versions)),
        "",
        "55,000 of Fashion-MNIST's 60,000 training images were trained on; the other 5,000 chose the recipe and the "
        "epoch. The test set was not used for any selection.",
        "",
        "## Evaluation",
        "",
        *version_table("measure, on the test images", versions, measures(versions)),
        "",
        "[RESULTS.md](../../experiments/RESULTS.md#calibration) has the reliability diagrams of all files.",
        "",
        "## Error analysis",
        "",
        *(line for weights in versions for line in (mistakes(weights), "")),
        "## Out-of-scope use",
        "",
        "Clothing on people, several articles on one picture, and anything that is none of the ten classes: it names "
        "one of them all the same, often with confidence, though `familiarity` says when a picture looks like no "
        "clothes. It knows Zalando's catalog of 2017, in 28x28 pixels; do not use it for decisions that affect people.",
        "",
    ]
    return "\n".join(lines)


def front_matter(versions: Sequence[Weights]) -> list[str]:
    """Return what Hugging Face reads of a model card, as YAML."""
    dataset = "zalando-datasets/fashion_mnist"
    results = [
        {
            "task": {"type": "image-classification"},
            "dataset": {"name": "Fashion-MNIST", "type": dataset, "split": "test"},
            "metrics": [{"type": "accuracy", "value": weights.metrics["test/acc"], "name": weights.version}],
        }
        for weights in versions
    ]
    facts = {
        "license": "mit",
        "library_name": "fashionzoo",
        "pipeline_tag": "image-classification",
        "datasets": [dataset],
        "metrics": ["accuracy"],
        "model-index": [{"name": versions[0].name, "results": results}],
    }
    return yaml.safe_dump(facts, sort_keys=False).splitlines()


def version_table(what: str, versions: Sequence[Weights], rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a table with a column for each version."""
    return markdown.table(
        [what, *(weights.version for weights in versions)], [[name, *values] for name, values in rows.items()]
    )


def training(weights: Weights) -> str:
    """Return how one version came about."""
    version, entry, made = weights.version, weights.meta, weights.meta["made_on"]
    return (
        f"**{version}**, {ABOUT[version]}: {entry['about']} Seed {entry['seed']}, {entry['epochs']} epochs. The "
        f"weights are those of epoch {entry['best_epoch']}, the most accurate on validation images, "
        f"{made['seconds']:.0f} seconds after the start, on {made['processor']}, in {made['precision']}, with torch "
        f"{made['torch']}. Repeat it with `fashionzoo fit {weights.name} --recipe {version}`."
    )


def settings(versions: Sequence[Weights]) -> dict[str, list[str]]:
    """Return the flags of network and data; one that a version was not given stays empty."""
    flags = sorted({flag for weights in versions for flag in weights.recipe if flag.startswith(("model.", "data."))})
    return {f"`{flag}`": [str(weights.recipe.get(flag, "")) for weights in versions] for flag in flags}


def measures(versions: Sequence[Weights]) -> dict[str, list[str]]:
    """Return what was measured on the test images."""
    scores = [weights.metrics for weights in versions]
    return {
        "accuracy of this file in float32, % (95 % interval)": [weights.accuracy for weights in versions],
        "mean accuracy of the runs over the seeds, in the precision of training, % (95 % interval)": [
            f"{weights.spread} (n = {weights.meta['seeds']['count']})" for weights in versions
        ],
        "loss (cross-entropy)": [f"{score['test/loss']:.4f}" for score in scores],
        "calibration error of the softmax, % (15 bins, l1)": [
            f"{100 * score['test/calibration_error']:.2f}" for score in scores
        ],
        "temperature, fitted on validation images": [f"{weights.meta['temperature']:.3f}" for weights in versions],
        "calibration error of the probabilities with it, %": [
            f"{100 * score['test/calibrated_error']:.2f}" for score in scores
        ],
        **{
            f"recall of {label}, %": [f"{100 * score[f'test/recall/{label}']:.1f}" for score in scores]
            for label in CLASSES
        },
    }


def mistakes(weights: Weights) -> str:
    """Return the commonest mistakes of one version."""
    said = ", ".join(
        f"{true} for {taken} ({images})" for true, taken, images in top_confusions(weights.meta["confusion"], 5)
    )
    return f"**{weights.version}** takes, of 1,000 test images a class, {said}."
