"""Floor 5: the register of the heated city: communities, plants and what was measured in them."""
