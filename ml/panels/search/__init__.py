"""The search for panels: region by region, down to the boxes that may be panels."""
