"""What a host's first boot is told, as files of cloud-init's NoCloud datasource."""

from collections.abc import Mapping

import yaml

FOLDER = "var/lib/cloud/seed/nocloud"


def seed(*, instance_id: str, hostname: str, private_address: str, user_data: str) -> Mapping[str, str]:
    """File name to text. The user data passes as it is: EC2 does not read it either."""
    meta_data = {
        "instance-id": instance_id,
        "local-hostname": hostname,
        "local-ipv4": private_address,
    }
    return {"meta-data": yaml.safe_dump(meta_data, sort_keys=False), "user-data": user_data}
