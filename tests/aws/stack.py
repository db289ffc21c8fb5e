"""What the checks of the deployment ask of the emulator.

`stack.py await` returns when it answers; `stack.py adapt` tells it in its own words what it takes
otherwise than AWS; `stack.py outputs NAME` prints the outputs of a stack.
"""

import json
import sys
import time

import boto3
import botocore.exceptions


def wait(seconds):
    """Returns when the emulator answers, and fails when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            boto3.client("sts").get_caller_identity()
            return
        except botocore.exceptions.EndpointConnectionError:
            if time.monotonic() > deadline:
                sys.exit("the emulator does not answer")
            time.sleep(0.2)


def limit():
    """Tells each limit of concurrency again, as a number.

    The value of a parameter is a text, which CloudFormation makes a number of where one belongs;
    the emulator keeps the text, and then cannot compare it.
    """
    functions = boto3.client("lambda")
    for source in functions.list_event_source_mappings()["EventSourceMappings"]:
        most = int(source["ScalingConfig"]["MaximumConcurrency"])
        functions.update_event_source_mapping(
            UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": most}
        )


BATCHED = ("sqs:SendMessage", "sqs:ChangeMessageVisibility")


def name_batches():
    """Allows batches wherever single messages are allowed.

    AWS knows one right for both; the emulator asks for another one where there is a batch.
    """
    iam = boto3.client("iam")
    for role in (role["RoleName"] for role in iam.list_roles()["Roles"]):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                statement["Action"] = actions + [f"{one}Batch" for one in actions if one in BATCHED]
            iam.put_role_policy(
                RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
            )


def outputs(name):
    """The outputs of a stack, by their names."""
    stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


match sys.argv[1:]:
    case ["await"]:
        wait(60)
    case ["adapt"]:
        limit()
        name_batches()
    case ["outputs", name]:
        print(json.dumps(outputs(name), indent=2))
    case _:
        sys.exit(__doc__)
