"""What is measured in the work copy: its edges, its canvas, cuts, margins and snapped boxes."""
