"""Tests of the views package."""
