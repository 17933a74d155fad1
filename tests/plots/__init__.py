"""Tests of fashionzoo.plots."""
