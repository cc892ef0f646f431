"""The least that any sequence of settings could have cost: an exact search with hindsight."""
