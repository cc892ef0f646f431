"""Tests of the widgets package."""
