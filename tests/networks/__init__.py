"""Tests of fashionzoo.networks."""
