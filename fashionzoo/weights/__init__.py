"""The trained weights, their model cards and their manifest, with what reads and verifies them.

They are written by ``experiments/export_weights.py``. May import ``models`` and what that may.
"""
