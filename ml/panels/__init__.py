"""Panels: the pictures inside collages and screenshots."""

from ml.panels.overlay import draw_overlay
from ml.panels.splitter import Kind, Panel, Splitting, split

__all__ = ["Kind", "Panel", "Splitting", "draw_overlay", "split"]
