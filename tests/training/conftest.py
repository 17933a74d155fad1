"""Data for what is fitted here."""

from pathlib import Path

import pytest

import fashionzoo as fz


@pytest.fixture
def data(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fz.FashionMNISTDataModule:
    """A data module on the synthetic data, and a folder for what a Trainer writes."""
    monkeypatch.chdir(tmp_path)
    return fz.FashionMNISTDataModule(tiny_root, batch_size=64, val_size=200)
