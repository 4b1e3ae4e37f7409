"""The add-ons that every cluster has."""

from components.addons.flannel.addon import FLANNEL
from components.addons.network import NetworkAddon

NETWORK: NetworkAddon = FLANNEL
