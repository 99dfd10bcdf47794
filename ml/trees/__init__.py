"""Boosted decision trees: learned with scikit-learn, evaluated from a JSON file with numpy."""
