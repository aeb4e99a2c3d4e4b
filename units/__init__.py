"""Floor 2: responsible units, their names, posts, people, duties and access."""
