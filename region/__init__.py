"""The local region: AWS's API, hosts, network and a package mirror on one Linux machine."""
