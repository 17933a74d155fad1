"""Write experiments/RESULTS.md, its figures, and the tables of README.md from the committed runs and measurements.

python experiments/make_results.py           # seconds; the runs come from `fashionzoo claims --run` and train_size.py
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

import benchmark
import implementations
import markdown
import result_figures
import train_size
from matplotlib import rc_context
from result_figures import REPORTED, Found, plot_results
from revisions import revision_table

from fashionzoo.claims import evaluation, measures, runs
from fashionzoo.claims.claim import NETWORKS, ClaimResult, format_mean_range
from fashionzoo.claims.runs import Run
from fashionzoo.images.classes import CLASSES
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.models import list_weights
from fashionzoo.zoo.recipes import RECIPES
from fashionzoo.zoo.registry import get_class

HERE = Path(__file__).parent
LOGS = HERE.parent / "lightning_logs"
README = HERE.parent / "README.md"
FIGURES = HERE / "figures"
SEEDS = "seeds 0, 1 and 2"


def size_table(found: Found) -> dict[str, dict[int, list[float]]]:
    """Return the test accuracies of the CNNs by the number of training images."""
    table: dict[str, dict[int, list[float]]] = {network: {} for network in train_size.CNNS}
    for row in train_size.rows():
        table[row["network"]].setdefault(int(row["train_size"]), []).append(float(row["test/acc"]))
    for network, by_size in table.items():
        table[network] = dict(sorted(by_size.items()))
        table[network][implementations.TRAIN] = [run.final("test/acc") for run in found[network].values()]
    return table


def size_section(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> list[str]:
    """Return the section on the level of the report's Task 2."""
    sizes = list(next(iter(accuracies.values())))
    lines = ["## The level of Task 2", ""]
    lines += [
        "The report gives 63.1 % for network 4 and 65 % for network 6, far below what these networks reach on all of "
        "Fashion-MNIST, and does not say how many images it trained on. Below, the same recipes on a stratified part "
        f"of the training images; test accuracy, mean and range over {SEEDS}.",
        "",
        *figure_line("train_size", "test accuracy of the three CNNs against the number of training images"),
    ]
    orders, nearest, rows = {}, {}, []
    for size in sizes:
        orders[size] = sorted(accuracies, key=lambda network: -mean(accuracies[network][size]))
        cells = [format_mean_range(accuracies[network][size]) for network in accuracies]
        rows.append([f"{size:,}", *cells, f"`{orders[size][0]}`"])
    lines += markdown.table(["training images", *(f"`{network}`" for network in accuracies), "best"], rows)
    for network, level in REPORTED.items():
        nearest[network] = min(sizes, key=lambda size: abs(mean(accuracies[network][size]) - level))
    nearest_text = "; ".join(
        f"`{network}` comes nearest to its {REPORTED[network]:.1%} with {size:,} images, at "
        f"{mean(accuracies[network][size]):.1%}"
        for network, size in nearest.items()
    )
    above = all(mean(values) > level for n, level in REPORTED.items() for values in accuracies[n].values())
    order_text = "; ".join(
        f"with {size:,} images it is {', '.join(orders[size])}" for size in sorted({*nearest.values()})
    )
    holds = [f"{size:,}" for size in sizes if orders[size] == ["cnn_balanced", "cnn_plain", "cnn_dropout_l2"]]
    lines += [
        "",
        f"Of these sizes, {nearest_text}. The report's order is cnn_balanced, cnn_plain, cnn_dropout_l2; {order_text}. "
        f"Of all sizes, the report's order holds at {', '.join(holds) or 'none'}.",
        "",
        "What this supports: the report's levels are not those of these networks on all of Fashion-MNIST, and the "
        "fewer the images, the nearer they come"
        + (f"; even with {sizes[0]:,} they stay above. " if above else ". ")
        + "What it does not: how the report came to its levels. Fewer images, fewer steps or other networks would all "
        "lower them, and the report names none of these, nor says whether its accuracies come from one run or several.",
        "",
    ]
    return lines


def figure_line(name: str, text: str) -> list[str]:
    """Return the line that shows a figure, and an empty one."""
    return [f"![{text}](figures/{name}.png)", ""]


def claims_table(results_: Sequence[ClaimResult]) -> list[str]:
    """Return the claims, what was measured, and why those that fail do."""
    lines = markdown.table(
        ["claim", "the report says", "expected", "measured: mean (range)", "kind", "outcome"],
        [[v.claim.id, v.claim.statement, v.claim.criterion, v.measured(), v.claim.kind, v.in_words] for v in results_],
    )
    reasons = [f"{v.claim.id}: {v.reason}" for v in results_ if v.reason]
    return [*lines, "", *(line for reason in reasons for line in (reason, ""))]


def over_seeds(found: Mapping[int, Run], value: Callable[[Run], float]) -> str:
    """Return mean and range of a value over the seeds."""
    return format_mean_range(value(run) for run in found.values())


def summary_paragraph(network: str, found: Mapping[int, Run]) -> str:
    """Return a paragraph about a network's runs."""
    recalls = {name: mean(run.per_class_recall()[name] for run in found.values()) for name in CLASSES}
    best, worst = max(recalls, key=recalls.__getitem__), min(recalls, key=recalls.__getitem__)
    epochs, recipe = [run.epochs for run in found.values()], get_recipe(get_class(network), "report")
    stopped = "" if min(epochs) == recipe.epochs else f" of {recipe.epochs}, then early stopping"
    confusions = {
        (true, said): mean(run.confusion[true][said] for run in found.values())
        for true in CLASSES
        for said in CLASSES
        if true != said
    }
    true, said = max(confusions, key=confusions.__getitem__)
    images = sum(found[0].confusion[true].values())
    return (
        f"Trained for {format_mean_range(epochs)} epochs{stopped}. Validation accuracy peaks at "
        f"{over_seeds(found, lambda run: run.best_epoch()[0])} in epoch "
        f"{over_seeds(found, lambda run: run.best_epoch()[1])}; the network of that epoch has test accuracy "
        f"{over_seeds(found, lambda run: run.final('test/acc'))}, loss "
        f"{over_seeds(found, lambda run: run.final('test/loss'))} and calibration error "
        f"{over_seeds(found, lambda run: run.final('test/calibration_error'))}. {best} is recognized best (recall "
        f"{recalls[best]:.3f}), {worst} worst ({recalls[worst]:.3f}); the commonest mistake is {true} taken for "
        f"{said}, {confusions[true, said]:.0f} of {images:,} test images. At the end the network is "
        f"{over_seeds(found, lambda run: 100 * measures.generalization_gap(run))} points more accurate on training "
        f"images than on validation images. Training to the tested epoch took "
        f"{over_seeds(found, lambda run: run.environment['seconds'])} seconds."
    )


def network_section(network: str, found: Mapping[int, Run], results_: Sequence[ClaimResult]) -> list[str]:
    """Return what there is to show of one network."""
    own = [result for result in results_ if result.claim.network == network]
    run = found[0]
    settings = {
        **run.config["model"],
        "batch_size": run.config["data"].get("batch_size") or "all",
        "precision": run.config["trainer"]["precision"],
    }
    lines = [f"### `{network}`", "", f"The report: {RECIPES[network]['report'].description}", ""]
    lines += [f"Trained with: {', '.join(f'{key} {value}' for key, value in settings.items())}.", ""]
    lines += [summary_paragraph(network, found), ""]
    lines += figure_line(network, f"loss and accuracy of {network}, mean and range over {SEEDS}")
    lines += claims_table(own)
    lines += figure_line(f"{network}_confusion", f"confusion matrix of {network} on the test images, seed 0")
    return lines


def machine_line(found: Found) -> str:
    """Return on what the runs were made."""
    described = {
        tuple((key, value) for key, value in run.environment.items() if key != "seconds")
        for by_seed in found.values()
        for run in by_seed.values()
    }
    return "; ".join(", ".join(f"{key} {value}" for key, value in machine) for machine in sorted(described))


def count(results_: Sequence[ClaimResult]) -> str:
    """Return how many claims of each kind hold."""
    return f"Of {len(results_)} claims: " + "; ".join(evaluation.count_by_kind(results_))


def results(found: Found, results_: Sequence[ClaimResult]) -> str:
    """Return the text of RESULTS.md."""
    networks = list(found)
    lines = [
        "# Results",
        "",
        "Written by `python experiments/make_results.py` from the runs in `lightning_logs`, which `fashionzoo claims "
        f"--run` trains again. Each network was trained with {SEEDS}, declared beforehand; numbers are means with the "
        "range over the seeds in brackets. Curves are of validation images; the 10,000 test images are used once, with "
        "the weights of the epoch that had the best validation accuracy. Where early stopping ended the seeds at "
        "different epochs, a band ends with the first.",
        "",
        "What the report leaves open was chosen so that its curves come out, on the validation images: the way to draw "
        "weights (N1.level), the rates of networks 2 and 3 (N2.sooner, N3.level, and with them N3.slow and N3.longer) "
        "and the batch size of the CNNs (N4.overfit). These claims show that what the report saw can be had, not that "
        "it had to come out. Network 6 has more layers than the report names, batch normalization among them; what it "
        "does better may be owed to those.",
        "",
        f"Made on: {machine_line(found)}.",
        "",
        "## The report's claims",
        "",
        f"{count(results_)}. Nothing was set with a free claim in view; a rate, the initialization, a layout or a "
        "batch size was chosen so that a fitted one, or what entails it, comes out; one by construction could hardly "
        "fail. A claim is undecided where the 95 % interval of what was measured includes both outcomes: Wilson's of "
        "one accuracy, Newcombe's of a difference, the exact binomial one of two confusions. The report's curves are "
        "of its training and test sets, these of validation images, of which the fitted settings saw the accuracy. At "
        "its rate network 1 oscillates with a period of two iterations, so levels and first iterations are read from "
        "the mean over five.",
        "",
        *claims_table(results_),
        "## How the checks changed",
        "",
        "Version 0.1 checked the claims by revision 1, of which some could hardly fail and some hung on one iteration. "
        "The reasons for revision 2 lie in the report's sentences, not in the outcomes; both, on the same runs:",
        "",
        *revision_table(results_),
        "",
        "## The three MLPs",
        "",
        *figure_line("mlps", "validation loss and accuracy of the three MLPs"),
        "## The three CNNs",
        "",
        *figure_line("cnns", "validation loss and accuracy of the three CNNs"),
        "## Each network",
        "",
    ]
    for network in networks:
        lines += network_section(network, found[network], results_)
        if network == networks[1]:
            text = "histograms of the hidden activations of networks 1 and 2 on the test images, seed 0"
            lines += ["The counterpart of the report's figure 2:", "", *figure_line("activations", text)]
    lines += size_section(size_table(found))
    return "\n".join(lines) + "\n" + benchmark.report(json.loads(benchmark.MEASURED.read_text()))


def zoo_table() -> list[str]:
    """Return what the package comes with."""
    columns = "network", "version", "parameters", "MFLOPs", "test accuracy of the file, % (95 % interval)"
    rows = [
        [
            f"[`{weights.name}`](fashionzoo/weights/{weights.name}.md)",
            weights.version,
            f"{weights.meta['parameters']:,}",
            f"{weights.meta['flops'] / 1e6:.1f}",
            weights.accuracy,
            f"{weights.spread} ({weights.meta['seeds']['count']})",
            f"{weights.meta['bytes'] / 1e6:.1f}",
        ]
        for weights in list_weights()
    ]
    return markdown.table([*columns, "mean over seeds, % (n)", "MB"], rows)


def readme(text: str, results_: Sequence[ClaimResult]) -> str:
    """Return the README with its generated tables renewed."""
    others = [
        [result.claim.id, result.claim.statement, result.claim.kind, result.in_words, result.reason]
        for result in results_
        if result.outcome != "holds"
    ]
    tables = {
        "claims": [
            f"{count(results_)}. Those that do not hold:",
            "",
            *markdown.table(["claim", "the report says", "kind", "outcome", "why"], others),
        ],
        "zoo": zoo_table(),
    }
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = "\n".join([before + start + table[0], *table[1:], end + after])
    return text


def main() -> None:
    """Write everything."""
    found = {network: runs.find(LOGS, network, "report") for network in NETWORKS}
    results_ = evaluation.evaluate_claims(evaluation.find_seed_runs(LOGS))
    FIGURES.mkdir(exist_ok=True)
    with rc_context(result_figures.STYLE):  # type: ignore[arg-type]  # a literal type for each key
        for name, figure in plot_results(found, size_table(found)).items():
            figure.savefig(FIGURES / f"{name}.png", metadata={"Software": None})
    (HERE / "RESULTS.md").write_text(results(found, results_))
    README.write_text(readme(README.read_text(), results_))


if __name__ == "__main__":
    main()
