"""What the pages of the site share: errors as answers, who may look, the frame and its files."""
