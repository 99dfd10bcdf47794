"""What is watched for new copies, and who is told of them."""
