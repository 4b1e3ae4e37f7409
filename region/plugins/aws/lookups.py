"""What a program asks the API without making anything."""

from collections.abc import Callable, Mapping

from region.plugins.aws import calls
from region.plugins.aws.session import Session
from region.plugins.base import Properties

Function = Callable[[Properties], Properties]


def functions(session: Session) -> Mapping[str, Function]:
    """By token, with errors told as the provider does."""
    token = "aws:ssm/getParameter:getParameter"

    def get_parameter(inputs: Properties) -> Properties:
        with calls.reported(f"invocation of {token} returned an error"):
            return parameter(session, {key: value for key, value in inputs.items() if value is not None})

    return {token: get_parameter}


def parameter(session: Session, inputs: Properties) -> Properties:
    decrypt = inputs.get("withDecryption", True)
    found = session.client("ssm").get_parameter(Name=inputs["name"], WithDecryption=decrypt)["Parameter"]
    is_secret = found["Type"] == "SecureString"
    return {
        "arn": found["ARN"],
        "id": found["Name"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": "" if is_secret else found["Value"],
        "version": found["Version"],
        "withDecryption": decrypt,
        "region": session.region,
    }
