"""Tests of fashionzoo.images."""
