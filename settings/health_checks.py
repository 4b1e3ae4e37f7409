"""How load balancers look whether their targets work, in seconds: what leaves service waits for that."""

CHECK_SECONDS, UNHEALTHY_CHECKS = 5, 2
# After which no new connection comes to a target that says no: these checks, one just made before, a second for each.
UNSERVED_SECONDS = (UNHEALTHY_CHECKS + 1) * (CHECK_SECONDS + 1)
