"""The policies of the catalogue, and what a policy of one's own is made of."""
