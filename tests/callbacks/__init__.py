"""Tests of fashionzoo.callbacks."""
