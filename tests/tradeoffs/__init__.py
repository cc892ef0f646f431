"""Tests of the tradeoffs package."""
