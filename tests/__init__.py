"""Tests of what users rely on, with real files, real data and real processes."""
