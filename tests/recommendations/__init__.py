"""Tests of the recommendations package."""
