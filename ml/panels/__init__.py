"""Panels: the pictures inside collages and screenshots."""

from ml.panels.overlay import draw_overlay
from ml.panels.splitter import Panel, Splitting, split
from ml.rules.layout import Layout

__all__ = ["Layout", "Panel", "Splitting", "draw_overlay", "split"]
