"""Search exactly, with hindsight, for the least that any sequence of settings could have cost."""
