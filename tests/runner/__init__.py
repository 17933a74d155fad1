"""Tests of fashionzoo.runner."""
