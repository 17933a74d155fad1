"""Tests of fashionzoo.cli."""
