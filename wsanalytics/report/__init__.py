"""The same frames, rendered for people: one HTML page, and tables on the terminal."""
