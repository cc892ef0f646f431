"""The same frames, rendered for people: one HTML page."""
