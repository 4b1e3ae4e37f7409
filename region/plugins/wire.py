"""Property values between plain Python and the protobuf structures they travel in."""

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

from region.plugins.base import UNKNOWN, Properties


def plain(message: struct_pb2.Struct) -> Properties:
    return {key: _integers(value) for key, value in json_format.MessageToDict(message).items() if value is not None}


def _integers(value: object) -> object:
    """The wire has only floating-point numbers."""
    if isinstance(value, dict):
        return {key: _integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def struct(properties: Properties, secret: frozenset[str] = frozenset()) -> struct_pb2.Struct:
    marked = {
        key: {rpc._special_sig_key: rpc._special_secret_sig, "value": value}
        if key in secret and value not in (None, UNKNOWN)
        else value
        for key, value in properties.items()
    }
    message = struct_pb2.Struct()
    message.update(marked)
    return message
