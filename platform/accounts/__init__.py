"""Who may do what: the ready roles, and pages for one's own account."""
