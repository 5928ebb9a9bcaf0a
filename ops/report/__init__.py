"""What a dry run did, and whether the books are true."""
