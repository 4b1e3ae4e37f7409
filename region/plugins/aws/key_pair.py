"""Key pairs made of a public key that the program has."""

from region.plugins.aws.calls import unless_missing
from region.plugins.aws.properties import tag_specifications, tags_of
from region.plugins.aws.resource import AwsResource
from region.plugins.base import Call, Properties


class KeyPair(AwsResource):
    token = "aws:ec2/keyPair:KeyPair"
    required = ("publicKey",)
    replace_on = frozenset({"keyName", "keyNamePrefix", "publicKey"})
    outputs = frozenset({"arn", "fingerprint", "keyName", "keyNamePrefix", "keyPairId", "keyType", "region", "tagsAll"})
    auto_name = ("keyName", 255)

    def filled(self, inputs: Properties) -> Properties:
        return {**inputs, "publicKey": inputs["publicKey"].strip()} if "publicKey" in inputs else inputs

    def make(self, call: Call, inputs: Properties) -> str:
        answer = self.session.ec2.import_key_pair(
            KeyName=inputs.get("keyName") or f"{inputs['keyNamePrefix']}{call.name}",
            PublicKeyMaterial=inputs["publicKey"].encode(),
            **tag_specifications("key-pair", inputs),
        )
        return answer["KeyName"]

    def look(self, id: str, before: Properties) -> Properties | None:
        ec2 = self.session.ec2
        found = unless_missing(lambda: ec2.describe_key_pairs(KeyNames=[id], IncludePublicKey=True)["KeyPairs"])
        if not found:
            return None
        key = found[0]
        return {
            "arn": self.session.arn("ec2", f"key-pair/{id}"),
            "keyName": key["KeyName"],
            "keyNamePrefix": before.get("keyNamePrefix") or "",
            "keyPairId": key["KeyPairId"],
            "keyType": key.get("KeyType") or ("ed25519" if "ed25519" in before.get("publicKey", "") else "rsa"),
            "fingerprint": key["KeyFingerprint"],
            "publicKey": before.get("publicKey") or key.get("PublicKey"),
            "tags": tags_of(key.get("Tags")),
        }

    def retag(self, id: str, removed: list[str], tags: dict[str, str]) -> None:
        super().retag(self.session.ec2.describe_key_pairs(KeyNames=[id])["KeyPairs"][0]["KeyPairId"], removed, tags)

    def end(self, call: Call, id: str, state: Properties) -> None:
        self.session.ec2.delete_key_pair(KeyName=id)
