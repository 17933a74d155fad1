"""Tests of fashionzoo.claims."""
