"""What every resource needs of the API: clients, account, region, the provider's default tags."""

import os
import threading
from typing import Any

import boto3
from botocore.config import Config

from region.plugins.base import PluginError, Properties

ATTEMPTS = 2
CONNECTIONS = 64


class Session:
    """Clients made once and used by all threads; `configure` comes before the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._account = ""
        self._config: Properties = {}

    def configure(self, config: Properties) -> None:
        """Take the provider's configuration; the environment fills in, as for the real one. Raises PluginError."""
        self._config = config
        self._clients = {}
        self._account = ""
        if not self.region:
            raise PluginError("unable to determine AWS region: set aws:region or AWS_REGION")

    @property
    def region(self) -> str:
        return self._config.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""

    @property
    def default_tags(self) -> dict[str, str]:
        return (self._config.get("defaultTags") or {}).get("tags") or {}

    @property
    def account(self) -> str:
        if not self._account:
            self._account = self.client("sts").get_caller_identity()["Account"]
        return self._account

    @property
    def ec2(self) -> Any:  # noqa: ANN401 (boto3's clients have no static types)
        return self.client("ec2")

    @property
    def elb(self) -> Any:  # noqa: ANN401
        return self.client("elbv2")

    @property
    def route53(self) -> Any:  # noqa: ANN401
        return self.client("route53")

    def client(self, service: str) -> Any:  # noqa: ANN401
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,  # type: ignore[call-overload]
                    region_name=self.region,
                    endpoint_url=self._endpoint(service),
                    aws_access_key_id=self._config.get("accessKey"),
                    aws_secret_access_key=self._config.get("secretKey"),
                    config=Config(
                        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                        max_pool_connections=CONNECTIONS,
                        connect_timeout=10,
                        read_timeout=60,
                    ),
                )
            return self._clients[service]

    def _endpoint(self, service: str) -> str | None:
        """The one configured for the service; else boto3 takes AWS_ENDPOINT_URL."""
        configured = self._config.get("endpoints") or [{}]
        return configured[0].get({"elbv2": "elb"}.get(service, service))

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
