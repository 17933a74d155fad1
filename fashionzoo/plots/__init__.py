"""Figures and tables of what was measured.

May import ``zoo`` and what that may.
"""
