import json
from pathlib import Path

from region.build import image, registry
from region.build.firewall_tools import _commands
from region.build.mirror import nginx_configuration


def test_files_and_images_are_served_at_one_address():
    text = nginx_configuration(Path("/tree/www"), Path("/run/x"))
    assert "listen 198.51.100.20:80;" in text
    assert "root /tree/www;" in text
    assert f"location /v2/ {{\n      proxy_pass http://127.0.0.1:{registry.PORT};" in text


def test_only_the_registry_that_is_being_filled_can_be_written():
    served = json.loads(registry.configuration(Path("/data"), writable=False))
    assert served["storage"]["maintenance"]["readonly"] == {"enabled": True}
    assert served["http"]["addr"].startswith("127.0.0.1:")
    filled = json.loads(registry.configuration(Path("/data"), writable=True))
    assert filled["storage"]["maintenance"]["readonly"] == {"enabled": False}


def test_iptables_is_nfts_as_on_the_hosts():
    commands = _commands()
    assert commands["iptables"] == commands["ip6tables-restore"] == "xtables-nft-multi"
    assert commands["iptables-legacy-save"] == "xtables-legacy-multi"


def test_no_machine_of_the_region_names_a_real_archive():
    for file in (image.MACHINE / "etc/apt").rglob("*.*"):
        if file.is_file():
            assert all("debian.invalid" in line for line in file.read_text().splitlines() if "http" in line)
