"""What is learned: which cuts and boxes are those of panels, by their features."""
