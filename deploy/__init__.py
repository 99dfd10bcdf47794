"""How Semblance is set up, run and checked."""
