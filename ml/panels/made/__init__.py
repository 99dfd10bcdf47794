"""Made collages and pages, whose panels are known: the splitter learns and is measured by them."""
