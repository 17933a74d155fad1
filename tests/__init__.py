"""Tests with real parts; their folders are those of the package."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # of the checkout
