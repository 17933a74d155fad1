"""Write experiments/RESULTS.md, its figures, and the tables of README.md from the committed runs and measurements.

python experiments/make_results.py           # seconds; the runs come from `fashionzoo claims --run` and train_size.py
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path

import benchmark
import markdown
import quick
import readings
import trials
from matplotlib import rc_context
from matplotlib.figure import Figure
from outside import corruption_means, outside_section, plot_corruptions, plot_reliabilities
from PIL import Image
from result_figures import Found, plot_results
from result_sections import (
    claims_table,
    count,
    figure_line,
    files_section,
    minutes,
    network_section,
    not_told_apart,
    seeds_in_words,
)
from revisions import revision_table
from task2 import size_table, task2_section

from fashionzoo.claims import evaluation, runs
from fashionzoo.claims.claim import NETWORKS, PLAIN, RELU, ClaimResult
from fashionzoo.claims.runs import SEEDS
from fashionzoo.networks import number_of
from fashionzoo.plots.curves import STYLE
from fashionzoo.training.recipe import get_recipe
from fashionzoo.weights.manifest import VERSIONS
from fashionzoo.zoo.models import get_weights, list_weights
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

HERE = Path(__file__).parent
LOGS = HERE.parent / "lightning_logs"
README = HERE.parent / "README.md"
FIGURES = HERE / "figures"
LIMITS = (
    "Seeds draw weights, order and dropout anew; the split, the data and the test images are the same for all of them.",
    "The interval of one accuracy is that of other test images, not of another training; that over three seeds is "
    "wide.",
    "Validation accuracy is higher than test accuracy, most of all for networks 1 to 3, whose free settings were "
    "chosen on the validation images: on the test images none of their files reaches 78 %.",
    "Planning runs of similar networks were looked at on test images before the recipes were chosen. Whoever reads "
    "that the test images chose nothing should know it.",
    "All tuned students learn from one teacher, so that their spread over the seeds leaves out the teacher's.",
    "Of so many claims and pairs, a few cross a 95 % interval by chance.",
)


def machine_line(found: Found) -> str:
    """Return on what the runs were made."""
    described = {
        tuple((key, value) for key, value in run.environment.items() if key != "seconds")
        for by_seed in found.values()
        for run in by_seed.values()
    }
    return "; ".join(", ".join(f"{key} {value}" for key, value in machine) for machine in sorted(described))


def results(found: Found, results_: Sequence[ClaimResult]) -> str:
    """Return the text of RESULTS.md."""
    lines = [
        "# Results",
        "",
        "Written by `python experiments/make_results.py` from the runs in `lightning_logs`, which `fashionzoo "
        f"claims --run` trains again. Each network was trained with {seeds_in_words(found[PLAIN])}, declared "
        "beforehand; numbers are means with Student's 95 % interval (±) or, in tables of claims, the range over the "
        "seeds. Accuracies are in per cent. Curves are of validation images; the 10,000 test images are used once, "
        "with the weights of the epoch that had the best validation accuracy.",
        "",
        "What the report leaves open was chosen so that its curves come out, on the validation images: the way to "
        "draw weights (N1.level), the rates of networks 2 and 3 (N2.level, N3.level, and with them N3.slow, "
        "N3.lowest and N3.longer) and the batch size of the CNNs (N4.overfit). These claims show that what the "
        "report saw can be had, not that it had to come out. Network 6 has more layers than the report names, batch "
        "normalization among them; what it does better may be owed to those.",
        "",
        f"Made on: {machine_line(found)}.",
        "",
        "## What the numbers do not show",
        "",
        *(f"- {text}" for text in LIMITS),
        "",
        "## The report's claims",
        "",
        f"{count(results_)}. Nothing was set with a free claim in view; a rate, the initialization, a layout or a "
        "batch size was chosen so that a fitted one, or what entails it, comes out; one by construction could hardly "
        "fail. A claim is undecided where the 95 % interval of what was measured includes both outcomes: Wilson's of "
        "one accuracy, Newcombe's of a difference, the exact binomial one of two confusions and, for what has no "
        "interval within a run, Student's over the seeds. The report's curves are of its training and test sets, these "
        "of validation images, of which the fitted settings saw the accuracy. At its rate network 1 oscillates with a "
        "period of two iterations, so levels and first iterations are read from the mean over five.",
        "",
        *claims_table(results_),
        "## How the checks changed",
        "",
        "Version 0.1 checked the claims by revision 1, of which some could hardly fail and some hung on one "
        "iteration. The reasons for revision 2 lie in the report's sentences, not in the outcomes; both, on the "
        "same runs but that network 5's seed 0 has since trained for all its epochs:",
        "",
        *revision_table(results_),
        "",
        "## The three MLPs",
        "",
        *figure_line("mlps", "validation loss and accuracy of the three MLPs, with the report's levels"),
        "## The three CNNs",
        "",
        *figure_line("cnns", "validation loss and accuracy of the three CNNs; a dot where a run ended"),
        "## Each network",
        "",
    ]
    for network in found:
        lines += network_section(network, found[network], results_)
        if network == RELU:
            text = "histograms of the hidden activations of networks 1 and 2 on the test images, seed 0"
            lines += ["The counterpart of the report's figure 2:", "", *figure_line("activations", text)]
    lines += [*files_section(), *outside_section(), *task2_section(found)]
    lines += [*trials.tuned_section(), *quick.quick_section()]
    return "\n".join(lines) + "\n" + benchmark.report(benchmark.read_tables())


def zoo_table() -> list[str]:
    """Return what the package comes with."""
    corrupted = corruption_means()
    columns = "number", "network", "version", "parameters", "MFLOPs", "test accuracy of the file, % (95 % interval)"
    rows = [
        [
            number_of(weights.name),
            f"[`{weights.name}`](fashionzoo/weights/{weights.name}.md)",
            weights.version,
            f"{weights.meta['parameters']:,}",
            f"{weights.meta['flops'] / 1e6:.1f}",
            weights.accuracy,
            f"{weights.spread} ({weights.meta['seeds']['count']})",
            f"{100 * corrupted[weights.name][weights.version]:.1f}",
            f"{weights.meta['bytes'] / 1e6:.1f}",
        ]
        for weights in list_weights()
    ]
    return markdown.table([*columns, "mean over seeds, % (n)", "corrupted, %", "MB"], rows)


def training_table() -> list[str]:
    """Return what the recipes ask of a person: a learning rate, epochs and minutes."""
    rows = []
    for name in NETWORKS:
        versions = [get_weights(name, version) for version in VERSIONS]
        rates = [f"{weights.recipe['model.lr']:g}" for weights in versions]
        lengths = [f"{weights.meta['epochs']} in {minutes(weights.meta):.1f}" for weights in versions]
        quick_recipe = get_recipe(get_class(name), "quick")
        rates.append(f"{quick_recipe.model['lr']:g}")
        lengths.append(f"{quick_recipe.epochs} in {quick.fastest(name) / 60:.1f}")
        rows.append([number_of(name), f"`{name}`", *chain.from_iterable(zip(rates, lengths, strict=True))])
    settings = [f"{what}, {recipe}" for recipe in (*VERSIONS, "quick") for what in ("rate", "epochs in minutes")]
    processors = sorted({weights.meta["made_on"]["processor"] for weights in list_weights()})
    return [
        *markdown.table(["number", "network", *settings], rows),
        "",
        f"Minutes are of seed 0, by its seconds per epoch up to the best, on {' or '.join(processors)}; of `quick`, of "
        "whole runs, the fastest.",
    ]


def readme(text: str, results_: Sequence[ClaimResult]) -> str:
    """Return the README with its generated tables renewed."""
    others = [
        [
            result.claim.id,
            f"`{result.claim.network}`",
            result.claim.statement,
            result.claim.kind,
            result.in_words,
            result.reason,
        ]
        for result in results_
        if result.outcome != "holds"
    ]
    tables = {
        "claims": [
            f"{count(results_)}. Those that do not hold:",
            "",
            *markdown.table(["claim", "network", "the report says", "kind", "outcome", "why"], others),
        ],
        "zoo": [*zoo_table(), "", not_told_apart()],
        "training": training_table(),
    }
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = "\n".join([before + start + table[0], *table[1:], end + after])
    return text


def main() -> None:
    """Write everything."""
    found = find_runs()
    results_ = evaluation.evaluate_claims(evaluation.find_seed_runs(LOGS))
    FIGURES.mkdir(exist_ok=True)
    with rc_context(STYLE):  # type: ignore[arg-type]  # a literal type for each key
        figures = plot_results(found, size_table(found), readings.rows())
        figures |= {"corruptions": plot_corruptions(), "reliability": plot_reliabilities()}
        for name, figure in figures.items():
            save_png(figure, FIGURES / f"{name}.png")
    (HERE / "RESULTS.md").write_text(results(found, results_), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8"), results_))


def save_png(figure: Figure, path: Path) -> None:
    """Save a figure in 256 colors, which makes a smaller file that looks the same."""
    file = BytesIO()
    figure.savefig(file, format="png")
    Image.open(file).convert("RGB").quantize().save(path, optimize=True)


def find_runs() -> dict[str, dict[int, Run]]:
    """Return the report's runs of the seeds that every network has."""
    return {
        network: {seed: run for seed, run in runs.find(LOGS, network, "report").items() if seed in SEEDS}
        for network in NETWORKS
    }


if __name__ == "__main__":
    main()
