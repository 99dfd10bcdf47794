"""Background work as rows: dispatch, claims, heartbeats and the sweep."""
