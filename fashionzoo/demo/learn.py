"""The tab with the curves of runs, and the report's claims with what decides them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

import fashionzoo as fz
from fashionzoo.claims.claim import CLAIMS
from fashionzoo.claims.evaluation import evaluate_claim, find_claim, find_seed_runs
from fashionzoo.demo.widgets import NEWEST, in_plain_words
from fashionzoo.zoo.overview import list_runs

METRICS = ["loss", "acc", "calibration_error", "gradient_norm/first_layer", "val/recall/Shirt"]
MAX_RUNS = 6  # that can be told apart in one chart
NO_RUNS = "There are no runs in `{}`: train with `fashionzoo fit`; those that are published come with the repository."


def add_learn_tab(logs: Path) -> None:
    """Add the tab, on the runs in a folder."""
    runs = [run.reference for run in list_runs(logs, reference=True)] if logs.is_dir() else []
    with gr.Tab("Learn", id="learn"):
        if not runs:
            gr.Markdown(NO_RUNS.format(logs))
            return
        with gr.Row():
            chosen = gr.Dropdown(
                runs, label="Runs", min_width=280, multiselect=True, max_choices=MAX_RUNS, elem_id="runs"
            )
            look: dict[str, Any] = {"min_width": 280, "multiselect": True}
            metrics = gr.Dropdown(METRICS, value=METRICS[:2], label="Metrics", allow_custom_value=True, **look)
        curves = gr.Plot(label="Curves", show_label=False, elem_id="curves")
        claims = [(f"{claim.id}: {claim.statement}", claim.id) for claim in CLAIMS]
        claim_id = gr.Dropdown(claims, value=None, label="A claim of the report", elem_id="claim")
        outcome = gr.HTML(elem_id="outcome")
        decides = gr.Plot(label="What decides it", show_label=False, elem_id="decides")

    @in_plain_words
    def show_curves(chosen: list[str], metrics: list[str]) -> Any:
        return fz.plot_runs(chosen, metrics, logs) if chosen and metrics else None

    @in_plain_words
    def show_claim(claim_id: str) -> tuple[str, Any]:
        from fashionzoo.claims.plots import plot_claim

        by_seed = find_seed_runs(logs)
        result = evaluate_claim(find_claim(claim_id), by_seed)
        if not result.findings:
            return f"{result._repr_html_()}<p>The published runs come with the repository: --logs names them.</p>", None
        return result._repr_html_(), plot_claim(result, by_seed)

    asked = [chosen.change, metrics.change]
    gr.on(asked, show_curves, [chosen, metrics], curves, api_name="curves", trigger_mode=NEWEST)
    claim_id.change(show_claim, claim_id, [outcome, decides], api_name="claim")
