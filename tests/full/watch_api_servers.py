"""Runs on a host: writes, twice a second until it is ended, which API servers of `name=address ...` live."""

import concurrent.futures
import json
import ssl
import sys
import time
import urllib.request

ANYBODY = ssl._create_unverified_context()


def lives(address: str) -> bool:
    try:
        return (
            urllib.request.urlopen(f"https://{address}:6443/livez?exclude=etcd", timeout=3, context=ANYBODY).status
            == 200
        )
    except OSError:
        return False


def main() -> None:
    addresses = dict(argument.split("=") for argument in sys.argv[1:])
    with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
        while True:
            answers = dict(zip(addresses, pool.map(lives, addresses.values()), strict=True))
            print(json.dumps([time.time(), answers]), flush=True)
            time.sleep(0.5)


main()
