"""How `judge.json` is learned: from made copies, and made pages of one design."""
