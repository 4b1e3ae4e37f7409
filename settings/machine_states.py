"""States of a machine, as EC2 names them."""

STOPPED = ("stopping", "stopped")
LIVING = ("pending", "running", *STOPPED)  # it has not ended
