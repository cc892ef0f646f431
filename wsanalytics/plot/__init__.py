"""Plots: a frame in, an Axes out, nothing computed."""
