"""Tests of fashionzoo.zoo."""
