"""Tests of fashionzoo.demo."""
