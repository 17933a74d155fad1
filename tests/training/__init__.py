"""Tests of fashionzoo.training."""
