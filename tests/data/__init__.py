"""Tests of fashionzoo.data."""
