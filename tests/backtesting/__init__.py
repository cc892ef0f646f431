"""Tests of the backtesting package."""
