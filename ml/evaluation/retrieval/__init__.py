"""Whether queries find the pictures of their subject: plans, rankings, figures, intervals."""
