"""How well collages and screenshots are split into panels."""
