"""What AWS says: its API, and the controller that makes the world match."""
