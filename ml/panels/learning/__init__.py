"""How the splitter's judges are learned, from made collages and pages."""
