"""Every implementation of ``VectorIndex`` keeps its promises, the embedded store its own too."""
