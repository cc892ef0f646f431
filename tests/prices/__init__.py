"""Tests of the prices package."""
