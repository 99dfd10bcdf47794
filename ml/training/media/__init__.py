"""How `trees.json` is learned: from photos, drawings made of them, and clip art."""
