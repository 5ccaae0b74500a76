"""What the pictures show, and that they come."""
