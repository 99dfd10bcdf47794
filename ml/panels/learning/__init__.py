"""How the splitter's classifiers are learned, from made collages and pages."""
